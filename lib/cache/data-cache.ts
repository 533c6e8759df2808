import { WarmpathError } from '../common/errors.js';
import type { EntryKey, Found } from '../store/stored-entry.js';
import { type CacheCore, inBackground } from './cache-core.js';
import { type CacheCounters, tally } from './cache-stats.js';
import { keyGroup } from './group-names.js';
import { type StoredValue, type ValueLifetimes, valueEntry, valueOf } from './stored-value.js';
import { type FillRight, takeTurn } from './turn.js';
import type { WrapConfig } from './value-options.js';

/** How many of a value's fills may be lost to invalidations before it is handed on without being stored. */
const MAX_ROUNDS = 50;
const MAX_KEY_CHARACTERS = 8192;

/** Values by key: cache-aside with one fill per key over all instances. Knows nothing of HTTP. */
export class DataCache {
  readonly #core: CacheCore;

  constructor(core: CacheCore) {
    this.#core = core;
  }

  async get(key: string): Promise<unknown> {
    const found = await this.#find(key);
    const stored = found && this.#fresh(found);
    this.#count(stored ? found : undefined);
    return stored?.value;
  }

  async getMany(keys: readonly string[]): Promise<unknown[]> {
    if (!this.#core.config.enabled) return keys.map(() => undefined);
    const found = await this.#core.store.lookupMany(keys.map(entryKey));
    return found.map((one) => {
      const stored = one && this.#fresh(one);
      this.#count(stored ? one : undefined);
      return stored?.value;
    });
  }

  async has(key: string): Promise<boolean> {
    const found = await this.#find(key);
    return found !== undefined && this.#fresh(found) !== undefined;
  }

  /** Milliseconds of freshness left, or `undefined` when there is no fresh value. */
  async ttlMs(key: string): Promise<number | undefined> {
    const found = await this.#find(key);
    const stored = found && this.#fresh(found);
    return stored && stored.freshUntil - this.#core.store.now();
  }

  /** `true` when the value is stored and may be read by everyone. */
  async set(key: string, value: unknown, ttlMs: number, groups: readonly string[]): Promise<boolean> {
    const { store, config } = this.#core;
    if (!config.enabled) return false;
    const lifetimes = { ttlMs: this.#shortened(ttlMs), staleWhileRevalidateMs: 0, staleIfErrorMs: 0 };
    const name = entryKey(key);
    for (let round = 0; round < MAX_ROUNDS; round++) {
      // Ends fills that began before, so that an older value never replaces this one.
      if (round === 0) await store.remove([name]);
      const wanted = [keyGroup(key), ...groups];
      const { fence } = await store.lookup(name, wanted);
      const answer = await store.acquire(name, fence, wanted, config.leaseMs);
      if (answer.kind === 'busy' || answer.kind === 'changed') {
        await store.remove([name]);
        continue;
      }
      const entry = valueEntry(value, lifetimes, wanted, store.now());
      if (entry.body.length > config.maxEntryBytes) return false;
      const lease = answer.kind === 'held' ? answer.lease : undefined;
      const outcome = await store.store(name, entry, answer.fence, lease);
      lease?.release();
      if (outcome !== 'overtaken') return outcome === 'stored';
    }
    return false;
  }

  /** Gives a value a new lifetime, from now. `false` when there is none. */
  async touch(key: string, ttlMs: number): Promise<boolean> {
    const found = await this.#find(key);
    const stored = found && this.#fresh(found);
    if (found === undefined || stored === undefined) return false;
    const { store } = this.#core;
    const lifetimes = {
      ttlMs,
      staleWhileRevalidateMs: stored.staleWhileRevalidateMs,
      staleIfErrorMs: stored.staleIfErrorMs,
    };
    const { fence } = await store.lookup(entryKey(key), found.entry.groups);
    const entry = valueEntry(stored.value, lifetimes, found.entry.groups, store.now());
    return (await store.store(entryKey(key), entry, fence, undefined)) === 'stored';
  }

  async delete(keys: readonly string[]): Promise<number> {
    for (const key of keys) checkKey(key);
    return this.#core.store.remove(keys.map(entryKey));
  }

  /** The value of a key, made by `fill` where there is none that may be used. Errors of `fill` are the caller's and never stored. */
  async wrap(key: string, fill: () => unknown, config: WrapConfig, counters: CacheCounters): Promise<unknown> {
    checkKey(key);
    const { store, config: cache } = this.#core;
    if (!cache.enabled || this.#core.isClosed) return fill();
    const waitUntil = store.now() + cache.waitLimitMs;
    const groups = [keyGroup(key), ...config.groups];
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const lookup = await store.lookup(entryKey(key), groups);
      const stored = lookup.found && valueOf(lookup.found);
      const now = store.now();
      if (stored !== undefined && lookup.found !== undefined && !(config.force && round === 0)) {
        if (now < stored.freshUntil) return this.#hit(lookup.found, stored, counters);
        if (now < stored.freshUntil + stored.staleWhileRevalidateMs) {
          inBackground(this.#core, this.#refresh(key, fill, config, groups, counters));
          counters.stale += 1;
          return stored.value;
        }
      }
      const request = {
        store,
        flights: this.#core.flights,
        key: entryKey(key),
        groups,
        leaseMs: cache.leaseMs,
        waitUntil,
      };
      const turn = await takeTurn({ ...request, onCollapsed: () => void (counters.collapsed += 1) }, lookup);
      if (turn.kind === 'again') continue;
      counters.misses += 1;
      const right = turn.kind === 'fill' ? turn.right : undefined;
      return this.#fill(key, fill, config, groups, right, usableOnError(stored, now), counters);
    }
    return fill();
  }

  async #refresh(
    key: string,
    fill: () => unknown,
    config: WrapConfig,
    groups: readonly string[],
    counters: CacheCounters,
  ): Promise<void> {
    const { store, flights, config: cache } = this.#core;
    const lookup = await store.lookup(entryKey(key), groups);
    const turn = await takeTurn(
      { store, flights, key: entryKey(key), groups, leaseMs: cache.leaseMs, waitUntil: 0, onCollapsed: () => {} },
      lookup,
    );
    if (turn.kind !== 'fill') return tally(counters.refreshes, 'skipped');
    try {
      await this.#fill(key, fill, config, groups, turn.right, undefined, counters);
      tally(counters.refreshes, 'stored');
    } catch {
      // The stale value stays for as long as its window; the next reader tries again.
      tally(counters.refreshes, 'failed');
    }
  }

  async #fill(
    key: string,
    fill: () => unknown,
    config: WrapConfig,
    groups: readonly string[],
    right: FillRight | undefined,
    standIn: StoredValue | undefined,
    counters: CacheCounters,
  ): Promise<unknown> {
    const startedAt = this.#core.store.now();
    let value: unknown;
    try {
      value = await fill();
    } catch (error) {
      right?.end('failed');
      tally(counters.notStored, 'error');
      if (standIn === undefined) throw error;
      counters.stale += 1;
      return standIn.value;
    }
    counters.fills += 1;
    counters.fill.addMs(this.#core.store.now() - startedAt);
    if (right !== undefined) await this.#keep(key, value, config, groups, right, counters);
    return value;
  }

  async #keep(
    key: string,
    value: unknown,
    config: WrapConfig,
    groups: readonly string[],
    right: FillRight,
    counters: CacheCounters,
  ): Promise<void> {
    const { store, config: cache } = this.#core;
    try {
      const all = [...new Set([...groups, ...(config.lateGroups?.(value) ?? [])])];
      const { staleWhileRevalidateMs, staleIfErrorMs } = config;
      const lifetimes: ValueLifetimes = {
        ttlMs: this.#shortened(config.ttlMs(value)),
        staleWhileRevalidateMs,
        staleIfErrorMs,
      };
      const entry = valueEntry(value, lifetimes, all, store.now());
      const fits = entry.body.length <= cache.maxEntryBytes;
      const outcome = fits ? await store.store(entryKey(key), entry, right.fence, right.lease) : 'too-large';
      if (outcome !== 'stored') tally(counters.notStored, outcome);
      right.end(outcome === 'stored' ? 'stored' : outcome === 'overtaken' ? 'failed' : 'uncacheable', UNCACHEABLE_MS);
    } catch (error) {
      right.end('failed');
      throw error;
    }
  }

  #hit(found: Found, stored: StoredValue, counters: CacheCounters): unknown {
    if (found.level === 'redis') counters.redisHits += 1;
    else counters.memoryHits += 1;
    return stored.value;
  }

