import { hitRatio, metric, orZero, quantileOf, rate, type Window } from './expressions.js';

const WINDOW: Window = '$__rate_interval';
const SCOPE = 'job=~"$job",instance=~"$instance"';

interface Query {
  readonly expr: string;
  readonly legend: string;
}

interface Panel {
  readonly kind: 'stat' | 'timeseries';
  readonly title: string;
  readonly description: string;
  readonly width: number;
  readonly unit: string;
  readonly queries: readonly Query[];
  readonly stacked?: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly thresholds?: readonly { readonly color: string; readonly value: number | null }[];
  readonly mappings?: readonly object[];
}

/** A panel, or the heading of a row of panels. */
export type PanelSpec = Panel | { readonly kind: 'row'; readonly title: string };

/** Every panel of the dashboard, in reading order: what is looked for first stands first. */
export function panels(): readonly PanelSpec[] {
  return [...overview(), ...traffic(), ...origin(), ...limits(), ...redis(), ...example()];
}

type Name = Parameters<typeof metric>[0];
type Suffix = Parameters<typeof metric>[1];
const scoped = (name: Name, more = '', suffix: Suffix = '') =>
  metric(name, suffix, more === '' ? SCOPE : `${SCOPE},${more}`);
const query = (expr: string, legend: string): Query => ({ expr, legend });
const row = (title: string): PanelSpec => ({ kind: 'row', title });
const from = (...steps: readonly [string, number | null][]) => steps.map(([color, value]) => ({ color, value }));

function overview(): PanelSpec[] {
  const stat = (title: string, description: string, unit: string, expr: string, more: Partial<Panel> = {}): Panel => ({
    kind: 'stat',
    width: 4,
    title,
    description,
    unit,
    queries: [query(expr, title)],
    ...more,
  });
  return [
    row('At a glance'),
    stat('Hit ratio', 'Lookups answered from the cache', 'percentunit', hitRatio(WINDOW, SCOPE), {
      thresholds: from(['red', null], ['orange', 0.5], ['green', 0.8]),
    }),
    stat(
      'Requests',
      'All requests of the application',
      'reqps',
      rate(scoped('http_request_duration_seconds', '', '_count'), WINDOW),
    ),
    stat(
      'p95',
      '95 % of all requests were faster',
      's',
      quantileOf(0.95, scoped('http_request_duration_seconds', '', '_bucket'), WINDOW),
    ),
    stat(
      'Origin runs',
      'Handlers and functions run to fill the cache',
      'ops',
      rate(scoped('cache_fills_total'), WINDOW),
    ),
    stat(
      'Refused (429)',
      'Requests refused by a limiter',
      'reqps',
      orZero(rate(scoped('rate_limit_requests_total', 'result="limited"'), WINDOW)),
      {
        thresholds: from(['green', null], ['orange', 1]),
      },
    ),
    stat('Redis', 'In use, or skipped by the circuit breaker', 'none', `max(${scoped('redis_breaker_state')})`, {
      thresholds: from(['green', null], ['red', 1]),
      mappings: [{ type: 'value', options: { 0: { text: 'in use' }, 1: { text: 'skipped' } } }],
    }),
  ];
}

function traffic(): PanelSpec[] {
  const requests = 'http_request_duration_seconds';
  return [
    row('Traffic and latency'),
    chart(
      'Requests by cache result',
      'Lookups by what came of them',
      'reqps',
      12,
      [query(rate(scoped('cache_requests_total'), WINDOW, ['result']), '{{result}}')],
      { stacked: true },
    ),
    chart(
      'Hit ratio per route',
      'Lookups answered from the cache, by cache name',
      'percentunit',
      12,
      [query(hitRatio(WINDOW, SCOPE, ['cache']), '{{cache}}'), query(hitRatio(WINDOW, SCOPE), 'all')],
      { min: 0, max: 1 },
    ),
    chart(
      'Hits by level',
      'Where the entry was',
      'ops',
      12,
      [query(rate(scoped('cache_hits_total'), WINDOW, ['level']), '{{level}}')],
      { stacked: true },
    ),
    chart(
      'Latency by cache result',
      'p50, p95 and p99 of cached routes',
      's',
      12,
      [0.5, 0.95, 0.99].map((q) =>
        query(
          quantileOf(q, scoped('http_cached_request_duration_seconds', '', '_bucket'), WINDOW, ['result']),
          `{{result}} p${q * 100}`,
        ),
      ),
    ),
    chart(
      'Requests by route',
      'All requests, by matched route',
      'reqps',
      12,
      [query(rate(scoped(requests, '', '_count'), WINDOW, ['route']), '{{route}}')],
      { stacked: true },
    ),
    chart(
      'Latency by route',
      'p50, p95 and p99',
      's',
      12,
      [0.5, 0.95, 0.99].map((q) =>
        query(quantileOf(q, scoped(requests, '', '_bucket'), WINDOW, ['route']), `{{route}} p${q * 100}`),
      ),
    ),
    chart(
      'Answers by status',
      'Status codes',
      'reqps',
      12,
      [query(rate(scoped(requests, '', '_count'), WINDOW, ['status']), '{{status}}')],
      { stacked: true },
    ),
    chart(
      'Lookup time',
      'Time to find out whether an entry can be used',
      's',
      12,
      [0.5, 0.95, 0.99].map((q) =>
        query(quantileOf(q, scoped('cache_lookup_duration_seconds', '', '_bucket'), WINDOW), `p${q * 100}`),
      ),
    ),
  ];
}

