import type { Duration } from './warmpath.js';

/** How long each kind of answer stays fresh, with the environment variable that overrides it. */
const TABLE = {
  /** one film */
  movie: ['TTL_MOVIE', '1h'],
  /** pages of films */
  movieList: ['TTL_MOVIE_LIST', '30m'],
  /** the popular films, and pages sorted by popularity: every rating may move them */
  popular: ['TTL_POPULAR', '5m'],
  /** pages found by a search text */
  search: ['TTL_SEARCH', '15m'],
  genres: ['TTL_GENRES', '24h'],
  manifest: ['TTL_MANIFEST', '24h'],
  /** per user */
  preferences: ['TTL_PREFERENCES', '30m'],
  stats: ['TTL_STATS', '15m'],
} as const satisfies Record<string, readonly [variable: string, lifetime: Duration]>;

export type Lifetimes = Readonly<Record<keyof typeof TABLE, Duration>>;

/** The lifetimes in force: the table above, each value overridden by its variable (`TTL_MOVIE_LIST=5m`). */
export function lifetimes(env: NodeJS.ProcessEnv = process.env): Lifetimes {
  const entries = Object.entries(TABLE).map(([name, [variable, lifetime]]) => [
    name,
    env[variable] === undefined ? lifetime : duration(variable, env[variable]),
  ]);
  return Object.freeze(Object.fromEntries(entries) as Lifetimes);
}

function duration(variable: string, text: string): Duration {
  if (/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text)) return text as Duration;
  throw new Error(`${variable}: expected a duration such as 30s, 5m or 24h, got ${JSON.stringify(text)}`);
}
