import type { AddressInfo } from 'node:net';
import express from 'express';
import { createCache } from '../../../lib/cache/cache.js';
import { gracefulShutdown } from '../../../lib/middleware/graceful-shutdown.js';
import { responseCache } from '../../../lib/middleware/response-cache.js';
import { createRedis } from '../../../lib/redis/client.js';

// An application that is told to stop while a refresh and a slow request are under way.
const redis = createRedis();
const cache = createCache({ redis });
const app = express();
app.get('/', responseCache(cache, { ttl: '1ms', staleWhileRevalidate: '1m' }), (_req, res) => {
  setTimeout(() => res.send('x'), 50);
});
app.get('/never', () => {});
const server = app.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  void fetch(`${url}never`).catch(() => {});
  process.stdout.write(`${url}\n`);
});
gracefulShutdown(server, { cache, redis, grace: '2s' });
