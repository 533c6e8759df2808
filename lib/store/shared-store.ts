import type { RedisClient, RedisGuard } from '../redis/guard.js';
import type {
  Acknowledgement,
  EntryStore,
  Fence,
  InvalidationOrder,
  Lease,
  LeaseAnswer,
  ListedEntry,
  Lookup,
  Sight,
  StoreOutcome,
} from './entry-store.js';
import type { MemoryFence } from './held-entries.js';
import type { InvalidationChannel } from './invalidation-channel.js';
import type { MemoryStore } from './memory-store.js';
import { PendingInvalidations } from './pending-invalidations.js';
import type { HeldLease } from './redis-lease.js';
import type { RedisStore } from './redis-store.js';
import type { RedisFence } from './redis-versions.js';
import type { EntryKey, Found, Maybe, StoredEntry } from './stored-entry.js';

/** What a {@link SharedStore} is made of. */
export interface SharedStoreOptions {
  readonly guard: RedisGuard;
  readonly redis: RedisStore;
  readonly memory: MemoryStore;
  readonly channel: InvalidationChannel;
  /** How long an entry read from Redis may be served from this process; `undefined`: never. */
  readonly nearCacheMs: number | undefined;
  /** How long an entry stored while Redis is away may be served. */
  readonly outageMaxAgeMs: number;
}

/** Both fences: Redis' and this process', so that a fill can end on another level than it began. */
interface SharedFence extends Fence {
  readonly redis: RedisFence | undefined;
  readonly memory: MemoryFence;
}

/** Redis while it is in use; this process while it is not; and, when asked for, this process in front of it. */
export class SharedStore implements EntryStore {
  readonly #guard: RedisGuard;
  readonly #redis: RedisStore;
  readonly #memory: MemoryStore;
  readonly #channel: InvalidationChannel;
  readonly #nearCacheMs: number | undefined;
  readonly #outageMaxAgeMs: number;
  readonly #pending = new PendingInvalidations();
  readonly #stops: (() => void)[];