  async #find(key: string): Promise<Found | undefined> {
    checkKey(key);
    if (!this.#core.config.enabled) return undefined;
    const lookup = await this.#core.store.lookup(entryKey(key), [keyGroup(key)]);
    return lookup.found;
  }

  #fresh(found: Found): StoredValue | undefined {
    const stored = valueOf(found);
    return stored !== undefined && this.#core.store.now() < stored.freshUntil ? stored : undefined;
  }

  #count(found: Found | undefined): void {
    const counters = this.#core.stats.of('data');
    if (found === undefined) counters.misses += 1;
    else if (found.level === 'redis') counters.redisHits += 1;
    else counters.memoryHits += 1;
  }

  #shortened(ms: number): number {
    return ms * (1 - this.#core.config.jitter * Math.random());
  }
}

const UNCACHEABLE_MS = 10_000;

function usableOnError(stored: StoredValue | undefined, now: number): StoredValue | undefined {
  return stored !== undefined && now < stored.freshUntil + stored.staleIfErrorMs ? stored : undefined;
}

function entryKey(key: string): EntryKey {
  return { text: `d:${key}`, variant: '', label: key };
}

function checkKey(key: unknown): asserts key is string {
  if (typeof key === 'string' && key !== '' && key.length <= MAX_KEY_CHARACTERS) return;
  throw new WarmpathError('ERR_KEY', `a key is a text of 1 to ${MAX_KEY_CHARACTERS} characters`);
}
