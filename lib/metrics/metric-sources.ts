import type { EventBus } from '../common/events.js';
import type { RedisGuard } from '../redis/guard.js';
import type { DurationCounts } from './durations.js';

/** What one name of a cache has counted. */
export interface CacheNameFigures {
  readonly hits: number;
  readonly stale: number;
  readonly misses: number;
  readonly bypasses: number;
  readonly memoryHits: number;
  readonly redisHits: number;
  readonly collapsed: number;
  readonly fills: number;
  readonly notStored: Readonly<Record<string, number>>;
  readonly refreshes: Readonly<Record<string, number>>;
  readonly findings: readonly { readonly input: string; readonly settledBy: string; readonly count: number }[];
  readonly lookup: DurationCounts;
  readonly fill: DurationCounts;
  /** Freshness lifetimes, in seconds, given to entries when they were stored. */
  readonly ttl?: DurationCounts | undefined;
}

/** What a cache has counted since it was created. Reading it costs no I/O. */
export interface CacheFigures {
  readonly enabled: boolean;
  readonly level: string;
  readonly hits: number;
  readonly stale: number;
  readonly misses: number;
  readonly bypasses: number;
  readonly ratio: number;
  readonly entries: number;
  readonly bytes: number;
  readonly caches: Readonly<Record<string, CacheNameFigures>>;
}

/** A cache, as far as metrics look at it. */
export interface CacheSource {
  readonly events: EventBus;
  stats(): CacheFigures;
}

/** One of the busiest clients of a limiter, named by digest only. */
export interface BusyClient {
  readonly key: string;
  readonly tier: string;
  readonly requests: number;
  readonly limited: number;
}

/** The results a judged request can have. */
export const LIMIT_RESULTS = ['allowed', 'limited', 'shadow', 'local', 'error'] as const;
/** One of {@link LIMIT_RESULTS}. */
export type LimitResult = (typeof LIMIT_RESULTS)[number];

/** What a limiter has counted. */
export interface LimiterFigures {
  readonly name: string;
  readonly mode: 'enforce' | 'shadow';
  /** Who counts now: this process alone, Redis, or this process in place of Redis. */
  readonly store: 'memory' | 'redis' | 'local';
  readonly tiers: Readonly<Record<string, Readonly<Record<LimitResult, number>>>>;
  readonly busiest: readonly BusyClient[];
}

/** A limiter, as far as metrics look at it. */
export interface LimiterSource {
  stats(): LimiterFigures;
}

/** Everything in this process that has something to tell. Asked anew at every scrape: caches come and go. */
export interface MetricSources {
  caches(): readonly CacheSource[];
  limiters(): readonly LimiterSource[];
  guards(): readonly RedisGuard[];
}