  constructor(options: SharedStoreOptions) {
    this.#guard = options.guard;
    this.#redis = options.redis;
    this.#memory = options.memory;
    this.#channel = options.channel;
    this.#nearCacheMs = options.nearCacheMs;
    this.#outageMaxAgeMs = options.outageMaxAgeMs;
    this.#stops = [
      this.#guard.beforeAdmission((client) => this.#sendPending(client)),
      this.#guard.onStateChange((state) => {
        // What stood in during the outage knows nothing of what others invalidated meanwhile.
        if (state === 'up') this.#memory.clear();
      }),
    ];
  }

  now(): number {
    return this.#guard.now();
  }

  lookup(key: EntryKey, groups: readonly string[]): Maybe<Lookup> {
    if (!this.#isUp()) return this.#standIn(key);
    if (this.#nearCacheMs !== undefined && this.#channel.isTrusted) {
      const near = this.#memory.lookup(key);
      if (near.found !== undefined) return near;
    }
    return this.#lookupRedis(key, groups);
  }

  placeOf(lookup: Lookup): number | undefined {
    return this.#memory.placeOf(lookup);
  }

  at(place: number, now: number): Lookup | undefined {
    return this.#isUp() && this.#nearCacheMs !== undefined && this.#channel.isTrusted
      ? this.#memory.at(place, now)
      : undefined;
  }

  lookAgain(sight: Sight, done: (found: Found | undefined) => void): boolean {
    // With a near cache a lookup also puts the entry there.
    return this.#nearCacheMs === undefined && this.#isUp() && this.#redis.lookAgain(sight, done);
  }

  async lookupMany(keys: readonly EntryKey[]): Promise<readonly (Found | undefined)[]> {
    const found = this.#isUp() ? await this.#redis.lookupMany(keys) : undefined;
    return found ?? this.#memory.lookupMany(keys);
  }

  acquire(key: EntryKey, fence: Fence, groups: readonly string[], leaseMs: number): Maybe<LeaseAnswer> {
    if (!this.#isUp()) return this.#memory.acquire(key, memoryPart(fence));
    return this.#acquireRedis(key, fence, groups, leaseMs);
  }

  async store(
    key: EntryKey,
    entry: StoredEntry,
    fence: Fence,
    lease: Lease | undefined,
    more = false,
  ): Promise<StoreOutcome> {
    const { redis, memory } = fence as SharedFence;
    if (this.#isUp()) {
      // A fill that began without Redis has no versions to be judged by.
      if (redis === undefined) return 'overtaken';
      const outcome = await this.#redis.store(key, entry, redis, lease as HeldLease | undefined, more);
      if (outcome === 'stored') this.#keepNear(key, entry, memoryPart(fence));
      if (outcome !== undefined) return outcome;
      if (this.#isUp()) return 'refused';
    }
    return this.#memory.keep(key, entry, memory ?? memoryPart(fence), this.#outageMaxAgeMs);
  }

  async remove(keys: readonly EntryKey[]): Promise<number> {
    const here = this.#memory.remove(keys);
    return (this.#isUp() ? await this.#redis.remove(keys) : undefined) ?? here;
  }

  async invalidate(order: InvalidationOrder): Promise<Acknowledgement> {
    this.#memory.invalidate(order);
    if (this.#isUp() && (await this.#redis.invalidate(order))) {
      // After the versions: whoever hears of it and looks again must find the new ones.
      await this.#channel.publish(order);
      return 'redis';
    }
    this.#pending.add(order);
    this.#guard.suspend('invalidation not confirmed');
    return 'pending';
  }

  async list(prefix: string, limit: number): Promise<readonly ListedEntry[]> {
    const listed = this.#isUp() ? await this.#redis.list(prefix, limit) : undefined;
    return listed ?? this.#memory.list(prefix, limit);
  }

  size(): { readonly entries: number; readonly bytes: number } {
    return this.#memory.size();
  }

  /** Frees the bytes of a cleared namespace in Redis. */
  async sweep(): Promise<void> {
    if (this.#isUp()) await this.#redis.sweep();
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#redis.close();
    this.#channel.close();
    this.#memory.close();
  }

  // Never from Redis while it has not been told of an invalidation that this process acknowledged.
  #isUp(): boolean {
    return this.#guard.state === 'up' && this.#pending.isEmpty;
  }

  async #sendPending(client: RedisClient): Promise<boolean> {
    while (!this.#pending.isEmpty) {
      const orders = this.#pending.take();
      try {
        for (const order of orders) await this.#redis.invalidate(order, client);
      } catch {
        // Redis went away again: the orders stay owed, and admission is tried again.
        for (const order of orders) this.#pending.add(order);
        return false;
      }
      for (const order of orders) await this.#channel.publish(order, client);
    }
    return true;
  }

  #standIn(key: EntryKey): Lookup {
    const memory = this.#fenceHere();
    const fence: SharedFence = { level: 'redis', redis: undefined, memory };
    return { found: this.#memory.lookup(key).found, fence };
  }

  async #lookupRedis(key: EntryKey, groups: readonly string[]): Promise<Lookup> {
    const memory = this.#fenceHere();
    const lookup = await this.#redis.lookup(key, groups);
    if (lookup === undefined) return this.#standIn(key);
    const fence: SharedFence = { level: 'redis', redis: lookup.fence as RedisFence, memory };
    if (lookup.found !== undefined && lookup.found.softAt === undefined)
      this.#keepNear(key, lookup.found.entry, memory);
    return { found: lookup.found, fence, sight: lookup.sight };
  }

  async #acquireRedis(key: EntryKey, fence: Fence, groups: readonly string[], leaseMs: number): Promise<LeaseAnswer> {
    const memory = memoryPart(fence);
    const redis =
      (fence as SharedFence).redis ?? ((await this.#redis.lookup(key, groups))?.fence as RedisFence | undefined);
    const answer = redis && (await this.#redis.acquire(key, redis, groups, leaseMs));
    if (answer === undefined) return this.#memory.acquire(key, memory);
    if (answer.kind === 'busy' || answer.kind === 'changed') return answer;
    const whole: SharedFence = { level: 'redis', redis: answer.fence as RedisFence, memory };
    return { ...answer, fence: whole };
  }

  #keepNear(key: EntryKey, entry: StoredEntry, fence: MemoryFence): void {
    if (this.#nearCacheMs === undefined || !this.#channel.isTrusted) return;
    this.#memory.keep(key, entry, fence, this.#nearCacheMs);
  }

  #fenceHere(): MemoryFence {
    return { level: 'memory', sequence: this.#memory.ledger.sequence, takenAt: this.now() };
  }
}

function memoryPart(fence: Fence): MemoryFence {
  return fence.level === 'memory' ? (fence as MemoryFence) : (fence as SharedFence).memory;
}
