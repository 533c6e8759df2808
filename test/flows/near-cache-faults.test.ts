import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Cache, createCache, createRedis, type Duration } from '../../lib/index.js';
import { eventually, type RedisServer, startRedis, startTcpProxy } from '../../lib/testing/index.js';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const closing: (() => unknown)[] = [];
let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await redis.cli('FLUSHALL');
});

async function instance(url: string, nearCache?: Duration): Promise<Cache> {
  const client = createRedis(url);
  const cache = createCache({ redis: client, logger: quiet, ...(nearCache && { memory: { nearCache } }) });
  closing.push(async () => {
    await cache.close({ grace: '100ms' });
    client.disconnect();
  });
  await eventually(() => cache.stats().level === 'redis');
  return cache;
}

/** Reads a value until it comes from the near cache: from then on Redis is not asked. */
async function warmUp(cache: Cache, key: string): Promise<void> {
  const hits = (): number => cache.stats().caches.data?.memoryHits ?? 0;
  await eventually(async () => {
    const before = hits();
    await cache.get(key);
    return hits() > before;
  });
}

/** The number of connections that listen to what others invalidate. */
async function listening(): Promise<readonly string[]> {
  const clients = String(await redis.cli('CLIENT', 'LIST', 'TYPE', 'pubsub')).trim();
  return clients === '' ? [] : clients.split('\n');
}

describe('a near cache that misses what others say', () => {
  it('B26 forgets at the next message or echo when one message is lost on a live connection', async () => {
    const proxy = await startTcpProxy(redis.port);
    closing.push(() => proxy.close());
    const here = await instance(proxy.url, '60s');
    const there = await instance(redis.url);
    await here.set('a', 1, { ttl: '1h', tags: ['t'] });
    await here.set('b', 1, { ttl: '1h', tags: ['u'] });
    await warmUp(here, 'a');
    // A first message, so that the sender is known and its numbers count.
    await there.invalidate({ tags: ['u'] });
    await eventually(async () => (await here.get('b')) === undefined);
    proxy.dropNext(1, '"t:t"');
    await there.invalidate({ tags: ['t'] });
    // No further invalidation is needed: the echo of the lost one shows the gap.
    await eventually(async () => (await here.get('a')) === undefined, { timeoutMs: 4000 });
  });

  it('B26 holds nothing longer than its lifetime, whatever is lost', async () => {
    const proxy = await startTcpProxy(redis.port);
    closing.push(() => proxy.close());
    const here = await instance(proxy.url, '1s');
    const there = await instance(redis.url);
    await here.set('a', 1, { ttl: '1h', tags: ['t'] });
    await warmUp(here, 'a');
    proxy.dropNext(1000, '"i":');
    await there.invalidate({ tags: ['t'] });
    await eventually(async () => (await here.get('a')) === undefined, { timeoutMs: 4000 });
  });

  it('B25 is emptied when Redis cuts its connection for not reading, and trusted again afterwards', {
    timeout: 60_000,
  }, async () => {
    const proxy = await startTcpProxy(redis.port);
    closing.push(() => proxy.close());
    await redis.cli('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 64kb 64kb 0');
    closing.push(() => redis.cli('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 32mb 8mb 60'));
    const here = await instance(redis.url, '60s');
    const there = await instance(redis.url);
    await here.set('a', 1, { ttl: '1h', tags: ['t'] });
    await warmUp(here, 'a');
    const before = await listening();
    expect(before.length).toBeGreaterThan(0);
    // More than the limit in one transaction, which Redis buffers whole: nobody reads fast enough.
    const [channel = ''] = (await redis.cli('PUBSUB', 'CHANNELS', 'warmpath:1:i:*')) as string[];
    const flood = new Redis(redis.port);
    closing.push(() => flood.disconnect());
    const burst = flood.multi();
    for (let i = 0; i < 200; i++) burst.publish(channel, 'x'.repeat(10_000));
    await burst.exec();
    await there.invalidate({ tags: ['t'] });
    await eventually(async () => (await here.get('a')) === undefined, { timeoutMs: 4000 });
    const ids = before.map((client) => /id=(\d+)/.exec(client)?.[1]);
    await eventually(async () => (await listening()).every((client) => !ids.includes(/id=(\d+)/.exec(client)?.[1])));
    await eventually(() => here.set('a', 2, { ttl: '1h', tags: ['t'] }));
    await warmUp(here, 'a');
    await there.invalidate({ tags: ['t'] });
    await eventually(async () => (await here.get('a')) === undefined, { timeoutMs: 4000 });
  });
});
