import { createRequire } from 'node:module';
import express5 from 'express';
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { type Cache, type CacheOptions, createCache, createRedis } from '../../../lib/index.js';
import { eventually, type RedisServer, startRedis } from '../../../lib/testing/index.js';
import { type Served, serve } from './serve.js';

type Express = typeof express5;

/** What a test of an attack is given: an Express, a cache of its kind, and how to serve an app. */
export interface Backend {
  readonly express: Express;
  cache(options?: CacheOptions): Promise<Cache>;
  serve(build: (app: ReturnType<Express>) => void): Promise<Served>;
  /** The server behind the caches; only with Redis. */
  readonly redis: () => RedisServer;
}

export const quiet = { debug() {}, info() {}, warn() {}, error() {} };

const EXPRESSES: readonly [string, Express][] = [
  ['Express 5', express5],
  ['Express 4', createRequire(import.meta.url)('express4') as Express],
];

/** Runs a suite on Express 4 and 5, in memory and on a real Redis. */
export function onEveryBackend(title: string, suite: (backend: Backend) => void): void {
  for (const [name, express] of EXPRESSES) {
    for (const level of ['memory', 'Redis'] as const) {
      describe(`${title} (${name}, ${level})`, () => suite(backend(express, level)));
    }
  }
}

/** Runs a suite on Express 5 and Redis alone: what is about stored bytes. */
export function onRedis(title: string, suite: (backend: Backend) => void): void {
  describe(title, () => suite(backend(express5, 'Redis')));
}

function backend(express: Express, level: 'memory' | 'Redis'): Backend {
  const closing: (() => unknown)[] = [];
  let server: RedisServer | undefined;
  if (level === 'Redis') {
    beforeAll(async () => {
      server = await startRedis();
    });
    afterAll(() => server?.stop());
  }
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    await server?.cli('FLUSHALL');
  });
  return {
    express,
    redis: () => {
      if (server === undefined) throw new Error('this backend has no Redis');
      return server;
    },
    async cache(options = {}) {
      const client = server === undefined ? undefined : createRedis(server.url);
      const cache = createCache({ redis: client, jitter: 0, logger: quiet, ...options });
      closing.push(async () => {
        await cache.close({ grace: '100ms' });
        client?.disconnect();
      });
      if (client !== undefined) await eventually(() => cache.stats().level === 'redis');
      return cache;
    },
    async serve(build) {
      const app = express();
      app.set('env', 'test');
      build(app);
      const served = await serve(app);
      closing.push(() => served.close());
      return served;
    },
  };
}
