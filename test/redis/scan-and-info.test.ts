import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RedisClient } from '../../lib/redis/guard.js';
import { readRedisInfo } from '../../lib/redis/info.js';
import { scanKeys, unlinkMany } from '../../lib/redis/scan.js';
import { eventually, type RedisCluster, type RedisServer, startCluster, startRedis } from '../../lib/testing/index.js';
import { cleanUp, connect, guard, until } from './support.js';

const NASTY = ['a[1]', 'a*', 'a?', 'a\\', 'a^', 'a-', 'a]', '[a-c]', '**', 'a{b}', 'a\nb', 'ü', '['];

afterEach(cleanUp);

async function all(client: RedisClient, prefix: string, batch?: number): Promise<string[]> {
  const found = new Set<string>();
  for await (const keys of scanKeys(client, prefix, batch)) for (const key of keys) found.add(key);
  return [...found].sort();
}

describe('scanKeys and unlinkMany', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  beforeEach(() => server.cli('FLUSHALL'));

  async function client(options: object = {}) {
    const made = connect({ url: server.url, ...options });
    await eventually(() => made.status === 'ready');
    return made;
  }

  it.each(NASTY)('A6.3: takes the prefix %j literally', async (prefix) => {
    const redis = await client();
    await server.cli('MSET', ...[...NASTY, 'a1', 'ab', 'b', 'app'].flatMap((key) => [`${key}:x`, '1']));
    const expected = NASTY.filter((key) => `${key}:x`.startsWith(prefix)).map((key) => `${key}:x`);
    expect(await all(redis, prefix)).toEqual(expected.sort());
  });

  it('A6.3: refuses an empty prefix', async () => {
    const redis = await client();
    await expect(all(redis, '')).rejects.toMatchObject({ code: 'ERR_TARGET' });
  });

  it("A6.4: sees and frees its own keys behind the client's keyPrefix, and nobody else's", async () => {
    const redis = await client({ keyPrefix: 'app*:' });
    await server.cli('MSET', 'app*:w:1', 'x', 'app*:w:2', 'x', 'app1:w:3', 'x', 'w:4', 'x');
    const mine = await all(redis, 'w:');
    expect(mine).toEqual(['w:1', 'w:2']);
    expect(await unlinkMany(redis, mine)).toBe(2);
    expect(((await server.cli('KEYS', '*')) as string[]).sort()).toEqual(['app1:w:3', 'w:4']);
  });

  it('works in batches over many keys', async () => {
    const redis = await client();
    await server.cli('DEBUG', 'POPULATE', '3000', 'w');
    const found = await all(redis, 'w:', 100);
    expect(found).toHaveLength(3000);
    expect(await unlinkMany(redis, [...found, 'none'])).toBe(3000);
  });
});

describe('readRedisInfo', () => {
  it('reads the figures of a server', async () => {
    const server = await startRedis({ args: ['--maxmemory', '50mb'] });
    try {
      const watched = guard(connect(server.url));
      expect(await readRedisInfo(watched)).toBeUndefined();
      await until('up', watched);
      await server.cli('MSET', 'a', '1', 'b', '2');
      await server.cli('GET', 'a');
      await server.cli('GET', 'none');
      const info = await readRedisInfo(watched);
      expect(info).toMatchObject({ maxMemory: 50 * 1024 ** 2, keys: 2, evictedKeys: 0, keyspaceHits: 1 });
      expect(info?.keyspaceMisses).toBeGreaterThanOrEqual(1);
      expect(info?.usedMemory).toBeGreaterThan(500_000);
      expect(info?.usedMemoryHuman).toMatch(/^\d+\.\d\d[KM]$/);
      expect(info?.connectedClients).toBeGreaterThanOrEqual(1);
      server.pause();
      expect(await readRedisInfo(watched, 50)).toBeUndefined();
    } finally {
      await server.stop();
    }
  });
});

describe('on a cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startCluster({ masters: 3 });
  });
  afterAll(() => cluster.stop());

  it('scans, frees and adds up over all masters', async () => {
    const redis = connect({ clusterNodes: cluster.addresses });
    const watched = guard(redis);
    await until('up', watched);
    const keys = Array.from({ length: 300 }, (_, i) => `w:${i}`);
    await eventually(() => Promise.all(keys.map((key) => redis.set(key, '1'))));
    await redis.set('other', '1');
    expect(await all(redis, 'w:', 50)).toEqual(keys.sort());
    expect(await readRedisInfo(watched)).toMatchObject({ keys: 301 });
    expect(await unlinkMany(redis, keys)).toBe(300);
    expect(await readRedisInfo(watched)).toMatchObject({ keys: 1 });
  });
});
