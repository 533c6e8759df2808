import { keyspace } from '../redis/keyspace.js';
import { createSubscriber } from '../redis/subscriber.js';
import type {
  Acknowledgement,
  EntryStore,
  Fence,
  InvalidationOrder,
  Lease,
  LeaseAnswer,
  ListedEntry,
  Lookup,
  StoreOutcome,
} from '../store/entry-store.js';
import { InvalidationChannel } from '../store/invalidation-channel.js';
import { MemoryStore } from '../store/memory-store.js';
import { RedisStore } from '../store/redis-store.js';
import { SharedStore } from '../store/shared-store.js';
import { type EntryKey, type Found, type Maybe, type StoredEntry, whenReady } from '../store/stored-entry.js';
import type { CacheCore } from './cache-core.js';

/**
 * A cache that falls back on the entries of the version deployed before, as stale ones: they are served inside their
 * stale windows while they are made anew. What this version stores, removes or invalidates is gone there too. Without
 * Redis there is nothing to fall back on.
 */
export function withPreviousVersion(core: CacheCore, version: string): CacheCore {
  const { guard, config, events } = core;
  if (guard === undefined) return core;
  const keys = keyspace(config.namespace, version);
  const subscriber = createSubscriber(guard);
  const previous = new SharedStore({
    guard,
    redis: new RedisStore({ guard, keyspace: keys, subscriber, events }),
    // Nothing is ever stored under the previous version.
    memory: new MemoryStore({ maxBytes: 0, now: () => guard.now() }),
    channel: new InvalidationChannel(guard, keys.invalidationChannel),
    nearCacheMs: undefined,
    outageMaxAgeMs: 0,
  });
  const store = new StoreWithPrevious(core.store, previous);
  const closeStore = (): void => {
    previous.close();
    subscriber.close();
    core.closeStore();
  };
  return { ...core, store, closeStore };
}

class StoreWithPrevious implements EntryStore {
  readonly #current: EntryStore;
  readonly #previous: SharedStore;

  constructor(current: EntryStore, previous: SharedStore) {
    this.#current = current;
    this.#previous = previous;
  }

  now(): number {
    return this.#current.now();
  }

  lookup(key: EntryKey, groups: readonly string[]): Maybe<Lookup> {
    return whenReady(this.#current.lookup(key, groups), (lookup) =>
      lookup.found === undefined && lookup.fence.level === 'redis' ? this.#fallBack(key, groups, lookup) : lookup,
    );
  }

  lookupMany(keys: readonly EntryKey[]): Maybe<readonly (Found | undefined)[]> {
    return this.#current.lookupMany(keys);
  }

  acquire(key: EntryKey, fence: Fence, groups: readonly string[], leaseMs: number): Maybe<LeaseAnswer> {
    return this.#current.acquire(key, fence, groups, leaseMs);
  }

  async store(
    key: EntryKey,
    entry: StoredEntry,
    fence: Fence,
    lease: Lease | undefined,
    more?: boolean,
  ): Promise<StoreOutcome> {
    // Once this version has one of its own, the older one must not come back when that expires.
    const [outcome] = await Promise.all([
      this.#current.store(key, entry, fence, lease, more),
      this.#previous.remove([key]),
    ]);
    return outcome;
  }

  async remove(keys: readonly EntryKey[]): Promise<number> {
    const [removed] = await Promise.all([this.#current.remove(keys), this.#previous.remove(keys)]);
    return removed;
  }

  async invalidate(order: InvalidationOrder): Promise<Acknowledgement> {
    const [acknowledged, before] = await Promise.all([
      this.#current.invalidate(order),
      this.#previous.invalidate(order),
    ]);
    return before === 'pending' ? 'pending' : acknowledged;
  }

  list(prefix: string, limit: number): Promise<readonly ListedEntry[]> {
    return this.#current.list(prefix, limit);
  }

  size(): { readonly entries: number; readonly bytes: number } {
    return this.#current.size();
  }

  async sweep(): Promise<void> {
    const { sweep } = this.#current as Partial<SharedStore>;
    await Promise.all([sweep?.call(this.#current), this.#previous.sweep()]);
  }

  close(): void {
    this.#current.close();
    this.#previous.close();
  }

  async #fallBack(key: EntryKey, groups: readonly string[], lookup: Lookup): Promise<Lookup> {
    const { found } = await this.#previous.lookup(key, groups);
    if (found === undefined) return lookup;
    const now = this.now();
    return { found: { ...found, softAt: Math.min(now, found.softAt ?? now) }, fence: lookup.fence };
  }
}