function origin(): PanelSpec[] {
  return [
    row('Origin and entries'),
    chart('Fills, collapsed, refreshes', 'Work behind the cache, and work it saved', 'ops', 12, [
      query(rate(scoped('cache_fills_total'), WINDOW), 'fills'),
      query(rate(scoped('cache_collapsed_total'), WINDOW), 'collapsed'),
      query(rate(scoped('cache_refreshes_total'), WINDOW, ['outcome']), 'refresh {{outcome}}'),
    ]),
    chart('Fill time by route', 'p95 of the handler behind the cache', 's', 12, [
      query(quantileOf(0.95, scoped('cache_fill_duration_seconds', '', '_bucket'), WINDOW, ['cache']), '{{cache}}'),
    ]),
    chart(
      'Not stored',
      'Responses that were not kept, by reason',
      'ops',
      8,
      [query(rate(scoped('cache_not_stored_total'), WINDOW, ['reason']), '{{reason}}')],
      { stacked: true },
    ),
    chart('Invalidations', 'By kind of target', 'ops', 8, [
      query(rate(scoped('cache_invalidations_total'), WINDOW, ['kind']), '{{kind}}'),
    ]),
    chart(
      'Lifetimes',
      'Median and p95 of the freshness lifetimes given to entries',
      's',
      8,
      [0.5, 0.95].map((q) => query(quantileOf(q, scoped('cache_ttl_seconds', '', '_bucket'), WINDOW), `p${q * 100}`)),
    ),
    chart('Store errors', 'Calls to the store that failed', 'ops', 8, [
      query(orZero(rate(scoped('cache_store_errors_total'), WINDOW, ['op'])), '{{op}}'),
    ]),
    chart('Entries in process memory', 'All instances', 'short', 8, [
      query(`sum(${scoped('cache_entries')})`, 'entries'),
    ]),
    chart('Bytes in process memory', 'All instances', 'bytes', 8, [query(`sum(${scoped('cache_bytes')})`, 'bytes')]),
  ];
}

function limits(): PanelSpec[] {
  const all = 'rate_limit_requests_total';
  return [
    row('Rate limits'),
    chart(
      'Requests per tier',
      'Everything a limiter judged',
      'reqps',
      8,
      [query(rate(scoped(all), WINDOW, ['limiter', 'tier']), '{{limiter}} {{tier}}')],
      { stacked: true },
    ),
    chart(
      '429s per tier',
      'Requests refused',
      'reqps',
      8,
      [query(rate(scoped(all, 'result="limited"'), WINDOW, ['limiter', 'tier']), '{{limiter}} {{tier}}')],
      { stacked: true },
    ),
    chart(
      'Local limiter in force',
      '1 while limits are counted per process because Redis is away',
      'short',
      8,
      [query(`max by (limiter) (${scoped('rate_limit_local')})`, '{{limiter}}')],
      { min: 0, max: 1 },
    ),
  ];
}

function redis(): PanelSpec[] {
  const peak = (name: Name) => `max(${scoped(name)})`;
  const speed = (name: Name) => `max(rate(${scoped(name)}[${WINDOW}]))`;
  return [
    row('Redis'),
    chart(
      'Memory',
      'Used, and the limit',
      'bytes',
      8,
      [query(peak('redis_memory_used_bytes'), 'used'), query(`${peak('redis_memory_max_bytes')} > 0`, 'limit')],
      { min: 0 },
    ),
    chart('Keys', 'In all databases', 'short', 8, [query(peak('redis_keys'), 'keys')]),
    chart(
      'Evictions',
      'Keys dropped for want of memory',
      'ops',
      8,
      [query(speed('redis_evicted_keys_total'), 'evicted')],
      { min: 0 },
    ),
    chart(
      'Breaker',
      '1 while an instance skips Redis',
      'short',
      12,
      [
        query(scoped('redis_breaker_state'), '{{instance}}'),
        query(`1 - ${scoped('redis_up')}`, 'no answer {{instance}}'),
      ],
      { min: 0, max: 1 },
    ),
    chart('Key look-ups in Redis', 'As Redis counts them', 'ops', 12, [
      query(speed('redis_keyspace_hits_total'), 'found'),
      query(speed('redis_keyspace_misses_total'), 'not found'),
    ]),
  ];
}

function example(): PanelSpec[] {
  return [
    row('Example application: SQLite'),
    chart('SQLite size', 'Size of the database', 'bytes', 12, [query(`max(${scoped('sqlite_size_bytes')})`, 'size')], {
      min: 0,
    }),
    chart('Where answers come from', 'Hits of the cache, and statements that reached SQLite', 'ops', 12, [
      query(rate(scoped('cache_requests_total', 'result=~"hit|stale"'), WINDOW), 'cache'),
      query(rate(scoped('sqlite_queries_total'), WINDOW, ['kind']), 'SQLite {{kind}}'),
    ]),
  ];
}

function chart(
  title: string,
  description: string,
  unit: string,
  width: number,
  queries: readonly Query[],
  more: Partial<Panel> = {},
): Panel {
  return { kind: 'timeseries', title, description, unit, width, queries, ...more };
}
