import { once } from 'node:events';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RateLimiterOptions } from '../../lib/middleware/rate-limiter.js';
import { rateLimiter } from '../../lib/middleware/rate-limiter.js';
import { createRedis } from '../../lib/redis/client.js';
import { eventually } from '../../lib/testing/eventually.js';
import type { RedisServer } from '../../lib/testing/redis-server.js';
import { startRedis } from '../../lib/testing/redis-server.js';
import type { TcpProxy } from '../../lib/testing/tcp-proxy.js';
import { startTcpProxy } from '../../lib/testing/tcp-proxy.js';
import { recordingLogger, serve, tally } from '../quota/quota-support.js';

const cleanups: (() => unknown)[] = [];
afterAll(async () => {
  for (const clean of cleanups.reverse()) await clean();
});

const POLICIES: readonly (readonly [string, RateLimiterOptions['tiers']])[] = [
  ['token bucket', { a: { rate: 1, per: '1h', burst: 20 } }],
  ['window by rate-limit-redis', { a: { limit: 20, window: '1h' } }],
];

/** An app behind a limiter, with its defaults, on a Redis reached by `url`. */
async function app(url: string, options: Partial<RateLimiterOptions>) {
  const client = createRedis(url);
  const logger = recordingLogger();
  const limiter = rateLimiter({ redis: client, logger, key: (req) => req.get('x-client'), tiers: {}, ...options });
  const handler = express();
  handler.use(limiter);
  handler.get('/', (_req, res) => void res.send('ok'));
  const site = await serve(handler);
  cleanups.push(() => {
    limiter.close();
    client.disconnect();
  });
  return { client, limiter, logger, ...site };
}

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; value: T }> {
  const from = performance.now();
  const value = await work();
  return { ms: performance.now() - from, value };
}

async function redis(options?: Parameters<typeof startRedis>[0]): Promise<RedisServer> {
  const server = await startRedis(options);
  cleanups.push(() => server.stop());
  return server;
}

// The promise is two seconds; the allowance is for a machine that runs other things meanwhile.
const HANDED_BACK = { timeoutMs: 4000 };

