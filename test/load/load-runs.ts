import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually, startRedis } from '../../lib/testing/index.js';
import { percentile } from '../faults/support/load.js';
import { ask } from '../flows/support/serve.js';
import { runnableScript } from '../support/compiled-scripts.js';

/** What the app says of its memory and its event loop, in bytes and milliseconds. */
export interface LoadState {
  readonly rss: number;
  /** Highest resident size since it started. */
  readonly peak: number;
  readonly arrayBuffers: number;
  readonly heapUsed: number;
  readonly entries: number;
  readonly bytes: number;
  readonly level: 'memory' | 'redis';
  readonly runs: number;
  /** Delay of the event loop at the 99th percentile. */
  readonly lagMs: number;
}

/** The app of these runs, in a process of its own. */
export interface LoadApp {
  readonly url: string;
  /** `query`: `gc` collects first, `reset` starts the delays anew. */
  state(query?: string): Promise<LoadState>;
  stop(): Promise<void>;
}

export async function startLoadApp(
  spec: { redis?: string; maxBytes?: string } = {},
  nodeArgs: readonly string[] = [],
): Promise<LoadApp> {
  const { path, execArgv } = runnableScript(new URL('./load-app.ts', import.meta.url));
  const child = fork(path, {
    execArgv: [...execArgv, '--expose-gc', ...nodeArgs],
    env: { ...process.env, LOAD_APP: JSON.stringify(spec) },
  });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    state: async (query = '') => JSON.parse((await ask(`${url}/state?${query}`)).body.toString()) as LoadState,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** What a number of connections met. */
export interface HotFigures {
  readonly requests: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly lagMs: number;
  readonly runs: number;
}

/** The same requests to the route without a cache, to the cached one, and to that with Redis hung. */
export interface HotComparison {
  readonly plain: HotFigures;
  readonly up: HotFigures;
  readonly hung: HotFigures;
}

const PACED_PER_SECOND = 1000;

/**
 * B39: so many keep-alive connections on one hot key. `volley`: all of them ask at once, which keeps any server busy for
 * as long as it takes; `paced`: they stay open and take turns.
 */
export async function hotKey(
  connections: number,
  rounds: number,
  seconds: number,
): Promise<{ volley: HotComparison; paced: HotComparison }> {
  const server = await startRedis();
  const app = await startLoadApp({ redis: server.url });
  const agent = new Agent({
    keepAlive: true,
    maxSockets: connections,
    maxFreeSockets: connections,
    scheduling: 'fifo',
  });
  const ask = (path: string) => (): Promise<Answered> => timed(`${app.url}${path}`, agent);
  const watched = async (send: () => Promise<readonly Answered[]>): Promise<HotFigures> => {
    await app.state('reset');
    const before = (await app.state()).runs;
    const found = await send();
    const { lagMs, runs } = await app.state();
    const times = found.map(({ ms }) => ms);
    return {
      requests: found.length,
      failed: found.filter(({ ok }) => !ok).length,
      p50Ms: percentile(times, 0.5),
      p99Ms: percentile(times, 0.99),
      lagMs,
      runs: runs - before,
    };
  };
  const compare = async (send: (one: () => Promise<Answered>) => Promise<readonly Answered[]>) => {
    const plain = await watched(() => send(ask('/plain')));
    const up = await watched(() => send(ask('/hot')));
    server.pause();
    const hung = await watched(() => send(ask('/hot')));
    server.resume();
    await eventually(async () => (await app.state()).level === 'redis', { timeoutMs: 20_000 });
    return { plain, up, hung };
  };
  try {
    await eventually(async () => (await app.state()).level === 'redis');
    for (const path of ['/plain', '/hot']) await volley(connections, 1, ask(path));
    return {
      volley: await compare((one) => volley(connections, rounds, one)),
      paced: await compare((one) => paced(seconds, one)),
    };
  } finally {
    agent.destroy();
    await app.stop();
    await server.stop();
  }
}

interface Answered {
  readonly ms: number;
  readonly ok: boolean;
}

async function volley(count: number, rounds: number, one: () => Promise<Answered>): Promise<readonly Answered[]> {
  const found: Answered[] = [];
  for (let i = 0; i < rounds; i++) found.push(...(await Promise.all(Array.from({ length: count }, one))));
  return found;
}

async function paced(seconds: number, one: () => Promise<Answered>): Promise<readonly Answered[]> {
  const found: Promise<Answered>[] = [];
  const startedAt = performance.now();
  while (found.length < PACED_PER_SECOND * seconds) {
    const due = ((performance.now() - startedAt) / 1000) * PACED_PER_SECOND;
    while (found.length < due) found.push(one());
    await delay(1);
  }
  return Promise.all(found);
}

function timed(url: string, agent: Agent): Promise<Answered> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const done = (ok: boolean): void => resolve({ ms: performance.now() - startedAt, ok });
    get(url, { agent, headers: { host: 'films.test' } }, (res) => {
      res.resume();
      res.on('end', () => done(res.statusCode === 200));
    }).on('error', () => done(false));
  });
}

