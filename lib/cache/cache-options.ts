import { type Clock, systemClock } from '../common/clock.js';
import { type Duration, durationMs, positiveDurationMs } from '../common/duration.js';
import { optionError } from '../common/errors.js';
import { type Logger, loggerOption, warningsOnly } from '../common/logger.js';
import { booleanOption, checkKnownKeys, numberBetween, textOption } from '../common/options.js';
import { type Size, sizeBytes } from '../common/size.js';
import type { RedisClient } from '../redis/guard.js';
import { type Redactor, redactor } from './redact.js';

/** Options of `createCache`. */
export interface CacheOptions {
  /** The shared client; without it entries live in this process. @default none */
  readonly redis?: RedisClient | undefined;
  /** The in-process level. */
  readonly memory?:
    | {
        /** Bound on keys, headers and bodies together. @default '64mb' */
        readonly maxBytes?: Size | undefined;
        /** How long an entry stored while Redis is away may be served. @default '10s' */
        readonly outageMaxAge?: Duration | undefined;
        /** Serve hot entries from this process over Redis, each for at most this long. @default off */
        readonly nearCache?: Duration | undefined;
      }
    | undefined;
  /** How long a fill may hold its key. @default '30s' */
  readonly lease?: Duration | undefined;
  /** How long another request waits for a fill before it runs the handler itself. @default '5s' */
  readonly waitLimit?: Duration | undefined;
  /** Prefix of every Redis key. @default 'warmpath' */
  readonly namespace?: string | undefined;
  /** Changing it makes all earlier entries unreachable at once. @default '1' */
  readonly version?: string | undefined;
  /**
   * The version deployed before this one, when its entries are good enough to be served as stale ones while they are made
   * anew. @default none: they are unreachable
   */
  readonly compatibleWith?: string | undefined;
  /** Stored bodies over the threshold are compressed; `false` turns it off. @default { threshold: '1kb' } */
  readonly compress?: false | { readonly threshold?: Size | undefined } | undefined;
  /** Larger bodies pass through and are not kept. @default '1mb' */
  readonly maxEntryBytes?: Size | undefined;
  /** Share by which lifetimes are shortened at random. @default 0.05 */
  readonly jitter?: number | undefined;
  /** Kill switch. @default true */
  readonly enabled?: boolean | undefined;
  /** Names of fields that are taken out, at any depth, of every value and JSON response before it is stored. @default none */
  readonly redact?: readonly string[] | undefined;
  /** `console` and pino fit. @default warnings only */
  readonly logger?: Logger | undefined;
  /** Where time comes from; for tests. @default the system's */
  readonly clock?: Clock | undefined;
}

/** {@link CacheOptions}, checked, with every default in place. */
export interface CacheConfig {
  readonly redis: RedisClient | undefined;
  readonly maxBytes: number;
  readonly outageMaxAgeMs: number;
  readonly nearCacheMs: number | undefined;
  readonly leaseMs: number;
  readonly waitLimitMs: number;
  readonly namespace: string;
  readonly version: string;
  /** Another version whose entries may be served as stale ones. */
  readonly compatibleWith: string | undefined;
  readonly compressOver: number;
  readonly maxEntryBytes: number;
  readonly jitter: number;
  readonly enabled: boolean;
  /** Takes out what is never to be stored. */
  readonly redact: Redactor | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
}

const KEYS = [
  'redis',
  'memory',
  'lease',
  'waitLimit',
  'namespace',
  'version',
  'compatibleWith',
  'compress',
  'maxEntryBytes',
  'jitter',
  'enabled',
  'redact',
  'logger',
  'clock',
];

/**
 * {@link CacheOptions}, checked, with every default filled in. @throws WarmpathError `ERR_OPTION`,
 * `ERR_UNKNOWN_OPTION`
 */
export function resolveCacheOptions(options: CacheOptions = {}): CacheConfig {
  checkKnownKeys('createCache', options, KEYS);
  const { redis, memory = {}, lease = '30s', waitLimit = '5s', namespace = 'warmpath', version = '1' } = options;
  const {
    compress = {},
    maxEntryBytes = '1mb',
    jitter = 0.05,
    enabled = true,
    redact = [],
    logger = warningsOnly,
    clock = systemClock,
  } = options;
  checkKnownKeys('createCache.memory', memory, ['maxBytes', 'outageMaxAge', 'nearCache']);
  const { maxBytes = '64mb', outageMaxAge = '10s', nearCache } = memory;
  return Object.freeze({
    redis: redis === undefined ? undefined : redisClient(redis),
    maxBytes: sizeBytes('createCache.memory.maxBytes', maxBytes),
    outageMaxAgeMs: durationMs('createCache.memory.outageMaxAge', outageMaxAge),
    nearCacheMs: nearCache === undefined ? undefined : positiveDurationMs('createCache.memory.nearCache', nearCache),
    leaseMs: positiveDurationMs('createCache.lease', lease),
    waitLimitMs: durationMs('createCache.waitLimit', waitLimit),
    namespace: textOption('createCache.namespace', namespace),
    version: textOption('createCache.version', version),
    compatibleWith: otherVersion(options.compatibleWith, version),
    compressOver: compressThreshold(compress),
    maxEntryBytes: sizeBytes('createCache.maxEntryBytes', maxEntryBytes),
    jitter: numberBetween('createCache.jitter', jitter, 0, 0.5),
    enabled: booleanOption('createCache.enabled', enabled),
    redact: redactor('createCache.redact', redact),
    logger: loggerOption('createCache.logger', logger),
    clock,
  });
}

function otherVersion(value: string | undefined, version: string): string | undefined {
  const other = value === undefined ? undefined : textOption('createCache.compatibleWith', value);
  return other === version ? undefined : other;
}

function compressThreshold(compress: false | { readonly threshold?: Size | undefined }): number {
  if (compress === false) return Number.POSITIVE_INFINITY;
  checkKnownKeys('createCache.compress', compress, ['threshold']);
  return sizeBytes('createCache.compress.threshold', compress.threshold ?? '1kb');
}

function redisClient(value: unknown): RedisClient {
  const client = value as { status?: unknown; duplicate?: unknown } | null;
  if (typeof client?.status === 'string' && typeof client.duplicate === 'function') return value as RedisClient;
  throw optionError('createCache.redis', 'an ioredis client (from createRedis or your own)', value);
}
