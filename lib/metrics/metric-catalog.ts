/**
 * Every metric this package exposes, declared once. The collectors, the Grafana dashboard, the Prometheus rules, the
 * README table and the tests all read this file, so a name cannot be right in one of them and wrong in another.
 */

/** The kinds of metrics in use. */
export type MetricType = 'counter' | 'gauge' | 'histogram';

/** How the values of several workers of one machine become one (prom-client's words). */
export type Aggregator = 'sum' | 'max' | 'min' | 'average';

/** One metric: what it tells, and by which labels. */
export interface MetricDeclaration {
  readonly help: string;
  readonly type: MetricType;
  readonly labels: readonly string[];
  readonly aggregator: Aggregator;
}

/** Upper bounds, in seconds, of the request histograms. Those of lookups and fills are in common/duration-counts.ts. */
export const REQUEST_BUCKETS: readonly number[] = Object.freeze([
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]);

const counter = (help: string, labels: readonly string[] = [], aggregator: Aggregator = 'sum') =>
  Object.freeze({ help, type: 'counter', labels, aggregator } as const);
const gauge = (help: string, aggregator: Aggregator, labels: readonly string[] = []) =>
  Object.freeze({ help, type: 'gauge', labels, aggregator } as const);
const histogram = (help: string, labels: readonly string[] = []) =>
  Object.freeze({ help, type: 'histogram', labels, aggregator: 'sum' } as const);

/**
 * Every metric, by name. Redis figures are the server's own: every worker reports the same server, so workers are joined
 * by max, never added.
 */
export const METRICS = Object.freeze({
  http_request_duration_seconds: histogram('Time from the request to the end of its response', [
    'method',
    'route',
    'status',
  ]),
  http_cached_request_duration_seconds: histogram('The same time, by what the response cache said', ['result']),
  cache_requests_total: counter('Lookups by cache name and result', ['cache', 'result']),
  cache_hits_total: counter('Hits by the level that held the entry', ['cache', 'level']),
  cache_lookup_duration_seconds: histogram('Time to find out whether an entry can be used'),
  cache_fill_duration_seconds: histogram('Time the handler or function took to make an entry', ['cache']),
  cache_fills_total: counter('Runs of the handler or function behind the cache', ['cache']),
  cache_collapsed_total: counter('Requests answered by a fill another request had started'),
  cache_refreshes_total: counter('Background refreshes of stale entries', ['outcome']),
  cache_invalidations_total: counter('Invalidations by kind of target', ['kind']),
  cache_not_stored_total: counter('Responses that were not kept, by reason', ['reason']),
  cache_store_errors_total: counter('Calls to the store that failed, by operation', ['op']),
  cache_entries: gauge('Entries held in process memory', 'sum'),
  cache_bytes: gauge('Bytes held in process memory', 'sum'),
  cache_ttl_seconds: histogram('Freshness lifetimes given to stored entries'),
  rate_limit_requests_total: counter('Requests judged by a limiter', ['limiter', 'tier', 'result']),
  rate_limit_local: gauge('1 while a limiter counts in this process because its store is away', 'max', ['limiter']),
  redis_up: gauge('1 when Redis answers', 'min'),
  redis_breaker_state: gauge('0 closed: Redis is used; 1 open: Redis is skipped', 'max'),
  redis_memory_used_bytes: gauge('Memory used by Redis', 'max'),
  redis_memory_max_bytes: gauge('maxmemory of Redis, 0 without a limit', 'max'),
  redis_keys: gauge('Keys in all databases of Redis', 'max'),
  redis_evicted_keys_total: counter('Keys Redis evicted for want of memory', [], 'max'),
  redis_keyspace_hits_total: counter('Key look-ups in Redis that found a key', [], 'max'),
  redis_keyspace_misses_total: counter('Key look-ups in Redis that found none', [], 'max'),
} satisfies Record<string, MetricDeclaration>);

/** The name of a metric of this package. */
export type MetricName = keyof typeof METRICS;

/** Not ours: what the example application adds to the registry, for its own row of the dashboard. */
export const EXAMPLE_METRICS = Object.freeze({
  sqlite_size_bytes: gauge('Size of the SQLite database', 'max'),
  sqlite_queries_total: counter('SQLite statements run', ['kind']),
} satisfies Record<string, MetricDeclaration>);

/** Label values beyond this many in one metric are counted under `other`. */
export const MAX_LABEL_VALUES = 1000;