export interface FloodFigures {
  readonly urls: number;
  /** Resident size after a tenth of the flood, and the highest ever, in bytes. */
  readonly earlyRss: number;
  readonly peak: number;
  readonly entries: number;
  readonly bytes: number;
  /** Whether a key asked for all along is still there. */
  readonly isHotKept: boolean;
  readonly failed: number;
}

/** A3.5, B38: distinct URLs of 10 kB each, far more than fit. */
export async function flood(urls: number, maxBytes: string, nodeArgs: readonly string[] = []): Promise<FloodFigures> {
  const app = await startLoadApp({ maxBytes }, nodeArgs);
  const agent = new Agent({ keepAlive: true, maxSockets: 50 });
  let [sent, failed, earlyRss] = [0, 0, 0];
  try {
    await timed(`${app.url}/hot`, agent);
    const worker = async (): Promise<void> => {
      while (sent < urls) {
        const n = ++sent;
        if (!(await timed(`${app.url}/flood?r=${n}-${Math.random()}`, agent)).ok) failed += 1;
        if (n % 500 === 0) await timed(`${app.url}/hot`, agent);
        if (n === Math.floor(urls / 10)) earlyRss = (await app.state()).rss;
      }
    };
    await Promise.all(Array.from({ length: 50 }, worker));
    const isHotKept = (await ask(`${app.url}/hot`)).cache === 'hit';
    const { peak, entries, bytes } = await app.state();
    return { urls, earlyRss, peak, entries, bytes, isHotKept, failed };
  } finally {
    agent.destroy();
    await app.stop();
  }
}

/** A3.10: readers of one stored megabyte who take one piece and then nothing. Resolves to what they cost, in bytes. */
export async function slowReaders(
  readers: number,
): Promise<{ readers: number; addedBytes: number; addedBuffers: number }> {
  const app = await startLoadApp();
  const sockets: Socket[] = [];
  try {
    await ask(`${app.url}/megabyte`);
    await ask(`${app.url}/megabyte`);
    const before = await app.state('gc');
    for (let i = 0; i < readers; i++) sockets.push(await slowReader(Number(new URL(app.url).port)));
    await delay(500);
    const after = await app.state('gc');
    return { readers, addedBytes: after.rss - before.rss, addedBuffers: after.arrayBuffers - before.arrayBuffers };
  } finally {
    for (const socket of sockets) socket.destroy();
    await app.stop();
  }
}

async function slowReader(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {}); // ends with its server
  await once(socket, 'connect');
  socket.write('GET /megabyte HTTP/1.1\r\nHost: films.test\r\n\r\n');
  await once(socket, 'readable');
  socket.read(1);
  return socket;
}

/** A3.7: bodies far over the limit, at once. Resolves to the highest resident size in bytes, and to what arrived. */
export async function streams(
  count: number,
  megabytes: number,
): Promise<{ peak: number; before: number; received: number }> {
  const app = await startLoadApp();
  try {
    const { rss: before } = await app.state('gc');
    const received = await Promise.all(
      Array.from({ length: count }, () => countBytes(`${app.url}/stream/${megabytes}`)),
    );
    const { peak } = await app.state();
    return { peak, before, received: received.reduce((sum, bytes) => sum + bytes, 0) };
  } finally {
    await app.stop();
  }
}

function countBytes(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (res) => {
      let bytes = 0;
      res.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      res.on('end', () => resolve(bytes));
      res.on('error', reject);
    }).on('error', reject);
  });
}
