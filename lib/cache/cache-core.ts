import { LRUCache } from 'lru-cache';
import type { Clock } from '../common/clock.js';
import { optionError } from '../common/errors.js';
import { EventBus } from '../common/events.js';
import type { Logger } from '../common/logger.js';
import { TopKeys } from '../common/top-keys.js';
import { guardOf, type RedisGuard } from '../redis/guard.js';
import { keyspace } from '../redis/keyspace.js';
import { createSubscriber, type Subscriber } from '../redis/subscriber.js';
import type { EntryStore } from '../store/entry-store.js';
import { InvalidationChannel } from '../store/invalidation-channel.js';
import { MemoryStore } from '../store/memory-store.js';
import { RedisStore } from '../store/redis-store.js';
import { SharedStore } from '../store/shared-store.js';
import { DecodedBodies } from './body-coding.js';
import type { CacheConfig } from './cache-options.js';
import { StatsBook } from './cache-stats.js';
import { Flights } from './flights.js';
import { KnownUncacheable } from './known-uncacheable.js';
import { responsePacking } from './response-packing.js';

/** The parts of one cache, shared by its methods and by the middlewares that use it. */
export interface CacheCore {
  readonly config: CacheConfig;
  readonly store: EntryStore;
  readonly guard: RedisGuard | undefined;
  readonly events: EventBus;
  readonly log: Logger;
  readonly clock: Clock;
  readonly stats: StatsBook;
  readonly flights: Flights;
  readonly uncacheable: KnownUncacheable;
  /** Fields that resources vary by, by primary key. */
  readonly learnedVary: LRUCache<string, readonly string[]>;
  readonly decodedBodies: DecodedBodies;
  /** What is read most, estimated. */
  readonly topKeys: TopKeys;
  readonly topTags: TopKeys;
  /** Background work under way: refreshes and stores. `close` waits for it. */
  readonly pending: Set<Promise<unknown>>;
  isClosed: boolean;
  closeStore(): void;
}

/** Builds the parts: process memory alone, or Redis with process memory behind and, if wanted, in front of it. */
export function createCacheCore(config: CacheConfig): CacheCore {
  const events = new EventBus();
  const levels = config.redis === undefined ? memoryLevel(config) : sharedLevels(config, events);
  return {
    config,
    events,
    ...levels,
    log: config.logger,
    clock: config.clock,
    stats: new StatsBook(),
    flights: new Flights(),
    uncacheable: new KnownUncacheable(),
    learnedVary: new LRUCache({ max: 10_000 }),
    decodedBodies: new DecodedBodies(config.maxBytes / 4),
    topKeys: new TopKeys({ sampleEvery: USE_SAMPLE }),
    topTags: new TopKeys({ sampleEvery: 1 }),
    pending: new Set(),
    isClosed: false,
  };
}

type Levels = Pick<CacheCore, 'store' | 'guard' | 'closeStore'>;

function memoryLevel({ maxBytes, clock }: CacheConfig): Levels {
  const store = new MemoryStore({ maxBytes, now: clock.now, packing: responsePacking });
  return { store, guard: undefined, closeStore: () => store.close() };
}

function sharedLevels(config: CacheConfig, events: EventBus): Levels {
  const guard = guardOf(config.redis as NonNullable<CacheConfig['redis']>, {
    logger: config.logger,
    events,
    clock: config.clock,
  });
  const keys = keyspace(config.namespace, config.version);
  const subscriber = createSubscriber(guard);
  const memory = new MemoryStore({ maxBytes: config.maxBytes, now: () => guard.now(), packing: responsePacking });
  const channel = new InvalidationChannel(guard, keys.invalidationChannel);
  if (config.nearCacheMs !== undefined) listenTo(channel, subscriber, memory);
  const redis = new RedisStore({ guard, keyspace: keys, subscriber, events });
  const { nearCacheMs, outageMaxAgeMs } = config;
  const store = new SharedStore({ guard, redis, memory, channel, nearCacheMs, outageMaxAgeMs });
  const closeStore = (): void => {
    store.close();
    subscriber.close();
    // This cache's hold only; what else uses the client goes on.
    guard.close();
  };
  return { store, guard, closeStore };
}

function listenTo(channel: InvalidationChannel, subscriber: Subscriber, memory: MemoryStore): void {
  channel.listen(subscriber, { onOrder: (order) => void memory.invalidate(order), onGap: () => memory.clear() });
}

const cores = new WeakMap<object, CacheCore>();

/** Ties a cache to its parts. */
export function registerCore(cache: object, core: CacheCore): void {
  cores.set(cache, core);
}

/** The parts of a cache. Throws `ERR_OPTION` for anything that is no cache. */
export function coreOf(cache: object): CacheCore {
  const core = cores.get(cache);
  if (core === undefined) throw optionError('cache', 'a cache made by createCache', cache);
  return core;
}

/** Keeps track of background work, which must not reject. */
export function inBackground(core: CacheCore, work: Promise<unknown>): void {
  const tracked = work.catch(() => {}).finally(() => core.pending.delete(tracked));
  core.pending.add(tracked);
}

/** One use in this many is looked at. */
export const USE_SAMPLE = 16;

/** Notes one more use of an entry, sampled. */
export function recordUse(core: CacheCore, label: string, groups: readonly string[]): void {
  if (!core.topKeys.record(label)) return;
  for (const group of groups) if (group.startsWith('t:')) core.topTags.record(group.slice(2));
}