describe.each(POLICIES)('%s', (_name, tiers) => {
  it('counts in process while Redis is refused at boot, and joins when it comes (B1, C1)', async () => {
    const server = await redis({ started: false });
    const { flood, get, limiter } = await app(server.url, { tiers });
    expect(await flood(30, '/', { 'x-client': 'one' })).toEqual(
      new Map([
        [200, 20],
        [429, 10],
      ]),
    );
    expect(limiter.stats()).toMatchObject({ store: 'local', tiers: { a: { local: 20, limited: 10 } } });
    await server.restart();
    await eventually(() => limiter.stats().store === 'redis', HANDED_BACK);
    for (let index = 0; index < 3; index++) expect((await get('/', { 'x-client': 'two' })).status).toBe(200);
    expect((await server.cli('KEYS', 'warmpath:[qw]*')) as string[]).toHaveLength(1);
  });

  it('does the same when Redis hangs at boot (B4)', async () => {
    const server = await redis();
    server.pause();
    const { flood, limiter } = await app(server.url, { tiers });
    const { ms, value } = await timed(() => flood(30, '/', { 'x-client': 'one' }));
    expect(value).toEqual(
      new Map([
        [200, 20],
        [429, 10],
      ]),
    );
    expect(ms).toBeLessThan(2000);
    server.resume();
    await eventually(() => limiter.stats().store === 'redis', HANDED_BACK);
  });

  it('takes over within the deadline when Redis dies under load, and hands back (B2)', async () => {
    const server = await redis();
    const { get, limiter } = await app(server.url, { tiers });
    await eventually(() => limiter.stats().store === 'redis');
    let running = true;
    const statuses: number[] = [];
    const load = Promise.all(
      Array.from({ length: 8 }, async (_, worker) => {
        for (let index = 0; running; index++)
          statuses.push((await get('/', { 'x-client': `${worker}-${index}` })).status);
      }),
    );
    await eventually(() => statuses.length > 50);
    await server.kill();
    await eventually(() => limiter.stats().store === 'local');
    const during = statuses.length;
    await eventually(() => statuses.length > during + 50);
    await server.restart();
    await eventually(() => limiter.stats().store === 'redis', HANDED_BACK);
    running = false;
    await load;
    expect(tally(statuses)).toEqual(new Map([[200, statuses.length]]));
    expect(limiter.stats().tiers.a?.error).toBe(0);
  });

  it('waits no longer than the deadline when Redis hangs, then not at all, and hands back (B3)', async () => {
    const server = await redis();
    const { get, flood, limiter } = await app(server.url, { tiers });
    await eventually(() => limiter.stats().store === 'redis');
    await get('/', { 'x-client': 'warm' });
    server.pause();
    const first = await timed(() => get('/', { 'x-client': 'first' }));
    expect(first.value.status).toBe(200);
    expect(first.ms).toBeLessThan(1000);
    await eventually(async () => {
      await get('/', { 'x-client': 'first' });
      return limiter.stats().store === 'local';
    });
    const later = await timed(() => flood(100, '/', { 'x-client': 'later' }));
    expect(later.value).toEqual(
      new Map([
        [200, 20],
        [429, 80],
      ]),
    );
    server.resume();
    await eventually(() => limiter.stats().store === 'redis', HANDED_BACK);
    expect((await get('/', { 'x-client': 'fresh' })).headers.ratelimit).toMatch(/r=19/);
  });

  it('charges a request at most once when the reply is lost (A5.11)', async () => {
    const server = await redis();
    const proxy: TcpProxy = await startTcpProxy(server.port);
    cleanups.push(() => proxy.close());
    const { get, limiter } = await app(proxy.url, { tiers });
    await eventually(() => limiter.stats().store === 'redis');
    await get('/', { 'x-client': 'one' });
    proxy.blackhole();
    expect((await get('/', { 'x-client': 'one' })).status).toBe(200);
    proxy.pass();
    proxy.resetAll();
    await eventually(() => limiter.stats().store === 'redis', HANDED_BACK);
    await get('/', { 'x-client': 'one' });
    const { remaining } = await limiter.check('one');
    // Two or three of the three requests reached Redis; none of them twice.
    expect(remaining).toBeGreaterThanOrEqual(17);
  });

  it.each([
    ['OOM', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0']],
    ['READONLY', ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE']],
    ['NOREPLICAS', ['CONFIG', 'SET', 'min-replicas-to-write', '1'], ['CONFIG', 'SET', 'min-replicas-to-write', '0']],
  ])('counts in process while Redis refuses writes with %s, and hands back', async (_word, refuse, allow) => {
    const server = await redis();
    const { flood, get, limiter, logger } = await app(server.url, { tiers });
    await eventually(() => limiter.stats().store === 'redis');
    await server.cli(...refuse);
    expect(await flood(60, '/', { 'x-client': 'one' })).toEqual(
      new Map([
        [200, 20],
        [429, 40],
      ]),
    );
    expect(limiter.stats().store).toBe('local');
    await server.cli(...allow);
    await eventually(async () => {
      await get('/', { 'x-client': 'two' });
      return limiter.stats().store === 'redis';
    }, HANDED_BACK);
    expect(logger.lines.length).toBeLessThan(10);
  });
});

describe('onStoreError', () => {
  const tiers = { a: { limit: 5, window: '1m' } } as const;

  it('open: admits, without quota fields, and counts errors', async () => {
    const server = await redis({ started: false });
    const { get, flood, limiter } = await app(server.url, { tiers, onStoreError: 'open' });
    expect(await flood(20)).toEqual(new Map([[200, 20]]));
    expect((await get()).headers.ratelimit).toBeUndefined();
    expect(limiter.stats().tiers.a?.error).toBe(21);
  });

  it('closed: refuses with 429 and a short Retry-After, never a 5xx', async () => {
    const server = await redis({ started: false });
    const { get, limiter } = await app(server.url, { tiers, onStoreError: 'closed' });
    const { status, headers, body } = await get();
    expect([status, headers['retry-after'], headers['content-type']]).toEqual([429, '1', 'application/problem+json']);
    expect(JSON.parse(body).type).toMatch(/temporary-reduced-capacity$/);
    expect(limiter.stats().tiers.a?.error).toBe(1);
  });

  it('closed in shadow mode: admits', async () => {
    const server = await redis({ started: false });
    const { get } = await app(server.url, { tiers, onStoreError: 'closed', mode: 'shadow' });
    expect((await get()).status).toBe(200);
  });

  it('passOnStoreError means open', async () => {
    const server = await redis({ started: false });
    const { flood } = await app(server.url, { tiers, passOnStoreError: true });
    expect(await flood(20)).toEqual(new Map([[200, 20]]));
  });
});

describe('an outage', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await redis();
  });

  it('is shared among the instances known before it', async () => {
    const tiers = { a: { rate: 1, per: '1h', burst: 20 } } as const;
    const instances = [await app(server.url, { tiers }), await app(server.url, { tiers })];
    await eventually(() => instances.every(({ limiter }) => limiter.stats().instances === 2), { timeoutMs: 10_000 });
    await server.kill();
    await eventually(() => instances.every(({ limiter }) => limiter.stats().store === 'local'));
    for (const { flood } of instances) expect((await flood(30, '/', { 'x-client': 'one' })).get(200)).toBe(10);
  });

  it('costs one line per change in the log, not one per request (A3.16)', async () => {
    const { flood, logger, limiter } = await app(server.url, { tiers: { a: { limit: 5, window: '1m' } } });
    await flood(500);
    await server.restart();
    await eventually(() => limiter.stats().store === 'redis', HANDED_BACK);
    await flood(500);
    await server.kill();
    await eventually(() => limiter.stats().store === 'local');
    await flood(500);
    expect(logger.lines.length).toBeLessThanOrEqual(6);
  });
});

