import { hitRatio, metric, quantileOf, rate, type Window } from './expressions.js';

/** A rule of Prometheus: what it records, or what it alerts on. */
export type Rule =
  | { readonly record: string; readonly expr: string }
  | {
      readonly alert: string;
      readonly expr: string;
      readonly for: string;
      readonly labels: { readonly severity: 'warning' | 'critical' };
      readonly annotations: { readonly summary: string; readonly description: string };
    };

/** Rules that are evaluated together. */
export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly Rule[];
}

const WINDOW: Window = '5m';

/** Limits the alerts start from. Change them in the file to suit your application. */
export const ALERT_LIMITS = Object.freeze({ hitRatio: 0.5, memoryShare: 0.75, keys: 5_000_000, hitP95Seconds: 0.025 });

/** Recording rules and alerts. */
export function ruleGroups(): readonly RuleGroup[] {
  return [
    { name: 'warmpath.recording', rules: recordings() },
    { name: 'warmpath.alerts', rules: [...cacheAlerts(), ...redisAlerts()] },
  ];
}

const recorded = (name: string) => `warmpath:${name}`;

function recordings(): Rule[] {
  const cached = metric('http_cached_request_duration_seconds', '_bucket');
  const requests = metric('http_request_duration_seconds', '_bucket');
  return [
    { record: recorded('cache_hit_ratio:rate5m'), expr: hitRatio(WINDOW, '', ['job']) },
    { record: recorded('cache_hit_ratio_by_cache:rate5m'), expr: hitRatio(WINDOW, '', ['job', 'cache']) },
    {
      record: recorded('cache_requests:rate5m'),
      expr: rate(metric('cache_requests_total'), WINDOW, ['job', 'result']),
    },
    {
      record: recorded('http_request_duration_seconds:p95_5m'),
      expr: quantileOf(0.95, requests, WINDOW, ['job', 'route']),
    },
    {
      record: recorded('hit_duration_seconds:p95_5m'),
      expr: quantileOf(0.95, metric('http_cached_request_duration_seconds', '_bucket', 'result="hit"'), WINDOW, [
        'job',
      ]),
    },
    {
      record: recorded('cached_request_duration_seconds:p95_5m'),
      expr: quantileOf(0.95, cached, WINDOW, ['job', 'result']),
    },
    {
      record: recorded('rate_limit_limited:rate5m'),
      expr: rate(metric('rate_limit_requests_total', '', 'result="limited"'), WINDOW, ['job', 'limiter', 'tier']),
    },
    {
      record: recorded('redis_memory_share'),
      expr: `max by (job) (${metric('redis_memory_used_bytes')} / (${metric('redis_memory_max_bytes')} > 0))`,
    },
  ];
}

function alert(
  name: string,
  expr: string,
  wait: string,
  severity: 'warning' | 'critical',
  summary: string,
  description: string,
): Rule {
  return { alert: name, expr, for: wait, labels: { severity }, annotations: { summary, description } };
}

function cacheAlerts(): Rule[] {
  const { hitRatio: least, hitP95Seconds } = ALERT_LIMITS;
  return [
    alert(
      'WarmpathHitRatioLow',
      `${recorded('cache_hit_ratio:rate5m')} < ${least}`,
      '5m',
      'warning',
      'Cache hit ratio of {{ $labels.job }} is low',
      'Only {{ $value | humanizePercentage }} of the lookups were answered from the cache. See which route in the dashboard, and why responses are not stored.',
    ),
    alert(
      'WarmpathHitsSlow',
      `${recorded('hit_duration_seconds:p95_5m')} > ${hitP95Seconds}`,
      '5m',
      'warning',
      'Hits of {{ $labels.job }} are slow',
      'The p95 of hits is {{ $value | humanizeDuration }}. Redis may be slow, or the event loop busy.',
    ),
    alert(
      'WarmpathLimitsLocal',
      `max by (job, limiter) (${metric('rate_limit_local')}) == 1`,
      '1m',
      'warning',
      'Limiter {{ $labels.limiter }} of {{ $labels.job }} counts locally',
      'Redis is away, so every instance applies its share of the limit by itself.',
    ),
    alert(
      'WarmpathStoreErrors',
      `sum by (job, op) (rate(${metric('cache_store_errors_total')}[${WINDOW}])) > 1`,
      '5m',
      'warning',
      'Calls to the store of {{ $labels.job }} fail ({{ $labels.op }})',
      '{{ $value | humanize }} calls per second fail. Redis may be full, read-only or slow.',
    ),
  ];
}

function redisAlerts(): Rule[] {
  const { memoryShare, keys } = ALERT_LIMITS;
  return [
    alert(
      'WarmpathRedisMemoryHigh',
      `${recorded('redis_memory_share')} > ${memoryShare}`,
      '5m',
      'warning',
      'Redis of {{ $labels.job }} fills up',
      '{{ $value | humanizePercentage }} of maxmemory are used.',
    ),
    alert(
      'WarmpathRedisKeysHigh',
      `max by (job) (${metric('redis_keys')}) > ${keys}`,
      '15m',
      'warning',
      'Redis of {{ $labels.job }} holds many keys',
      '{{ $value | humanize }} keys. Look for a key that varies more than it should.',
    ),
    alert(
      'WarmpathRedisEvicting',
      `max by (job) (rate(${metric('redis_evicted_keys_total')}[${WINDOW}])) > 0`,
      '5m',
      'warning',
      'Redis of {{ $labels.job }} evicts keys',
      '{{ $value | humanize }} keys per second are dropped for want of memory.',
    ),
    alert(
      'WarmpathRedisSkipped',
      `max by (job, instance) (${metric('redis_breaker_state')}) == 1`,
      '1m',
      'critical',
      'Redis is out of use for {{ $labels.instance }}',
      'The circuit breaker is open: entries come from process memory, limits are local. It closes by itself when Redis answers.',
    ),
    alert(
      'WarmpathRedisAway',
      `min by (job, instance) (${metric('redis_up')}) == 0`,
      '1m',
      'critical',
      'Redis does not answer {{ $labels.instance }}',
      'INFO was not answered in time.',
    ),
  ];
}
