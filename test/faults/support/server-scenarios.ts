import { mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createCache } from '../../../lib/cache/cache.js';
import { createRedis } from '../../../lib/redis/client.js';
import {
  eventually,
  freePort,
  type RedisServer,
  startRedis,
  startTcpProxy,
  type TcpProxy,
} from '../../../lib/testing/index.js';
import { ask, leavable } from '../../flows/support/serve.js';
import { quiet } from './film-app.js';
import type { Scenario, Scene, Stage } from './scenario.js';

type Change = (server: RedisServer, scene: Scene) => unknown;

/** A fault of one server: how to make it, how to end it. */
function ofServer(
  row: string,
  title: string,
  begin: Change,
  end: Change,
  { args = [], ...more }: Partial<Scenario> & { args?: readonly string[] } = {},
): Scenario {
  const arrange = async (): Promise<Stage> => {
    const server = await startRedis({ args });
    return {
      redis: server.url,
      begin: (scene) => begin(server, scene),
      end: (scene) => end(server, scene),
      stop: () => server.stop(),
    };
  };
  return { row, title, arrange, ...more };
}

/** A fault of the connection. */
function ofWire(
  row: string,
  title: string,
  begin: (proxy: TcpProxy) => unknown,
  more: Partial<Scenario> = {},
): Scenario {
  const arrange = async (): Promise<Stage> => {
    const server = await startRedis();
    const proxy = await startTcpProxy(server.port);
    let isOver = false;
    let work: unknown;
    return {
      redis: proxy.url,
      begin() {
        work = begin(
          new Proxy(proxy, { get: (target, name) => (name === 'isOver' ? isOver : Reflect.get(target, name)) }),
        );
      },
      async end() {
        isOver = true;
        await work;
        proxy.pass();
      },
      async stop() {
        await proxy.close();
        await server.stop();
      },
    };
  };
  return { row, title, arrange, ...more };
}

/** Does something over and over while the fault lasts. */
function again(everyMs: number, step: Change): { begin: Change; end: Change } {
  let isOver = false;
  let work: Promise<void> | undefined;
  return {
    begin(server, scene) {
      isOver = false;
      work = (async () => {
        while (!isOver) {
          await step(server, scene);
          await delay(everyMs);
        }
      })();
    },
    async end() {
      isOver = true;
      await work;
    },
  };
}

function repeated(row: string, title: string, everyMs: number, step: Change, more: Partial<Scenario> = {}): Scenario {
  const { begin, end } = again(everyMs, step);
  return ofServer(row, title, begin, end, more);
}

const config =
  (name: string, value: string): Change =>
  (server) =>
    server.cli('CONFIG', 'SET', name, value);
const orphan: Change = async (server) => server.cli('REPLICAOF', '127.0.0.1', await freePort());
const toMaster: Change = (server) => server.cli('REPLICAOF', 'NO', 'ONE');

/** B1 to B7: not there, or not answering. */
export const absences: readonly Scenario[] = [
  ofServer(
    'B1',
    'refused at boot, then there',
    (server) => server.kill(),
    (server) => server.restart(),
    { atBoot: true },
  ),
  ofServer(
    'B2',
    'killed under load, back empty',
    (server) => server.kill(),
    (server) => server.restart(),
  ),
  ofServer(
    'B3',
    'hung (SIGSTOP), sockets open',
    (server) => server.pause(),
    (server) => server.resume(),
  ),
  ofServer(
    'B4',
    'hung at boot',
    (server) => server.pause(),
    (server) => server.resume(),
    { atBoot: true },
  ),
  ofWire('B5', '300 ms away', (proxy) => proxy.setDelay(300)),
  ofWire('B6', 'connection cut within replies', cutEverywhere, { extraIds: ['large1'] }),
  ofWire('B7', 'black hole: nothing passes, nothing closes', (proxy) => proxy.blackhole()),
];

/** B8 to B18: answers that are refusals. */
export const refusals: readonly Scenario[] = [
  ofServer('B8', 'full (OOM)', config('maxmemory', '1'), config('maxmemory', '0')),
  ofServer('B9', 'read-only replica', orphan, toMaster),
  ofServer(
    'B10',
    'replica without its master (MASTERDOWN)',
    async (server, scene) => {
      await config('replica-serve-stale-data', 'no')(server, scene);
      await orphan(server, scene);
    },
    toMaster,
  ),
  ofServer(
    'B11',
    'too few replicas (NOREPLICAS)',
    config('min-replicas-to-write', '1'),
    config('min-replicas-to-write', '0'),
  ),
  ofServer('B12', 'cannot save (MISCONF)', misconfigure, config('stop-writes-on-bgsave-error', 'no')),
  ofServer('B13', 'restarted, loading its data', startLoading, untilLoaded),
  ofServer('B14', 'busy with a script (BUSY)', startScript, killScript, { args: ['--busy-reply-threshold', '50'] }),
  repeated('B15', 'writes paused (CLIENT PAUSE)', 1500, (server) => server.cli('CLIENT', 'PAUSE', 1200, 'WRITE')),
  repeated('B16', 'scripts forgotten (NOSCRIPT), again and again', 20, (server) => server.cli('SCRIPT', 'FLUSH')),
  ofServer(
    'B18',
    'password changed, connections closed (NOAUTH)',
    async (server) => {
      await server.cli('CONFIG', 'SET', 'requirepass', 'changed');
      await server.cli('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes').catch(() => {}); // may need the new password
    },
    withoutPassword,
  ),
  ofServer(
    'B18',
    'rights taken away (NOPERM)',
    (server) => server.cli('ACL', 'SETUSER', 'default', 'resetkeys', '~other:*', '-@scripting'),
    (server) => server.cli('ACL', 'SETUSER', 'default', 'allkeys', '+@scripting'),
  ),
];

