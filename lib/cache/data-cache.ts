import { optionError } from '../common/errors.js';
import { partsOf } from '../common/parts.js';
import type { Found } from '../store/stored-entry.js';
import type { CacheCore } from './cache-core.js';
import type { CacheCounters } from './cache-stats.js';
import { keyGroup } from './group-names.js';
import { KeyWork } from './key-work.js';
import { readStoredValue, type StoredValue } from './stored-value.js';
import type { ValueRequest } from './value-fill.js';
import { checkKey, valueKey } from './value-key.js';
import { type FillMany, wrapMany } from './value-many.js';
import type { ValuePolicy, WriteThroughConfig } from './value-options.js';
import { ValueRefreshes } from './value-refresh.js';
import { wrapValue } from './value-wrap.js';
import { deleteValues, replaceValue, touchValue } from './value-write.js';
import { writeThroughValue } from './value-write-through.js';

/** Values by key: cache-aside with one fill per key over all instances. Knows nothing of HTTP. */
export class DataCache {
  readonly #core: CacheCore;
  readonly #work = new KeyWork();
  readonly #refreshes = new ValueRefreshes();

  constructor(core: CacheCore) {
    this.#core = core;
  }

  async get(key: string): Promise<unknown> {
    const { found, stored } = await this.#find(key);
    this.#count(stored && found);
    return stored?.value;
  }

  /** In the order of the keys; one round trip for all of them, for some hundred keys at least. */
  async getMany(keys: readonly string[]): Promise<unknown[]> {
    for (const key of keys) checkKey(key);
    const values: unknown[] = [];
    for (const part of partsOf(keys, KEYS_PER_READ)) {
      values.push(...(await Promise.all(part.map((key) => this.get(key)))));
    }
    return values;
  }

  async has(key: string): Promise<boolean> {
    return (await this.#find(key)).stored !== undefined;
  }

  /** Milliseconds of freshness left, or `undefined` when there is no fresh value. */
  async ttlMs(key: string): Promise<number | undefined> {
    const { stored } = await this.#find(key);
    return stored && stored.freshUntil - this.#core.store.now();
  }

  /** `true` when the value is stored and may be read by everyone. */
  async set(key: string, value: unknown, ttlMs: number, groups: readonly string[]): Promise<boolean> {
    checkKey(key);
    return replaceValue(this.#core, this.#work, key, value, ttlMs, groups);
  }

  /** Gives a fresh value a new lifetime, from now. `false` when there is none. */
  async touch(key: string, ttlMs: number): Promise<boolean> {
    checkKey(key);
    return touchValue(this.#core, this.#work, key, ttlMs);
  }

  async delete(keys: readonly string[]): Promise<number> {
    for (const key of keys) checkKey(key);
    let removed = 0;
    for (const part of partsOf(keys, KEYS_PER_WRITE)) removed += await deleteValues(this.#core, this.#work, part);
    return removed;
  }

  /** The value of a key, made by `fill` where there is none that may be used. Errors of `fill` are the caller's and never stored. */
  async wrap(key: string, fill: () => unknown, policy: ValuePolicy): Promise<unknown> {
    return wrapValue({ ...this.#request(key, policy), fill }, this.#refreshes);
  }

  /** As {@link wrap}, for many different keys: one round trip, and one call of `fillMany` for all that are missing. */
  async wrapMany(
    wanted: readonly { readonly key: string; readonly policy: ValuePolicy }[],
    fillMany: FillMany,
  ): Promise<readonly unknown[]> {
    const requests = wanted.map(({ key, policy }) => this.#request(key, policy));
    return wrapMany(requests, fillMany, this.#refreshes);
  }

  async writeThrough(key: string, write: () => unknown, config: WriteThroughConfig): Promise<unknown> {
    checkKey(key);
    return writeThroughValue(this.#core, this.#work, key, write, config);
  }

  #request(key: string, policy: ValuePolicy): Omit<ValueRequest, 'fill'> {
    checkKey(key);
    const counters: CacheCounters = this.#core.stats.of(policy.name);
    const groups = [keyGroup(key), ...policy.groups];
    return { core: this.#core, work: this.#work, key: valueKey(key), groups, policy, counters };
  }

  async #find(key: string): Promise<{ readonly found?: Found; readonly stored?: StoredValue }> {
    checkKey(key);
    const { config, store } = this.#core;
    if (!config.enabled) return {};
    const { found } = await store.lookup(valueKey(key), [keyGroup(key)]);
    const stored = found && (await readStoredValue(found, config.maxEntryBytes));
    if (found === undefined || stored === undefined || store.now() >= stored.freshUntil) return {};
    return { found, stored };
  }

  #count(found: Found | undefined): void {
    const counters = this.#core.stats.of('data');
    if (found === undefined) counters.misses += 1;
    else if (found.level === 'redis') counters.redisHits += 1;
    else counters.memoryHits += 1;
  }
}

// One huge read or a thousand commands at once would hold up everybody else, and look like an outage.
const KEYS_PER_READ = 500;
const KEYS_PER_WRITE = 100;

const byCache = new WeakMap<object, DataCache>();

/** Ties a cache to its values. */
export function registerDataCache(cache: object, data: DataCache): void {
  byCache.set(cache, data);
}

/** The values of a cache. Throws `ERR_OPTION` for anything that is no cache. */
export function dataCacheOf(cache: object): DataCache {
  const data = byCache.get(cache);
  if (data === undefined) throw optionError('cache', 'a cache made by createCache', cache);
  return data;
}
