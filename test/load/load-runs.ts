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

export interface HotFigures {
  readonly connections: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly lagMs: number;
  readonly runs: number;
}

/** B39: so many keep-alive connections, all asking for one hot key at once, again and again; then the same with Redis hung. */
export async function hotKey(connections: number, rounds: number): Promise<{ up: HotFigures; hung: HotFigures }> {
  const server = await startRedis();
  const app = await startLoadApp({ redis: server.url });
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  try {
    await eventually(async () => (await app.state()).level === 'redis');
    await ask(`${app.url}/hot`);
    const round = async (): Promise<HotFigures> => {
      await app.state('reset');
      const before = (await app.state()).runs;
      const found: { ms: number; ok: boolean }[] = [];
      for (let i = 0; i < rounds; i++) {
        found.push(...(await Promise.all(Array.from({ length: connections }, () => timed(`${app.url}/hot`, agent)))));
      }
      const { lagMs, runs } = await app.state();
      const times = found.map(({ ms }) => ms);
      return {
        connections,
        failed: found.filter(({ ok }) => !ok).length,
        p50Ms: percentile(times, 0.5),
        p99Ms: percentile(times, 0.99),
        lagMs,
        runs: runs - before,
      };
    };
    await round();
    const up = await round();
    server.pause();
    const hung = await round();
    server.resume();
    return { up, hung };
  } finally {
    agent.destroy();
    await app.stop();
    await server.stop();
  }
}

function timed(url: string, agent: Agent): Promise<{ ms: number; ok: boolean }> {
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
