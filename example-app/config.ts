import { fileURLToPath } from 'node:url';
import { type CacheSettings, LIFETIMES, type Lifetimes } from './lifetimes.js';
import { LOG_LEVELS, type LogLevel } from './logger.js';
import { configFromEnv, type Duration } from './warmpath.js';

export interface Config {
  /** `PORT`; 0 picks a free one */
  readonly port: number;
  /** `WORKERS`: processes that share the port */
  readonly workers: number;
  /** `METRICS_PORT`: with several workers, where the figures of all of them are served as one; 0 serves none */
  readonly metricsPort: number;
  /** `DATABASE_FILE`; `:memory:` keeps nothing */
  readonly databaseFile: string;
  /** `STAFF_TOKEN`: the bearer token that may write films and open the admin page; without one nobody may */
  readonly staffToken: string | undefined;
  /** `USERS=name:token,…`: bearer token -> user name */
  readonly users: ReadonlyMap<string, string>;
  /** `TRUST_PROXY`: how many proxies in front of this app may name the client's address */
  readonly trustProxy: number;
  /** `UPSTREAM_DELAY`, milliseconds: how slowly the simulated price index service answers (see data/price-index.ts) */
  readonly upstreamDelayMs: number;
  /** `RATE_LIMIT`, requests per second for one client without a token; a user gets twice as many */
  readonly requestsPerSecond: number;
  /** `PUBLIC_URL`: scheme and host that clients use, for warming the cache; by default this host */
  readonly publicUrl: string | undefined;
  /** `WARM_EVERY`: how often the cache is warmed after the start; `undefined` for `off`: never */
  readonly warmEvery: Duration | undefined;
  /** `LOG_LEVEL`: `debug` shows every hit and miss */
  readonly logLevel: LogLevel;
  /** `CACHE_VERSION`, `CACHE_ENABLED` and the others of `configFromEnv` */
  readonly cache: CacheSettings['cache'];
  /** `REDIS_URL` and the others of `createRedis` */
  readonly redis: CacheSettings['redis'];
  readonly ttl: Lifetimes;
}

/** The settings of this app. Tokens for trying it out are built in, but not with `NODE_ENV=production`. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const demo = env.NODE_ENV !== 'production';
  return Object.freeze({
    port: wholeNumber(env, 'PORT', 3000, 0, 65_535),
    workers: wholeNumber(env, 'WORKERS', 1, 1, 128),
    metricsPort: wholeNumber(env, 'METRICS_PORT', 0, 0, 65_535),
    databaseFile: env.DATABASE_FILE ?? fileURLToPath(new URL('catalogue.sqlite', import.meta.url)),
    staffToken: env.STAFF_TOKEN ?? (demo ? 'demo-staff' : undefined),
    users: userTokens(env.USERS ?? (demo ? 'alice:demo-alice,bob:demo-bob' : '')),
    trustProxy: wholeNumber(env, 'TRUST_PROXY', 0, 0, 16),
    upstreamDelayMs: wholeNumber(env, 'UPSTREAM_DELAY', 60, 0, 60_000),
    requestsPerSecond: wholeNumber(env, 'RATE_LIMIT', 20_000, 1, 1_000_000),
    publicUrl: env.PUBLIC_URL || undefined,
    logLevel: logLevel(env.LOG_LEVEL || 'info'),
    warmEvery: duration(env, 'WARM_EVERY', '6h'),
    ...configFromEnv(env, { ttl: LIFETIMES }),
  });
}

function wholeNumber(env: NodeJS.ProcessEnv, variable: string, fallback: number, min: number, max: number): number {
  const text = env[variable];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(`${variable}: expected a whole number from ${min} to ${max}, got ${JSON.stringify(text)}`);
}

function duration(env: NodeJS.ProcessEnv, variable: string, fallback: Duration): Duration | undefined {
  const text = env[variable] || fallback;
  if (text === 'off') return undefined;
  if (/^\d+(ms|s|m|h|d)$/.test(String(text))) return text as Duration;
  throw new Error(`${variable}: expected a duration such as 30m or 6h, or off, got ${JSON.stringify(text)}`);
}

function logLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((one) => one === text);
  if (level !== undefined) return level;
  throw new Error(`LOG_LEVEL: expected one of ${LOG_LEVELS.join(', ')}, got ${JSON.stringify(text)}`);
}

function userTokens(text: string): ReadonlyMap<string, string> {
  const pairs = text.split(',').filter((pair) => pair.trim() !== '');
  return new Map(
    pairs.map((pair) => {
      const [name, token] = pair.trim().split(':');
      if (!name || !token) throw new Error('USERS: expected name:token,name:token');
      return [token, name];
    }),
  );
}
