import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cache, createCache, createRedis } from '../../lib/index.js';
import { eventually, type RedisServer, startRedis } from '../../lib/testing/index.js';

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

const COUNT = 100_000;

async function fill(cache: Cache, count: number, tag: string): Promise<void> {
  for (let start = 0; start < count; start += 100) {
    const size = Math.min(100, count - start);
    await Promise.all(
      Array.from({ length: size }, (_, index) =>
        cache.set(`${tag}:${start + index}`, index, { ttl: '1h', tags: [tag] }),
      ),
    );
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** The median time to invalidate a tag that is written anew in between, so that each time something is ended. */
async function invalidationMs(cache: Cache, tag: string): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 21; i++) times.push(await timed(() => cache.invalidate({ tags: [tag] })));
  return times.sort((a, b) => a - b)[10] as number;
}

describe('the cost of invalidating a tag', () => {
  it('does not depend on how many entries carry it, in memory', { timeout: 60_000 }, async () => {
    const cache = createCache({ memory: { maxBytes: '1gb' } });
    await fill(cache, 10, 'few');
    await fill(cache, COUNT, 'many');
    expect(cache.stats().entries).toBe(COUNT + 10);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    const few = await invalidationMs(cache, 'few');
    delay.enable();
    const many = await invalidationMs(cache, 'many');
    delay.disable();
    console.log(
      `memory: 10 entries ${few.toFixed(3)} ms, ${COUNT} entries ${many.toFixed(3)} ms, longest event-loop delay ${(delay.max / 1e6).toFixed(1)} ms`,
    );
    expect(many).toBeLessThan(few * 5 + 1);
    expect(await cache.get('many:77')).toBeUndefined();
  });

  it('does not depend on how many entries carry it, on Redis', { timeout: 120_000 }, async () => {
    const client = createRedis(redis.url);
    const cache = createCache({ redis: client });
    await eventually(() => cache.stats().level === 'redis');
    const count = COUNT / 10;
    await fill(cache, 10, 'few');
    await fill(cache, count, 'many');
    await eventually(() => cache.set('many:77', 77, { ttl: '1h', tags: ['many'] }));
    await eventually(async () => cache.stats().level === 'redis' && (await cache.get('many:77')) === 77);
    await redis.cli('CONFIG', 'SET', 'slowlog-log-slower-than', '1000');
    await redis.cli('SLOWLOG', 'RESET');
    const [few, many] = [await invalidationMs(cache, 'few'), await invalidationMs(cache, 'many')];
    const slow = (await redis.cli('SLOWLOG', 'GET')) as [number, number, number][];
    const longest = Math.max(0, ...slow.map(([, , microseconds]) => microseconds)) / 1000;
    console.log(
      `Redis: 10 entries ${few.toFixed(2)} ms, ${count} entries ${many.toFixed(2)} ms, longest command over 1 ms: ${longest} ms`,
    );
    expect(cache.stats().level).toBe('redis');
    expect(many).toBeLessThan(few * 5 + 2);
    expect(await cache.get('many:77')).toBeUndefined();
    await cache.close({ grace: '100ms' });
    client.disconnect();
  });
});
