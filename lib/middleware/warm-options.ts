import type { Cache } from '../cache/cache.js';
import { type CacheCore, coreOf } from '../cache/cache-core.js';
import { liveCaches } from '../cache/live-caches.js';
import { type Duration, durationMs, positiveDurationMs } from '../common/duration.js';
import { optionError } from '../common/errors.js';
import { booleanOption, checkKnownKeys, functionOption, textOption, wholeNumber } from '../common/options.js';
import type { WarmProgress } from './warm-run.js';

/** Options of `warm`. */
export interface WarmOptions {
  /** Where schedules, progress and traffic are remembered. @default the cache of this process, if there is one only */
  readonly cache?: Cache | undefined;
  /** Targets in work at the same time. @default 4 */
  readonly concurrency?: number | undefined;
  /** Warms again and again, by one instance of many. @default once, by this instance */
  readonly every?: Duration | undefined;
  /** Warms again when this cache is cleared. @default false */
  readonly afterFlush?: boolean | undefined;
  /** Scheme and host that clients use; part of what a response is stored under. @default 'http://localhost' */
  readonly origin?: string | undefined;
  /** What tells this plan from others of the same cache. @default 'warm' */
  readonly name?: string | undefined;
  /** How long a path may take. @default '30s' */
  readonly timeout?: Duration | undefined;
  /** Waits while the event loop is late by more than this. @default '100ms' */
  readonly maxLag?: Duration | undefined;
  /** Told after each target. */
  readonly onProgress?: ((progress: WarmProgress) => void) | undefined;
}

/** {@link WarmOptions}, checked. */
export interface WarmConfig {
  readonly core: CacheCore | undefined;
  readonly cache: Cache | undefined;
  readonly concurrency: number;
  readonly everyMs: number | undefined;
  readonly afterFlush: boolean;
  readonly origin: URL;
  readonly name: string;
  readonly timeoutMs: number;
  readonly maxLagMs: number;
  readonly onProgress: ((progress: WarmProgress) => void) | undefined;
}

const KEYS = ['cache', 'concurrency', 'every', 'afterFlush', 'origin', 'name', 'timeout', 'maxLag', 'onProgress'];

/** {@link WarmOptions}, checked. @throws WarmpathError `ERR_OPTION`, `ERR_UNKNOWN_OPTION` */
export function resolveWarmOptions(options: WarmOptions = {}): WarmConfig {
  checkKnownKeys('warm', options, KEYS);
  const { cache = onlyCache(), concurrency = 4, every, afterFlush = false, origin = 'http://localhost' } = options;
  const { name = 'warm', timeout = '30s', maxLag = '100ms', onProgress } = options;
  if (afterFlush && cache === undefined) throw optionError('warm.cache', 'the cache whose flush to wait for', cache);
  return Object.freeze({
    cache,
    core: cache === undefined ? undefined : coreOf(cache),
    concurrency: wholeNumber('warm.concurrency', concurrency, 1),
    everyMs: every === undefined ? undefined : positiveDurationMs('warm.every', every),
    afterFlush: booleanOption('warm.afterFlush', afterFlush),
    origin: originUrl(origin),
    name: textOption('warm.name', name),
    timeoutMs: positiveDurationMs('warm.timeout', timeout),
    maxLagMs: durationMs('warm.maxLag', maxLag),
    onProgress:
      onProgress === undefined
        ? undefined
        : functionOption<NonNullable<WarmConfig['onProgress']>>('warm.onProgress', onProgress),
  });
}

function onlyCache(): Cache | undefined {
  const caches = liveCaches();
  return caches.length === 1 ? caches[0] : undefined;
}

function originUrl(origin: unknown): URL {
  if (typeof origin === 'string' && /^https?:\/\/[^/]+\/?$/.test(origin) && URL.canParse(origin))
    return new URL(origin);
  throw optionError('warm.origin', "a scheme and host such as 'https://films.example'", origin);
}
