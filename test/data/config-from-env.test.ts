import { describe, expect, it } from 'vitest';
import { createCache } from '../../lib/cache/cache.js';
import { configFromEnv } from '../../lib/data/config-from-env.js';

describe('configFromEnv', () => {
  const ttl = { movie: '1h', movieList: '30m', stats: 900 } as const;

  it('says nothing where the environment says nothing', () => {
    expect(configFromEnv({}, { ttl })).toEqual({ redis: undefined, cache: {}, ttl });
    expect(configFromEnv({ CACHE_ENABLED: '', REDIS_URL: '', TTL_MOVIE: ' ' }, { ttl })).toEqual({
      redis: undefined,
      cache: {},
      ttl,
    });
  });

  it('reads the cache, Redis and the lifetimes by their documented names', async () => {
    const config = configFromEnv(
      {
        CACHE_ENABLED: 'False',
        CACHE_VERSION: '42',
        CACHE_COMPATIBLE_WITH: '41',
        CACHE_NAMESPACE: 'films',
        REDIS_HOST: 'redis.test',
        REDIS_PORT: '6380',
        TTL_MOVIE_LIST: '5m',
        TTL_STATS: '60',
      },
      { ttl },
    );
    expect(config.cache).toEqual({ enabled: false, version: '42', compatibleWith: '41', namespace: 'films' });
    expect(config.redis).toMatchObject({ host: 'redis.test', port: 6380 });
    expect(config.ttl).toEqual({ movie: '1h', movieList: '5m', stats: 60 });
    const cache = createCache(config.cache);
    expect(cache.stats().enabled).toBe(false);
    await cache.close();
  });

  it('refuses values that make no sense, and names that are nearly one of the table', () => {
    expect(() => configFromEnv({ CACHE_ENABLED: 'maybe' })).toThrow(/CACHE_ENABLED/);
    expect(() => configFromEnv({ TTL_MOVIE: 'soon' }, { ttl })).toThrow(/TTL_MOVIE/);
    expect(() => configFromEnv({ TTL_MOVEI: '5m' }, { ttl })).toThrow(/TTL_MOVIE/);
    expect(() => configFromEnv({}, { ttl: { movie: 'soon' as '1h' } })).toThrow(/ttl.movie/);
    expect(() => configFromEnv({ REDIS_PORT: 'abc', REDIS_HOST: 'a' })).toThrow(/REDIS_PORT/);
    expect(configFromEnv({ TTL_OF_SOMEBODY_ELSE: 'x' }, { ttl }).ttl).toEqual(ttl);
  });
});
