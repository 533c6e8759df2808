import type { Duration, EnvConfig, TtlTable } from './warmpath.js';

/** How long each kind of answer stays fresh. `TTL_MOVIE_LIST` in the environment overrides `movieList`, and so on. */
export const LIFETIMES = {
  /** one film */
  movie: '1h',
  /** pages of films */
  movieList: '30m',
  /** the popular films, and pages sorted by popularity: every rating may move them */
  popular: '5m',
  /** pages found by a search text */
  search: '15m',
  genres: '24h',
  manifest: '24h',
  /** per user */
  preferences: '30m',
  stats: '15m',
} as const satisfies TtlTable;

export type Lifetimes = Readonly<Record<keyof typeof LIFETIMES, Duration>>;

/** Settings of the cache and of Redis, as `configFromEnv` reads them. */
export type CacheSettings = EnvConfig<typeof LIFETIMES>;
