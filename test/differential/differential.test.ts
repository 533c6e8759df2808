import { createRequire } from 'node:module';
import express5 from 'express';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createCache } from '../../lib/cache/cache.js';
import { createRedis } from '../../lib/redis/client.js';
import { startRedis } from '../../lib/testing/index.js';
import type { ExpressModule } from './app.js';
import { runDifferential } from './run-differential.js';

const express4 = createRequire(import.meta.url)('express4') as ExpressModule;

// Every route reports what its handler reads; with a random app that is noise.
const silent = { debug() {}, info() {}, warn() {}, error() {} };

// 20,000 requests in all. Other seeds, and more requests: npm run fuzz.
const RUNS: readonly (readonly [
  name: string,
  seed: number,
  requests: number,
  express: ExpressModule,
  level: 'memory' | 'redis',
])[] = [
  ['Express 5 in memory', 1, 7_000, express5, 'memory'],
  ['Express 5 in memory, another app', 2, 5_000, express5, 'memory'],
  ['Express 4 in memory', 3, 4_000, express4, 'memory'],
  ['Express 5 with Redis', 4, 4_000, express5, 'redis'],
];

describe('the same app with and without the cache', () => {
  it.each(RUNS)(
    'A2.10 answers every request alike, and nobody sees what is for another: %s',
    { timeout: 120_000 },
    async (_name, seed, requests, express, level) => {
      const redis = level === 'redis' ? createRedis(`redis://127.0.0.1:${(await redisServer()).port}`) : undefined;
      const cache = createCache(redis === undefined ? { logger: silent } : { redis, logger: silent });
      onTestFinished(async () => {
        await cache.close();
        redis?.disconnect();
      });
      const result = await runDifferential({ seed, requests, express, cache });
      expect(result.differences).toEqual([]);
      expect(result.requests).toBeGreaterThanOrEqual(requests);
      expect(result.hits / result.requests).toBeGreaterThan(0.1); // else it would have compared the handler with itself
    },
  );
});

async function redisServer() {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  return server;
}
