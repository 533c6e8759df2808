import { type Duration, durationMs, positiveDurationMs } from '../common/duration.js';
import type { EventBus } from '../common/events.js';
import { booleanOption, checkKnownKeys } from '../common/options.js';
import type { WriteBehindOptions } from '../queue/write-behind-options.js';
import type { SharedStore } from '../store/shared-store.js';
import { type CacheCore, createCacheCore, registerCore } from './cache-core.js';
import { type CacheOptions, resolveCacheOptions } from './cache-options.js';
import { hitRatio, type NamedStats } from './cache-stats.js';
import {
  type AsGiven,
  type CachedFunction,
  type CachedOptions,
  cachedFunction,
  claimName,
  resolveCachedOptions,
} from './cached-function.js';
import { DataCache, registerDataCache } from './data-cache.js';
import { publishDiagnostics } from './diagnostics.js';
import { entityTag } from './entity-tag.js';
import { type InvalidationTarget, invalidate, kindOf, orderOf } from './invalidation.js';
import { rememberCache } from './live-caches.js';
import { withPreviousVersion } from './previous-version.js';
import {
  resolveSetOptions,
  resolveWrapOptions,
  resolveWriteThroughOptions,
  type SetOptions,
  type WrapOptions,
  type WriteThroughOptions,
} from './value-options.js';
import { type WriteBehind, WriteBehindQueues } from './write-behind-queues.js';

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
  readonly #queues: WriteBehindQueues;

  /** Use {@link createCache}. */
  constructor(core: CacheCore) {
    this.#core = core;
    this.#data = new DataCache(core);
    this.#queues = new WriteBehindQueues(core);
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
   * A function whose results are kept by its name and arguments: same signature, one call per key over all instances.
   * Throws `ERR_OPTION` for bad options, and for two functions of one name that were not given it on purpose.
   */
  cached<A extends readonly unknown[], R>(
    fn: (...args: A) => R,
    options: CachedOptions<AsGiven<A>, AsGiven<Awaited<R>>>,
  ): CachedFunction<A, Awaited<R>> {
    const config = resolveCachedOptions(fn, options as unknown as CachedOptions);
    claimName(this.#core, config.name, fn, options?.name !== undefined);
    return cachedFunction(this.#core, this.#data, config) as unknown as CachedFunction<A, Awaited<R>>;
  }

  /**
   * Writes the source by `write`, then the cache, and resolves to what `write` made. What was kept or being made for the
   * key before is unusable once this resolves; of writes that overlap none is kept. Rejects with the error of `write`.
   */
  async writeThrough<T>(key: string, write: () => T | Promise<T>, options: WriteThroughOptions<T>): Promise<T> {
    return (await this.#data.writeThrough(key, write, resolveWriteThroughOptions(options))) as T;
  }

  /**
   * A queue in front of a slower store. What it returns takes items: each is acknowledged once it is kept (by Redis, or by
   * this process without one), and handed to `flush` at least once, in order, by one instance at a time. `close` drains it.
   */
  writeBehind<T>(name: string, options: WriteBehindOptions<T>): WriteBehind<T> {
    return this.#queues.open(name, options);
  }

  /** Makes unusable everything that carries the version of this entity, see `entityTag`. */
  async bump(entity: string, id: string | number | bigint): Promise<void> {
    await this.invalidate({ tags: [entityTag(entity, id)] });
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
    const store = this.#core.store as Partial<Pick<SharedStore, 'sweep'>>;
    await store.sweep?.();
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
   * Stops: nothing is served from here any more; background work and queues get up to `grace` to end and to drain. The Redis client stays open,
   * it belongs to who made it. @default grace '5s'
   */
  async close(options: { readonly grace?: Duration } = {}): Promise<void> {
    const graceMs = durationMs('close.grace', options.grace ?? '5s');
    if (this.#core.isClosed) return;
    this.#core.isClosed = true;
    await Promise.all([endOrTimeOut([...this.#core.pending], graceMs), this.#queues.close(graceMs)]);
    this.#core.closeStore();
  }
}

/** Makes a cache. Works at once and without a server; with `redis` instances share it. Throws `ERR_OPTION` for bad options. */
export function createCache(options: CacheOptions = {}): Cache {
  const config = resolveCacheOptions(options);
  const plain = createCacheCore(config);
  const core = config.compatibleWith === undefined ? plain : withPreviousVersion(plain, config.compatibleWith);
  publishDiagnostics(core.events);
  const cache = new Cache(core);
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
