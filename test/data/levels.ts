import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { type Cache, createCache } from '../../lib/cache/cache.js';
import type { CacheOptions } from '../../lib/cache/cache-options.js';
import { createRedis } from '../../lib/redis/client.js';
import { eventually, type FakeClock, fakeClock, type RedisServer, startRedis } from '../../lib/testing/index.js';

/** What a test runs against: process memory, or a Redis server of the file's own. */
export interface LevelKit {
  readonly level: 'memory' | 'redis';
  /** Time as the caches see it. */
  readonly clock: FakeClock;
  /** A cache; those of one test share their entries where there is a Redis, like instances of one app. */
  instance(options?: CacheOptions): Promise<Cache>;
  /** The server, for tests of what is there only with one. */
  server(): RedisServer;
  /** A client of its own, closed after the test. */
  client(): Redis;
}

/** Runs a group of tests against memory and against Redis. */
export function onEveryLevel(title: string, tests: (kit: LevelKit) => void): void {
  describe(`${title} in memory`, () => tests(memoryKit()));
  describe(`${title} in Redis`, () => tests(redisKit()));
}

/** Runs a group of tests against Redis alone. */
export function onRedis(title: string, tests: (kit: LevelKit) => void): void {
  describe(title, () => tests(redisKit()));
}

/** A logger that says nothing. */
export const quiet = { debug() {}, info() {}, warn() {}, error() {} };

function memoryKit(): LevelKit {
  const caches: Cache[] = [];
  const clock = fakeClock();
  afterEach(async () => {
    for (const cache of caches.splice(0)) await cache.close();
  });
  return {
    level: 'memory',
    clock,
    async instance(options = {}) {
      const cache = createCache({ jitter: 0, clock, logger: quiet, ...options });
      caches.push(cache);
      return cache;
    },
    server: () => {
      throw new Error('there is no server');
    },
    client: () => {
      throw new Error('there is no server');
    },
  };
}

function redisKit(): LevelKit {
  let server: RedisServer;
  let namespace = '';
  const caches: Cache[] = [];
  const clients: Redis[] = [];
  const clock = fakeClock();
  const client = (): Redis => {
    const made = createRedis(server.url) as Redis;
    clients.push(made);
    return made;
  };
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    for (const cache of caches.splice(0)) await cache.close();
    for (const one of clients.splice(0)) one.disconnect();
    namespace = '';
  });
  return {
    level: 'redis',
    clock,
    server: () => server,
    client,
    async instance(options = {}) {
      namespace ||= `test-${randomBytes(6).toString('hex')}`;
      const cache = createCache({ jitter: 0, clock, logger: quiet, namespace, redis: client(), ...options });
      caches.push(cache);
      await eventually(() => cache.stats().level === 'redis');
      return cache;
    },
  };
}
