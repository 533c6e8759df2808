import type { Express } from 'express';
import type { CatalogueDatabase } from './data/database.js';
import { popularFilms } from './data/movies.js';
import { type Cache, type Duration, terminalProgress, type Warming, warm } from './warmpath.js';

const ALWAYS = [
  '/api/manifest',
  '/api/genres',
  '/api/stats',
  '/api/movies',
  '/api/movies/popular',
  '/api/movies?sort=popularity',
];
const TOP = 100;

export interface WarmingParts {
  readonly app: Express;
  readonly cache: Cache;
  readonly db: CatalogueDatabase;
  /** scheme and host that clients use: part of what an answer is stored under */
  readonly origin: string;
  /** with Redis, one process of many does it */
  readonly every: Duration;
}

/**
 * Fills the cache at start, on schedule and for a new `CACHE_VERSION`: with what everybody asks for first, the most
 * popular films, and what was busiest in the last day. (`afterFlush: true` would warm after a flush too; here an empty
 * cache is what `npm run tour` wants to begin with.)
 */
export function warmCatalogue({ app, cache, db, origin, every }: WarmingParts): Warming {
  const targets = () => [
    ...ALWAYS,
    ...popularFilms(db, 20).map(({ id }) => `/api/movies/${id}`),
    { top: TOP }, // from the traffic that the cache itself has seen
  ];
  return warm(app, targets, { cache, origin, every, onProgress: terminalProgress('Warming the cache') });
}
