import { describe, expect, it } from 'vitest';
import { readConfig } from '../../example-app/config.js';

describe('settings of the example', () => {
  it('has the documented lifetimes', () => {
    expect(readConfig({}).ttl).toEqual({
      movie: '1h',
      movieList: '30m',
      popular: '5m',
      search: '15m',
      genres: '24h',
      manifest: '24h',
      preferences: '30m',
      stats: '15m',
    });
  });

  it.each([
    ['TTL_MOVIE', 'movie'],
    ['TTL_MOVIE_LIST', 'movieList'],
    ['TTL_POPULAR', 'popular'],
    ['TTL_SEARCH', 'search'],
    ['TTL_GENRES', 'genres'],
    ['TTL_MANIFEST', 'manifest'],
    ['TTL_PREFERENCES', 'preferences'],
    ['TTL_STATS', 'stats'],
  ] as const)('%s overrides one lifetime and no other', (variable, name) => {
    expect(readConfig({ [variable]: '90s' }).ttl).toEqual({ ...readConfig({}).ttl, [name]: '90s' });
  });

  it.each([
    [{ TTL_MOVIE_LIST: '5 minutes' }, 'TTL_MOVIE_LIST'],
    [{ PORT: 'http' }, 'PORT'],
    [{ WORKERS: '0' }, 'WORKERS'],
    [{ UPSTREAM_DELAY: '-1' }, 'UPSTREAM_DELAY'],
    [{ USERS: 'alice' }, 'USERS'],
    [{ WARM_EVERY: 'often' }, 'WARM_EVERY'],
    [{ LOG_LEVEL: 'all' }, 'LOG_LEVEL'],
    [{ CACHE_ENABLED: 'perhaps' }, 'CACHE_ENABLED'],
  ])('refuses %j, naming the variable', (env, variable) => {
    expect(() => readConfig(env as NodeJS.ProcessEnv)).toThrow(variable);
  });

  it('passes on what says how to cache, where, and when to warm', () => {
    const env = { CACHE_VERSION: '7', REDIS_URL: 'redis://cache:6380', PUBLIC_URL: 'https://films.example' };
    expect(readConfig(env)).toMatchObject({
      cache: { version: '7' },
      publicUrl: 'https://films.example',
      warmEvery: '6h',
    });
    expect(readConfig(env).redis).toBeDefined();
    expect(readConfig({})).toMatchObject({ cache: {}, redis: undefined });
    expect(readConfig({ WARM_EVERY: 'off' }).warmEvery).toBeUndefined();
  });

  it('has tokens to try it out, but none in production', () => {
    expect(readConfig({}).staffToken).toBe('demo-staff');
    expect(readConfig({ NODE_ENV: 'production' })).toMatchObject({ staffToken: undefined, users: new Map() });
    expect(readConfig({ NODE_ENV: 'production', STAFF_TOKEN: 's', USERS: 'carol:c' })).toMatchObject({
      staffToken: 's',
      users: new Map([['c', 'carol']]),
    });
  });
});
