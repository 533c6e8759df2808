import { type Duration, durationMs, positiveDurationMs } from '../common/duration.js';
import type { EventBus } from '../common/events.js';
import { booleanOption, checkKnownKeys } from '../common/options.js';
import { SharedStore } from '../store/shared-store.js';
import { type CacheCore, createCacheCore, registerCore } from './cache-core.js';
import { type CacheOptions, resolveCacheOptions } from './cache-options.js';
import { hitRatio, type NamedStats } from './cache-stats.js';
import { DataCache, registerDataCache } from './data-cache.js';
import { type InvalidationTarget, invalidate, kindOf, orderOf } from './invalidation.js';
import { rememberCache } from './live-caches.js';
import { resolveSetOptions, resolveWrapOptions, type SetOptions, type WrapOptions } from './value-options.js';

/** Figures of a cache since the process started. */
export interface CacheStats {
  readonly enabled: boolean;
  /** Where entries live at this moment. */
  readonly level: 'memory' | 'redis';
  readonly hits: number;
  readonly stale: number;
  readonly misses: number;
  readonly bypasses: number;
  /** Hits and stale answers among all that were looked up; 0 before the first. */
  readonly ratio: number;
  /** Entries and bytes in this process. */
  readonly entries: number;
  readonly bytes: number;
  readonly caches: Readonly<Record<string, NamedStats>>;
}

/** A cache of values and responses: in this process, or shared through Redis. Made by {@link createCache}. */
export class Cache {
  readonly #core: CacheCore;
  readonly #data: DataCache;

  /** Use {@link createCache}. */
  constructor(core: CacheCore) {
    this.#core = core;
    this.#data = new DataCache(core);
    registerCore(this, core);
    registerDataCache(this, this.#data);
  }

  /** What happens inside, for metrics and logs. */
  get events(): EventBus {
    return this.#core.events;
  }

  /** The fresh value of a key, or `undefined`. A stored `null` is a value. */
  get<T = unknown>(key: string): Promise<T | undefined> {
    return this.#data.get(key) as Promise<T | undefined>;
  }

  /** The fresh values of many keys in one round trip, in their order; `undefined` where there is none. */
  getMany<T = unknown>(keys: readonly string[]): Promise<(T | undefined)[]> {
    return this.#data.getMany(keys) as Promise<(T | undefined)[]>;
  }

  /** Stores a value. `false` when it could not be: too large, or Redis refused. Throws `ERR_VALUE` for what JSON cannot carry. */
  async set(key: string, value: unknown, options: SetOptions): Promise<boolean> {
    const { ttlMs, groups } = resolveSetOptions(options);
    return this.#data.set(key, value, ttlMs, groups);
  }

  /** Whether there is a fresh value. */
  has(key: string): Promise<boolean> {
    return this.#data.has(key);
  }

  /** Seconds of freshness left, or `undefined` when there is no fresh value. */
  async ttl(key: string): Promise<number | undefined> {
    const ms = await this.#data.ttlMs(key);
    return ms === undefined ? undefined : ms / 1000;
  }

  /** Gives a fresh value a new lifetime, from now. `false` when there is none. */
  async touch(key: string, ttl: Duration): Promise<boolean> {
    return this.#data.touch(key, positiveDurationMs('touch.ttl', ttl));
  }

  /** Removes values, and what is being filled for their keys is not stored. Resolves to how many there were. */
  async delete(...keys: readonly string[]): Promise<number> {
    if (keys.length === 0) return 0;
    const removed = await this.#data.delete(keys);
    await invalidate(this.#core, orderOf({ keys }, false), 'keys');
    return removed;
  }

  /** The value of a key, made by `fill` where there is none that may be used; one fill per key, over all instances. */
  async wrap<T>(key: string, fill: () => T | Promise<T>, options: WrapOptions<T>): Promise<T> {
    return (await this.#data.wrap(key, fill, resolveWrapOptions(options))) as T;
  }

  /**
   * Makes unusable what the target names: hard (the default) from the moment the promise resolves, for all instances;
   * soft makes it stale instead. Resolves also while Redis is away: this process obeys at once, Redis is told before
   * anything is served from it again. Throws `ERR_TARGET` for a target that names nothing.
   */
  async invalidate(target: InvalidationTarget, options: { readonly soft?: boolean } = {}): Promise<void> {
    checkKnownKeys('invalidate', options, ['soft']);
    const soft = booleanOption('invalidate.soft', options.soft ?? false);
    await invalidate(this.#core, orderOf(target, soft), kindOf(target));
  }

  /** Empties this namespace and version, and nothing else. */
  async clear(): Promise<void> {
    await invalidate(this.#core, { groups: [], prefixes: [], everything: true, soft: false }, 'all');
    if (this.#core.store instanceof SharedStore) await this.#core.store.sweep();
  }

  stats(): CacheStats {
    const caches = this.#core.stats.all();
    const sum = (field: 'hits' | 'stale' | 'misses' | 'bypasses'): number =>
      Object.values(caches).reduce((total, one) => total + one[field], 0);
    const [hits, stale, misses, bypasses] = [sum('hits'), sum('stale'), sum('misses'), sum('bypasses')];
    const level = this.#core.guard?.state === 'up' ? 'redis' : 'memory';
    const { enabled } = this.#core.config;
    return {
      enabled,
      level,
      hits,
      stale,
      misses,
      bypasses,
      ratio: hitRatio(hits + stale, misses),
      ...this.#core.store.size(),
      caches,
    };
  }

  /**
   * Stops: nothing is served from here any more, background work gets up to `grace` to end. The Redis client stays open,
   * it belongs to who made it. @default grace '5s'
   */
  async close(options: { readonly grace?: Duration } = {}): Promise<void> {
    const graceMs = durationMs('close.grace', options.grace ?? '5s');
    if (this.#core.isClosed) return;
    this.#core.isClosed = true;
    await endOrTimeOut([...this.#core.pending], graceMs);
    this.#core.closeStore();
  }
}

/** Makes a cache. Works at once and without a server; with `redis` instances share it. Throws `ERR_OPTION` for bad options. */
export function createCache(options?: CacheOptions): Cache {
  const cache = new Cache(createCacheCore(resolveCacheOptions(options)));
  rememberCache(cache);
  return cache;
}

function endOrTimeOut(work: readonly Promise<unknown>[], graceMs: number): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise((resolve) => {
    timer = setTimeout(resolve, graceMs);
  });
  return Promise.race([Promise.allSettled(work), timeout]).finally(() => clearTimeout(timer));
}