describe('a limiter whose client', () => {
  it('was made by the user with ioredis’ defaults is bounded all the same (C1, C3)', async () => {
    const { Redis } = await import('ioredis');
    const server = await redis();
    server.pause();
    const client = new Redis(server.url);
    client.on('error', () => {});
    cleanups.push(() => client.disconnect());
    const limiter = rateLimiter({ redis: client, tiers: { a: { limit: 5, window: '1m' } }, logger: recordingLogger() });
    const handler = express();
    handler.use(limiter, (_req, res) => void res.send('ok'));
    const { flood } = await serve(handler);
    const { ms, value } = await timed(() => flood(20));
    expect(value).toEqual(
      new Map([
        [200, 5],
        [429, 15],
      ]),
    );
    expect(ms).toBeLessThan(2000);
    server.resume();
    await eventually(() => limiter.stats().store === 'redis', { timeoutMs: 10_000 });
    limiter.close();
  });

  it('is created in the same tick joins as soon as it is ready (C1)', async () => {
    const server = await redis();
    const { limiter, get, client } = await app(server.url, { tiers: { a: { limit: 5, window: '1m' } } });
    expect((await get()).status).toBe(200);
    if (client.status !== 'ready') await once(client, 'ready');
    await eventually(() => limiter.stats().store === 'redis', HANDED_BACK);
    expect((await get()).headers.ratelimit).toMatch(/r=4/);
  });

  it('is closed by its owner goes on in process', async () => {
    const server = await redis();
    const { limiter, get, client } = await app(server.url, { tiers: { a: { limit: 5, window: '1m' } } });
    await eventually(() => limiter.stats().store === 'redis', HANDED_BACK);
    await client.quit();
    expect((await get()).status).toBe(200);
    limiter.close();
    expect((await get()).status).toBe(200);
  });
});