/** B17: records of ours that are none. */
export const foreign: readonly Scenario[] = [
  repeated('B17', 'our keys turned into lists (WRONGTYPE)', 50, turnIntoLists),
];

// Should Redis be found too slow, what stands in for it may be as old as the near cache.
const near: Partial<Scenario> = {
  cache: { memory: { nearCache: '5s', outageMaxAge: '5s' } },
  instances: 2,
  boundMs: 7500,
};

/** B24 to B26, B40, B41: what was there is gone. B27 to B37, B42: what apps do to themselves and to each other. */
export const losses: readonly Scenario[] = [
  repeated(
    'B24',
    'subscriber connections killed, near cache on',
    100,
    (server) => server.cli('CLIENT', 'KILL', 'TYPE', 'pubsub'),
    near,
  ),
  repeated('B25', 'subscribers cut off for not reading, near cache on', 400, overflow, near),
  ofWire('B26', 'invalidation messages lost one by one, near cache on', loseMessages, near),
  repeated('B40', 'any of our keys evicted', 20, evictSome),
  ofServer(
    'B40',
    'allkeys-lru under pressure',
    async (server, scene) => {
      await config('maxmemory-policy', 'allkeys-lru')(server, scene);
      const used = /used_memory:(\d+)/.exec(String(await server.cli('INFO', 'memory')))?.[1];
      await config('maxmemory', String(Number(used) - 20_000))(server, scene);
    },
    config('maxmemory', '0'),
  ),
  repeated('B41', 'FLUSHALL, again and again', 100, (server) => server.cli('FLUSHALL')),
  ofServer(
    'B27',
    'one instance an hour ahead',
    () => {},
    () => {},
    {
      needsProcess: true,
      instances: 2,
      clockSkewMs: 3_600_000,
    },
  ),
  ofServer(
    'B27',
    'one instance an hour behind',
    () => {},
    () => {},
    {
      needsProcess: true,
      instances: 2,
      clockSkewMs: -3_600_000,
    },
  ),
  ofServer('B28', 'an instance killed within a fill', killFiller, () => {}, {
    needsProcess: true,
    instances: 2,
    loaded: 1,
  }),
  ofServer('B37', 'SIGTERM to an instance while Redis hangs', endWhileHung, (server) => server.resume(), {
    needsProcess: true,
    instances: 2,
    loaded: 1,
  }),
  ofServer(
    'B29',
    'handlers slower than their lease',
    () => {},
    () => {},
    { cache: { lease: '100ms' }, extraIds: ['slow1', 'slow2'] },
  ),
  repeated('B31', 'handlers that never answer, and clients that leave', 100, (_server, { urls }) =>
    leaveSilent(urls[0] as string),
  ),
  repeated('B42', 'another version of the app writing and clearing on the same Redis', 300, useOtherVersion),
  repeated('B30-B36', 'handlers that throw, break off, or answer twice', 20, (_server, { urls }) =>
    askBroken(urls[0] as string),
  ),
];

async function withoutPassword(server: RedisServer): Promise<void> {
  const admin = new Redis({ port: server.port, password: 'changed' });
  await admin.config('SET', 'requirepass', '');
  admin.disconnect();
}

async function cutEverywhere(proxy: TcpProxy & { isOver?: boolean }): Promise<void> {
  for (let bytes = 0; !proxy.isOver; bytes = (bytes * 3 + 1) % 130_000) {
    proxy.cutAfter(bytes);
    await delay(60);
    proxy.pass();
    await delay(250);
  }
}

/** Redis buffers what a script publishes, all at once: more than a subscriber may owe. */
async function overflow(server: RedisServer): Promise<void> {
  await server.cli('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 64kb 64kb 0');
  const [channel] = (await server.cli('PUBSUB', 'CHANNELS', 'warmpath:1:i:*')) as string[];
  if (channel === undefined) return;
  const script = "for i = 1, 200 do redis.call('PUBLISH', ARGV[1], string.rep('x', 10000)) end";
  await server.cli('EVAL', script, '0', channel);
}

