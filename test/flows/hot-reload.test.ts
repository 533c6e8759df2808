import express from 'express';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  adminRouter,
  createCache,
  createRedis,
  healthRouter,
  metricsRouter,
  rateLimiter,
  requestMetrics,
  responseCache,
} from '../../lib/index.js';
import { eventually, type RedisServer, startRedis } from '../../lib/testing/index.js';
import { ask, serve } from './support/serve.js';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis({ args: ['--maxclients', '500'] });
});
afterAll(() => redis.stop());

/** Builds a whole app, uses it if `isUsed`, and takes it down again, as a development server does after every change. */
async function reload(isUsed: boolean): Promise<void> {
  const client = createRedis(redis.url);
  const cache = createCache({ redis: client, memory: { nearCache: '5s' }, logger: quiet });
  const limiter = rateLimiter({ redis: client, logger: quiet, tiers: { all: { rate: 1000, burst: 1000 } } });
  const app = express();
  app.use(requestMetrics());
  app.use(healthRouter({ redis: client, cache }));
  app.use(metricsRouter());
  app.use('/admin', adminRouter({ cache, redis: client, authorize: () => true }));
  app.use(limiter);
  app.get('/film', responseCache(cache, { ttl: '1h', tags: ['film'] }), (_req, res) => void res.send('film'));
  if (isUsed) {
    const served = await serve(app);
    await eventually(() => cache.stats().level === 'redis');
    for (const path of ['film', 'film', 'healthz', 'metrics', 'admin/cache/stats']) {
      expect((await ask(`${served.url}/${path}`)).status).toBe(200);
    }
    await cache.invalidate({ tags: ['film'] });
    await served.close();
  }
  await cache.close({ grace: '100ms' });
  limiter.close();
  client.disconnect();
}

async function collector(): Promise<() => void> {
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([import('node:v8'), import('node:vm')]);
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

/** Open sockets and timers that keep the process alive. */
function resources(): number {
  return process.getActiveResourcesInfo().filter((name) => /TCP|Pipe|Timeout|Immediate/.test(name)).length;
}

function listeners(): number {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
}

it('B44 leaves no connection, timer, listener or memory behind after a thousand reloads of a whole app', {
  timeout: 180_000,
}, async () => {
  const collect = await collector();
  const clients = async (): Promise<number> =>
    String(await redis.cli('CLIENT', 'LIST'))
      .trim()
      .split('\n').length;
  const heap = async (): Promise<number> => {
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 20)).then(collect);
    return process.memoryUsage().heapUsed;
  };
  const round = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 10 }, (_, one) => reload(one === 0)));
  };
  await round();
  const before = { resources: resources(), listeners: listeners(), heap: await heap() };
  for (let i = 0; i < 9; i++) await round();
  await eventually(async () => (await clients()) === 1, { timeoutMs: 10_000 });
  await eventually(() => resources() <= before.resources, { timeoutMs: 10_000 });
  expect(listeners()).toBe(before.listeners);
  // Nine hundred apps, and what tests themselves remember. What was closed last may be waited for by a timer of a second.
  await eventually(async () => (await heap()) - before.heap < 900 * 4 * 1024, { timeoutMs: 10_000, everyMs: 200 });
});
