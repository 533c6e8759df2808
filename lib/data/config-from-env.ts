import type { Duration } from '../common/duration.js';
import { durationMs } from '../common/duration.js';
import { optionError } from '../common/errors.js';
import { nearest } from '../common/options.js';
import { type Environment, redisOptionsFromEnv } from '../redis/connection-env.js';
import type { CreateRedisOptions } from '../redis/connection-options.js';

/** Lifetimes by name, e.g. `{ movie: '1h', movieList: '30m' }`. */
export type TtlTable = Readonly<Record<string, Duration>>;

/** What the environment says, ready to be passed on. */
export interface EnvConfig<T extends TtlTable> {
  /** For `createRedis`; `undefined` when the environment names no Redis. */
  readonly redis: CreateRedisOptions | undefined;
  /** For `createCache({ redis, ...config.cache })`: what is set, and nothing else. */
  readonly cache: {
    readonly enabled?: boolean;
    readonly version?: string;
    readonly compatibleWith?: string;
    readonly namespace?: string;
  };
  /** The table with the values of the environment in place. */
  readonly ttl: { readonly [Name in keyof T]: Duration };
}

const CACHE_VARIABLES = ['CACHE_ENABLED', 'CACHE_VERSION', 'CACHE_COMPATIBLE_WITH', 'CACHE_NAMESPACE'] as const;
const YES = ['1', 'true', 'on', 'yes'];
const NO = ['0', 'false', 'off', 'no'];

/**
 * Reads `CACHE_ENABLED`, `CACHE_VERSION`, `CACHE_COMPATIBLE_WITH`, `CACHE_NAMESPACE`, the `REDIS_…` variables of
 * `createRedis`, and for each lifetime of the table its variable: `TTL_MOVIE_LIST` for `movieList`. A variable that is
 * empty is as good as not set. Throws `ERR_OPTION` for a value that makes no sense, and for a `TTL_…` that nearly is
 * the name of one in the table.
 */
export function configFromEnv<const T extends TtlTable = Record<string, never>>(
  env: Environment = process.env,
  options: { readonly ttl?: T } = {},
): EnvConfig<T> {
  return Object.freeze({
    redis: redisOptionsFromEnv(env),
    cache: Object.freeze(cacheOptions(env)),
    ttl: Object.freeze(lifetimes(env, options.ttl ?? ({} as T))),
  });
}

function cacheOptions(env: Environment): EnvConfig<TtlTable>['cache'] {
  const [enabled, version, compatibleWith, namespace] = CACHE_VARIABLES.map((name) => given(env, name));
  return {
    ...(enabled !== undefined && { enabled: yesOrNo('CACHE_ENABLED', enabled) }),
    ...(version !== undefined && { version }),
    ...(compatibleWith !== undefined && { compatibleWith }),
    ...(namespace !== undefined && { namespace }),
  };
}

function lifetimes<T extends TtlTable>(env: Environment, table: T): { readonly [Name in keyof T]: Duration } {
  const variables = new Map(Object.keys(table).map((name) => [variableOf(name), name]));
  refuseMisspelt(env, [...variables.keys()]);
  const entries = [...variables].map(([variable, name]) => {
    const text = given(env, variable);
    return [name, text === undefined ? checked(`ttl.${name}`, table[name]) : duration(variable, text)];
  });
  return Object.fromEntries(entries) as { [Name in keyof T]: Duration };
}

// TTL_MOVEI=5m would otherwise be a setting that everybody believes in and nothing obeys.
function refuseMisspelt(env: Environment, known: readonly string[]): void {
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith('TTL_') || known.includes(variable)) continue;
    const near = nearest(variable, known);
    if (near !== undefined) throw optionError(variable, `a variable of the table; did you mean ${near}`, env[variable]);
  }
}

function duration(variable: string, text: string): Duration {
  // A bare number is a number of seconds, as everywhere.
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : (text as Duration);
  return checked(variable, value);
}

function checked(option: string, value: unknown): Duration {
  durationMs(option, value);
  return value as Duration;
}

function variableOf(name: string): string {
  return `TTL_${name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()}`;
}

function given(env: Environment, name: string): string | undefined {
  const text = env[name]?.trim();
  return text === '' ? undefined : text;
}

function yesOrNo(variable: string, text: string): boolean {
  const word = text.toLowerCase();
  if (YES.includes(word)) return true;
  if (NO.includes(word)) return false;
  throw optionError(variable, `one of ${[...YES, ...NO].join(', ')}`, text);
}
