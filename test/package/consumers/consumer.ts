// What a TypeScript user writes; compiled as CommonJS and as ESM, under strict options, then run.
import type { AddressInfo } from 'node:net';
import express, { type Request } from 'express';
import {
  addTags,
  adminRouter,
  type Cache,
  cachedRepository,
  cacheHeaders,
  configFromEnv,
  createCache,
  createRedis,
  createServer,
  type Duration,
  healthRouter,
  invalidateOnWrite,
  metricsRouter,
  rateLimiter,
  requestMetrics,
  responseCache,
  type Size,
  signedIdentity,
  WarmpathError,
  warm,
} from 'warmpath';

const ttl: Duration = '1h';
const maxBytes: Size = '8mb';
const redis = createRedis();
const cache: Cache = createCache({ redis, memory: { maxBytes }, version: '2', jitter: 0.1 });

const app = express();
const isStaff = (req: Request): boolean => req.get('x-staff') === 'yes';

app.use(requestMetrics());
app.use(healthRouter({ redis, cache, checks: { source: () => true } }));
app.use(metricsRouter());
app.use(
  rateLimiter({
    redis,
    tier: (req) => (isStaff(req) ? 'staff' : 'anonymous'),
    tiers: { anonymous: { rate: 50, burst: 100 }, staff: { limit: 1000, window: '1m' } },
  }),
);
app.get(
  '/movies/:id',
  cacheHeaders({ public: true, maxAge: '1m', sMaxAge: '6h' }),
  responseCache(cache, { ttl, staleWhileRevalidate: '10m', tags: ['movies', 'movie:{id}'] }),
  (req, res) => {
    addTags(res, 'extra');
    res.json({ id: req.params.id });
  },
);
app.put('/movies/:id', invalidateOnWrite(cache, { tags: ['movies', 'movie:{id}'] }), (_req, res) => {
  res.status(204).end();
});
app.use('/admin', adminRouter({ cache, redis, authorize: (req) => isStaff(req) }));

async function main(): Promise<void> {
  const double = cache.cached(async (value: number) => value * 2, { name: 'double', ttl: '5m' });
  const doubled: number = await double(21);
  const wrapped: string = await cache.wrap('greeting', async () => 'hello', { ttl: 60 });
  const server = createServer(app, { cache }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/movies/1`;
  const seen: (string | null)[] = [];
  for (let i = 0; i < 2; i++) seen.push((await fetch(url)).headers.get('x-cache'));
  server.close();

  let code: string | undefined;
  try {
    createCache({ version: '' });
  } catch (error) {
    if (error instanceof WarmpathError) code = error.code;
  }
  const rest = [warm, signedIdentity, cachedRepository, configFromEnv].map((name) => typeof name);
  await cache.close();
  console.log(JSON.stringify({ seen, doubled, wrapped, code, rest }));
}

void main();
