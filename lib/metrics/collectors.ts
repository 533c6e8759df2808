import { cacheMetrics } from './cache-metrics.js';
import type { EventCounters } from './event-counters.js';
import { histogramValues } from './histogram-values.js';
import { METRICS, type MetricName, type MetricType } from './metric-catalog.js';
import { LIMIT_RESULTS, type MetricSources } from './metric-sources.js';
import type { RedisFiguresReader } from './redis-figures.js';
import { redisMetrics } from './redis-metrics.js';
import type { RequestDurations } from './request-durations.js';
import { type MetricValue, Tally } from './tally.js';

/** One metric with its values. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType | 'summary';
  readonly aggregator: string;
  readonly values: readonly MetricValue[];
}

/** A metric that is read when asked. prom-client's registries take it as one of their own. */
export interface Collector {
  readonly name: MetricName;
  readonly help: string;
  readonly type: MetricType;
  readonly aggregator: string;
  get(): Promise<MetricFamily>;
  /** prom-client's `resetMetrics()` calls it. Figures that others own cannot be reset. */
  reset(): void;
}

/** Reads the values of one metric. */
export type Read = () => readonly MetricValue[] | Promise<readonly MetricValue[]>;

/** What collectors read from. */
export interface CollectorInputs {
  readonly sources: MetricSources;
  readonly requests: RequestDurations;
  readonly events: EventCounters;
  readonly redis: RedisFiguresReader;
}

/** A collector for every metric of the catalogue. */
export function createCollectors(inputs: CollectorInputs): readonly Collector[] {
  const reads: Readonly<Record<MetricName, Read>> = {
    ...requestMetricsOf(inputs.requests),
    ...cacheMetrics(inputs.sources, inputs.events),
    ...limiterMetrics(inputs.sources),
    ...redisMetrics(inputs.redis),
  };
  return (Object.keys(METRICS) as MetricName[]).map((name) =>
    collector(name, reads[name], name.startsWith('http_') ? () => inputs.requests.reset() : () => {}),
  );
}

function collector(name: MetricName, read: Read, reset: () => void): Collector {
  const { help, type, aggregator } = METRICS[name];
  return {
    name,
    help,
    type,
    aggregator,
    reset,
    get: async () => ({ name, help, type, aggregator, values: await read() }),
  };
}

function requestMetricsOf(requests: RequestDurations) {
  return {
    http_request_duration_seconds: () =>
      [...requests.series()].flatMap(({ method, route, status, durations, exemplars }) =>
        histogramValues('http_request_duration_seconds', { method, route, status }, durations, exemplars),
      ),
    http_cached_request_duration_seconds: () =>
      [...requests.results()].flatMap(([result, durations]) =>
        histogramValues('http_cached_request_duration_seconds', { result }, durations),
      ),
  };
}

function limiterMetrics(sources: MetricSources) {
  return {
    rate_limit_requests_total: () => {
      const tally = new Tally(METRICS.rate_limit_requests_total.labels);
      for (const { name, tiers } of sources.limiters().map((limiter) => limiter.stats()))
        for (const [tier, counts] of Object.entries(tiers))
          for (const result of LIMIT_RESULTS) tally.add([name, tier, result], counts[result]);
      return tally.values();
    },
    rate_limit_local: () => {
      const tally = new Tally(METRICS.rate_limit_local.labels);
      for (const { name, store } of sources.limiters().map((limiter) => limiter.stats()))
        tally.add([name], store === 'local' ? 1 : 0);
      return tally.values();
    },
  };
}
