import compression from 'compression';
import express, { type Express } from 'express';
import type { Registry } from 'prom-client';
import { cachedCatalogue } from './cached-catalogue.js';
import { routeCaching } from './caching.js';
import type { Config } from './config.js';
import { databaseCatalogue } from './data/catalogue.js';
import type { CatalogueDatabase } from './data/database.js';
import { simulatedPriceIndex } from './data/price-index.js';
import { authenticate, staffOnly } from './http/auth.js';
import { noSuchRoute, sendProblem } from './http/problem.js';
import { catalogueMetrics } from './metrics.js';
import { directRecorder, queuedRecorder } from './recording.js';
import { catalogueRoutes } from './routes/catalogue.js';
import { filmRoutes } from './routes/films.js';
import { memberRoutes } from './routes/me.js';
import { rememberSeen } from './routes/remember-seen.js';
import { uncached } from './routes/route-caching.js';
import {
  adminRouter,
  type Cache,
  type createRedis,
  healthRouter,
  metricsRouter,
  rateLimiter,
  requestMetrics,
} from './warmpath.js';

export interface AppParts {
  readonly db: CatalogueDatabase;
  readonly config: Config;
  /** without one the app is the plain one, as it was before caching */
  readonly cache?: Cache | undefined;
  readonly redis?: ReturnType<typeof createRedis>;
  /** what `/metrics` shows */
  readonly registry?: Registry;
}

/** The film catalogue. The order of mounting matters; each line says why it stands where it does. */
export function createApp({ db, config, cache, redis, registry = catalogueMetrics(db) }: AppParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', config.trustProxy);

  const caching = cache ? routeCaching(cache, config.ttl) : uncached;
  const prices = simulatedPriceIndex(config.upstreamDelayMs);
  const source = databaseCatalogue(db, prices);
  const catalogue = cache ? cachedCatalogue(cache, db, source, config.ttl) : source;
  const recorder = cache ? queuedRecorder(cache, db) : directRecorder(db);
  const checks = { sqlite: { run: () => db.ping(), critical: true }, prices: () => prices.ping() };

  app.use(requestMetrics()); // first: it measures everything behind it
  app.use(authenticate(config)); // before all that treats users apart: details of health, the limiter, the cache
  app.use(healthRouter({ redis, cache, checks, details: (req) => req.user?.staff === true }));
  app.use(metricsRouter({ registry })); // before the limiter: probes are never refused
  app.use(compression()); // outside the cache: what is kept is plain, what is sent suits the client
  app.use(
    rateLimiter({
      redis,
      key: (req) => req.user?.name, // a stranger is counted by address
      tier: (req) => (req.user ? 'member' : 'anonymous'),
      tiers: tiers(config.requestsPerSecond),
    }),
  );
  app.use(express.json({ limit: '64kb' }));

  app.get('/', (_req, res) => res.redirect('/api/manifest'));
  app.use('/api/movies', filmRoutes({ db, catalogue, caching: caching.films, remember: rememberSeen(recorder) }));
  app.use('/api/me', memberRoutes(db, catalogue, caching.members));
  app.use('/api', catalogueRoutes(catalogue, caching.catalogue));
  if (cache) app.use('/admin', staffOnly, adminRouter({ cache, redis, authorize: (req) => req.user?.staff === true }));

  app.use(noSuchRoute);
  app.use(sendProblem);
  return app;
}

function tiers(rate: number) {
  return { anonymous: { rate, burst: 2 * rate }, member: { rate: 2 * rate, burst: 4 * rate } };
}
