import express from 'express';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createCache } from '../../lib/cache/cache.js';
import { requestMetrics } from '../../lib/middleware/request-metrics.js';
import { responseCache } from '../../lib/middleware/response-cache.js';
import { createRedis } from '../../lib/redis/client.js';
import { adminRouter } from '../../lib/routers/admin-router.js';
import { healthRouter } from '../../lib/routers/health-router.js';
import { metricsRouter } from '../../lib/routers/metrics-router.js';
import { startRedis } from '../../lib/testing/index.js';
import { serve } from './support/serve.js';
import { soon } from './support/soon.js';

const SECRET = 'S3CRETS3CRETS3CRET';

describe('a secret in a request (A2.15)', () => {
  it('is nowhere in metrics, health, the admin page, its JSON, logs at any level or the names of Redis keys', async () => {
    const server = await startRedis();
    const redis = createRedis(server.url);
    onTestFinished(async () => {
      redis?.disconnect();
      await server.stop();
    });
    const lines: string[] = [];
    const write = (...args: unknown[]) => void lines.push(JSON.stringify(args));
    const logger = { debug: write, info: write, warn: write, error: write };
    const cache = createCache({ redis, logger });
    const app = express();
    app.use(requestMetrics({ exemplars: true }));
    app.use(healthRouter({ redis, cache, details: () => true }));
    app.use(metricsRouter({ logger }));
    app.use('/admin', adminRouter({ cache, redis, authorize: () => true }));
    const routes = express.Router();
    routes.get(
      '/p',
      responseCache(cache, { ttl: '1h', query: { ignore: [] } }),
      (req, res) => void res.json({ id: req.headers['x-id'] }),
    );
    app.use('/t/:tenant', routes);
    const { url } = await serve(app);
    await soon(async () => expect(await (await fetch(`${url}/healthz`)).json()).toMatchObject({ status: 'healthy' }));

    const headers = {
      authorization: `Bearer ${SECRET}`,
      cookie: `sid=${SECRET}`,
      'x-id': SECRET,
      'user-agent': SECRET,
    };
    for (let i = 0; i < 40; i++) {
      await fetch(`${url}/t/a/p?token=${SECRET}`);
      await fetch(`${url}/t/a/p?token=x`, { headers });
      await fetch(`${url}/t/a/p?${SECRET}${SECRET}=1`);
      await fetch(`${url}/no/${SECRET}`, { headers });
    }
    await cache.invalidate({ urls: [`/t/a/p?token=${SECRET}`] });
    await server.cli('CONFIG', 'SET', 'maxmemory', '1');
    await fetch(`${url}/t/a/p?token=${SECRET}`);
    await server.cli('CONFIG', 'SET', 'maxmemory', '0');
    await fetch(`${url}/t/a/p?token=${SECRET}`);

    const places = [
      'metrics',
      'healthz',
      'admin/observability',
      'admin/observability/data',
      'admin/cache/stats',
      'admin/cache/keys',
      'admin/cache/tags',
      'admin/cache/low-hit?below=1',
    ];
    for (const place of places) {
      const text = await (
        await fetch(`${url}/${place}`, { headers: { accept: 'application/openmetrics-text' } })
      ).text();
      expect(text.length, place).toBeGreaterThan(10);
      expect(text.includes(SECRET), place).toBe(false);
    }
    expect(String(await server.cli('KEYS', '*'))).not.toContain(SECRET);
    expect(lines.join('\n')).not.toContain(SECRET);
  });
});
