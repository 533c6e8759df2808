import type { Cluster } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cache, createCache } from '../../lib/cache/cache.js';
import { coreOf } from '../../lib/cache/cache-core.js';
import { cachedRepository } from '../../lib/data/cached-repository.js';
import { trafficRankingOf } from '../../lib/data/traffic-ranking.js';
import { warm } from '../../lib/middleware/warm.js';
import { createRedis } from '../../lib/redis/client.js';
import { eventually, type RedisCluster, startCluster } from '../../lib/testing/index.js';
import { quiet } from './levels.js';

describe('data patterns on a cluster', () => {
  let cluster: RedisCluster;
  let redis: Cluster;
  let cache: Cache;

  beforeAll(async () => {
    cluster = await startCluster({ masters: 3, replicas: 0 });
    redis = createRedis({ clusterNodes: [...cluster.addresses] }) as Cluster;
    cache = createCache({ redis, logger: quiet });
    await eventually(() => cache.stats().level === 'redis', { timeoutMs: 10_000 });
  });

  afterAll(async () => {
    await cache.close();
    redis.disconnect();
    await cluster.stop();
  });

  it('find many entities on all nodes, and end them', async () => {
    const ids = Array.from({ length: 60 }, (_, id) => id);
    let queries = 0;
    const movies = cachedRepository({
      cache,
      name: 'movie',
      ttl: '1h',
      tags: ['movies', 'movie:{id}'],
      findById: async (id: number) => ({ id }),
      findMany: async (some: readonly number[]) => {
        queries += 1;
        return some.map((id) => ({ id }));
      },
    });
    const asked = async () => {
      queries = 0;
      expect(await movies.findMany(ids)).toEqual(ids.map((id) => ({ id })));
      return queries;
    };
    // The nodes join one after the other.
    await expect.poll(asked, { timeout: 10_000 }).toBe(0);
    await movies.invalidate(7);
    expect([await asked(), await asked()]).toEqual([1, 0]);
    expect(await cache.writeThrough('k', () => 'written', { ttl: '1h' })).toBe('written');
    expect(await cache.get('k')).toBe('written');
  });

  it('keep, flush and set aside what is pushed', async () => {
    const flushed: number[] = [];
    const push = cache.writeBehind<number>('numbers', {
      maxDelay: '10ms',
      maxTries: 1,
      flush(items) {
        if (items.includes(13)) throw new Error('unlucky');
        flushed.push(...items);
      },
    });
    await Promise.all(Array.from({ length: 20 }, (_, n) => push(n)));
    await expect.poll(() => flushed.length, { timeout: 5000 }).toBe(19);
    expect(await push.stats()).toMatchObject({ waiting: 0, poisoned: 1 });
    expect(await push.requeue()).toBe(1);
  });

  it('rank traffic and warm by one instance', async () => {
    for (let n = 0; n < 200; n++) coreOf(cache).topKeys.record('/hot');
    expect(await trafficRankingOf(coreOf(cache)).top(1)).toEqual(['/hot']);
    let runs = 0;
    const warmings = [1, 2].map(() => warm(undefined, [() => ++runs], { cache, every: '1h' }));
    await Promise.all(warmings);
    expect(runs).toBe(1);
    for (const warming of warmings) warming.stop();
  });
});
