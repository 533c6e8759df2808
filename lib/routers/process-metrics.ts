import type { Cache } from '../cache/cache.js';
import { coreOf } from '../cache/cache-core.js';
import { liveCaches } from '../cache/live-caches.js';
import { systemClock } from '../common/clock.js';
import { type Collector, createCollectors } from '../metrics/collectors.js';
import { EventCounters } from '../metrics/event-counters.js';
import type { MetricSources } from '../metrics/metric-sources.js';
import { readServers } from '../metrics/read-servers.js';
import { RedisFiguresReader } from '../metrics/redis-figures.js';
import { requestDurations } from '../metrics/request-durations.js';
import { liveLimiters } from '../quota/limiter-registry.js';
import { guardOf, type RedisClient, type RedisGuard } from '../redis/guard.js';
import { LiveList } from './live-list.js';

const guards = new LiveList<RedisGuard>();
const events = new EventCounters();

/** Everything this process has that metrics look at. */
export const processSources: MetricSources = {
  caches: () => liveCaches(),
  limiters: () => liveLimiters(),
  guards: () => onePerClient([...guards.values(), ...guardsOfCaches()]),
};

// Every part holds a guard of its own on the same client; asking the server once is enough.
function onePerClient(all: readonly (RedisGuard | undefined)[]): readonly RedisGuard[] {
  const byClient = new Map<unknown, RedisGuard>();
  for (const guard of all) {
    if (guard && (guard.state === 'up' || !byClient.has(guard.client))) byClient.set(guard.client, guard);
  }
  return [...byClient.values()];
}

// A closed cache has let go of its guard, which says nothing about Redis any more.
function guardsOfCaches(): readonly (RedisGuard | undefined)[] {
  const cores = liveCaches().map(coreOf);
  return cores.filter(({ isClosed }) => !isClosed).map(({ guard }) => guard);
}

/** Counts the events of every cache there is; of those already counted nothing changes. */
export function observeCaches(): void {
  for (const cache of liveCaches()) events.attach(cache.events);
}

/**
 * The guard of what a router was given, counted among those of this process. Where the cache uses the same client its
 * own hold is taken: closing the cache ends it, and routers need no end of their own.
 */
export function guardFor(redis: RedisClient | undefined, cache: Cache | undefined): RedisGuard | undefined {
  const ofCache = cache && coreOf(cache).guard;
  if (!redis || ofCache?.client === redis) return ofCache;
  const guard = guardOf(redis);
  guards.add(guard);
  return guard;
}

/** The Redis figures of this process, shared by metrics, health and the admin page. */
export const redisFigures = new RedisFiguresReader(processSources.guards, readServers, () => systemClock.now());

/** The collectors of this process: one set, whatever number of routers and registries shows them. */
export const processCollectors: readonly Collector[] = createCollectors({
  sources: processSources,
  requests: requestDurations,
  events,
  redis: redisFigures,
});
