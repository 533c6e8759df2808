import express from 'express';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createCache } from '../../lib/cache/cache.js';
import type { EventType } from '../../lib/common/events.js';
import { rateLimiter } from '../../lib/middleware/rate-limiter.js';
import { requestMetrics } from '../../lib/middleware/request-metrics.js';
import { responseCache } from '../../lib/middleware/response-cache.js';
import { createRedis } from '../../lib/redis/client.js';
import { adminRouter } from '../../lib/routers/admin-router.js';
import { healthRouter } from '../../lib/routers/health-router.js';
import { metricsRouter } from '../../lib/routers/metrics-router.js';
import { cacheMatchers, eventually, startRedis } from '../../lib/testing/index.js';
import { ask, serve } from '../flows/support/serve.js';

const SECRET = 'pl4nted-S3cret-Zw7';
const EVENTS: readonly EventType[] = [
  'store-error',
  'corrupt-entry',
  'redis-state',
  'fill',
  'not-stored',
  'collapsed',
  'refresh',
  'finding',
  'quota',
];
const leaks = (received: unknown): boolean => cacheMatchers.toLeak(received, SECRET).pass;

describe('secrets planted everywhere (A2.15)', () => {
  it('show in no Redis key or channel, log line, event, error, metric, health or admin answer, through faults of Redis', async () => {
    const server = await startRedis({ args: ['--requirepass', SECRET] });
    const seen: unknown[] = [];
    const write = (...args: unknown[]): void => void seen.push(args);
    const logger = { debug: write, info: write, warn: write, error: write };
    const redis = createRedis({ url: server.url, password: SECRET });
    redis.on('error', write);
    const wrongPassword = createRedis({ url: server.url, password: `${SECRET}-wrong` });
    const cache = createCache({ redis, logger });
    const lockedOut = createCache({ redis: wrongPassword, logger });
    for (const event of EVENTS) cache.events.on(event, write);
    const limiter = rateLimiter({
      redis,
      logger,
      key: (req) => req.get('x-api-key'),
      tiers: { all: { rate: 5, burst: 5 } },
    });
    limiter.events.on('quota', write);
    onTestFinished(async () => {
      await Promise.all([cache.close({ grace: '100ms' }), lockedOut.close({ grace: '100ms' })]);
      limiter.close();
      redis.disconnect();
      wrongPassword.disconnect();
      await server.stop();
    });
    const { url, close } = await serve(app({ cache, redis, limiter, logger }));
    onTestFinished(close);
    await eventually(() => cache.stats().level === 'redis');

    const headers = {
      authorization: `Bearer ${SECRET}`,
      cookie: `sid=${SECRET}`,
      'x-api-key': SECRET,
      'x-user': SECRET,
      'x-tenant': SECRET,
    };
    const storm = async (): Promise<void> => {
      for (let i = 0; i < 10; i++) {
        await ask(`${url}/page?token=${SECRET}`);
        await ask(`${url}/page?token=x`, { headers });
        await ask(`${url}/mine`, { headers });
        await ask(`${url}/throws?token=${SECRET}`, { headers });
        await ask(`${url}/nothing/${SECRET}`);
        await cache.set('settings', { key: SECRET }, { ttl: '1m' });
        await cache.get('settings');
        await cache.wrap('fails', () => Promise.reject(new Error('no')), { ttl: '1m' }).catch(write);
      }
      await cache.invalidate({ urls: [`/page?token=${SECRET}`] });
    };
    await storm();
    const keys = await redis.keys('*');
    const channels = await redis.pubsub('CHANNELS');
    expect(keys.length).toBeGreaterThan(3);
    expect(leaks([keys, channels])).toBe(false);
    await redis.config('SET', 'maxmemory', '1');
    await storm();
    await server.restart();
    await storm();
    await eventually(() => cache.stats().level === 'redis');
    await storm();

    const places = ['metrics', 'healthz', 'readyz', 'livez', 'admin/observability', 'admin/cache/stats'];
    for (const place of places) {
      const { status, body } = await ask(`${url}/${place}`);
      expect([place, status, leaks(body.toString())]).toEqual([place, 200, false]);
    }
    expect(leaks(cache.stats())).toBe(false);
    expect(leaks(limiter.stats())).toBe(false);
    expect(seen.length).toBeGreaterThan(20);
    expect(seen.filter(leaks).map((one) => typeof one)).toEqual([]);
  });

  it('show in no message about options', () => {
    const wrong: (() => unknown)[] = [
      () => createRedis(`redis://user:${SECRET}@host:notaport`),
      () => createRedis(`http://user:${SECRET}@host`),
      () => createRedis({ host: 'a', password: SECRET, prot: 1 } as never),
    ];
    for (const attempt of wrong) {
      let error: unknown;
      try {
        attempt();
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(Error);
      expect(leaks(error)).toBe(false);
    }
  });
});

function app({
  cache,
  redis,
  limiter,
  logger,
}: {
  cache: ReturnType<typeof createCache>;
  redis: ReturnType<typeof createRedis>;
  limiter: ReturnType<typeof rateLimiter>;
  logger: NonNullable<Parameters<typeof metricsRouter>[0]>['logger'];
}): ReturnType<typeof express> {
  const made = express();
  made.set('env', 'test');
  made.use(requestMetrics());
  made.use(healthRouter({ redis, cache, details: () => true }));
  made.use(metricsRouter({ logger: logger as never }));
  made.use('/admin', adminRouter({ cache, redis, authorize: () => true }));
  made.use(limiter);
  made.get('/page', responseCache(cache, { ttl: '1h', query: { ignore: [] } }), (req, res) => {
    res.json({ tenant: req.get('x-tenant')?.length ?? 0 });
  });
  made.get('/mine', responseCache(cache, { ttl: '1h', identity: (req) => req.get('x-user') }), (_req, res) => {
    res.json({ mine: true });
  });
  made.get('/throws', responseCache(cache, { ttl: '1h' }), () => {
    throw new Error('of the app');
  });
  return made;
}