async function loseMessages(proxy: TcpProxy & { isOver?: boolean }): Promise<void> {
  while (!proxy.isOver) {
    proxy.dropNext(1, '"e":false,"s":false}');
    await delay(200);
  }
}

async function leaveSilent(url: string): Promise<void> {
  const request = leavable(`${url}/broken/silent`);
  await delay(50);
  await request.leave();
}

async function useOtherVersion(server: RedisServer): Promise<void> {
  const client = createRedis(server.url);
  const cache = createCache({ redis: client, version: '2', logger: quiet });
  await cache.set('film', 1, { ttl: '1h', tags: ['films'] });
  await cache.invalidate({ tags: ['films'] });
  await cache.clear();
  await cache.close({ grace: '100ms' });
  client.disconnect();
}

async function misconfigure(server: RedisServer): Promise<void> {
  await server.cli('CONFIG', 'SET', 'save', '3600 1');
  await server.cli('SET', 'changed', '1');
  const directory = ((await server.cli('CONFIG', 'GET', 'dir')) as string[])[1] ?? '';
  // A dump file name that is a directory cannot be written.
  mkdirSync(`${directory}/dump.rdb/in-the-way`, { recursive: true });
  await server.cli('BGSAVE');
  await eventually(async () => {
    const refused = await server.cli('SET', 'changed', '2').catch((error: Error) => error.message);
    return String(refused).startsWith('MISCONF');
  });
}

async function startLoading(server: RedisServer): Promise<void> {
  await server.cli('DEBUG', 'POPULATE', '8000', 'filler', '100');
  await server.restart({
    keepData: true,
    args: ['--key-load-delay', '200', '--loading-process-events-interval-bytes', '1024'],
  });
}

async function untilLoaded(server: RedisServer): Promise<void> {
  await eventually(() => server.cli('GET', 'filler:1'), { timeoutMs: 20_000 });
}

function startScript(server: RedisServer): void {
  server.cli('EVAL', 'while true do end', '0').catch(() => {}); // ends with an error when it is killed
}

async function killScript(server: RedisServer): Promise<void> {
  await eventually(() => server.cli('SCRIPT', 'KILL'));
}

async function turnIntoLists(server: RedisServer): Promise<void> {
  for (const key of (await server.cli('KEYS', 'warmpath*')) as string[]) {
    if (Math.random() < 0.3)
      await server.cli('EVAL', "redis.call('DEL', KEYS[1]) redis.call('RPUSH', KEYS[1], 'x')", '1', key);
  }
}

async function evictSome(server: RedisServer): Promise<void> {
  const keys = (await server.cli('KEYS', '*')) as string[];
  const some = keys.filter(() => Math.random() < 0.3);
  if (some.length > 0) await server.cli('DEL', ...some);
}

async function killFiller(_server: RedisServer, { urls, instances }: Scene): Promise<void> {
  const [kept = '', killed = ''] = urls;
  const lost = ask(`${killed}/film/slow1`).catch(() => {}); // dies with its server
  await delay(150);
  await instances[1]?.stop();
  await lost;
  const startedAt = performance.now();
  const { status } = await ask(`${kept}/film/slow1`);
  if (status !== 200 || performance.now() - startedAt > 6000)
    throw new Error(`the other instance answered ${status} late`);
}

async function endWhileHung(server: RedisServer, { urls, instances }: Scene): Promise<void> {
  const inFlight = [ask(`${urls[1]}/film/slow1`), ask(`${urls[1]}/film/slow2`)];
  await delay(100);
  server.pause();
  const startedAt = performance.now();
  const code = await instances[1]?.stop('SIGTERM');
  const tookMs = performance.now() - startedAt;
  const statuses = (await Promise.all(inFlight)).map(({ status }) => status);
  if (code !== 0 || tookMs > 3000 || statuses.some((status) => status !== 200)) {
    throw new Error(`ended with ${code} after ${Math.round(tookMs)} ms, having answered ${statuses}`);
  }
}

async function askBroken(url: string): Promise<void> {
  const asked = ['throw', 'reject', 'next', 'destroy', 'late-throw', 'twice'].map(async (how) => {
    const answer = await ask(`${url}/broken/${how}`).catch(() => ({ status: 0, body: '' }));
    const expected = how === 'twice' ? 200 : how === 'destroy' || how === 'late-throw' ? 0 : 500;
    if (answer.status !== expected && !(expected === 0 && answer.status === 200)) {
      throw new Error(`${how}: ${answer.status} instead of ${expected}`);
    }
    if (how === 'twice' && String(answer.body) !== '{"first":true}') throw new Error(`twice: ${answer.body}`);
  });
  await Promise.all(asked);
}
