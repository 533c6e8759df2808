import compression from 'compression';
import express, { type Express } from 'express';
import { routeCaching } from './caching.js';
import type { Config } from './config.js';
import type { CatalogueDatabase } from './data/database.js';
import { simulatedPriceIndex } from './data/price-index.js';
import { authenticate } from './http/auth.js';
import { noSuchRoute, sendProblem } from './http/problem.js';
import { catalogueRoutes } from './routes/catalogue.js';
import { filmRoutes } from './routes/films.js';
import { memberRoutes, rememberHistory } from './routes/me.js';
import { uncached } from './routes/route-caching.js';
import type { Cache } from './warmpath.js';

export interface AppParts {
  readonly db: CatalogueDatabase;
  readonly config: Config;
  /** without one the app is the plain one, as it was before caching */
  readonly cache?: Cache | undefined;
}

/** The film catalogue. Mounting order matters; each line says why it stands where it does. */
export function createApp({ db, config, cache }: AppParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', config.trustProxy);

  const caching = cache ? routeCaching(cache, config.ttl) : uncached;
  const prices = simulatedPriceIndex(config.upstreamDelayMs);

  app.use(compression()); // outside the cache: what is kept is plain, what is sent suits the client
  app.use(authenticate(config)); // before the cache: private entries are kept per user
  app.use(express.json({ limit: '64kb' }));

  app.get('/', (_req, res) => res.redirect('/api/manifest'));
  app.use('/api/movies', filmRoutes(db, caching.films, rememberHistory(db)));
  app.use('/api/me', memberRoutes(db, caching.members));
  app.use('/api', catalogueRoutes(db, prices, caching.catalogue));

  app.use(noSuchRoute);
  app.use(sendProblem);
  return app;
}
