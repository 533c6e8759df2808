import { type DurationCounts, Durations } from './durations.js';
import { MAX_LABEL_VALUES, REQUEST_BUCKETS } from './metric-catalog.js';
import { methodLabel, statusLabel } from './request-labels.js';

/** What the response cache did for a request. */
export type CacheResult = 'hit' | 'stale' | 'miss' | 'bypass';

/** One finished request, as the metrics see it. */
export interface FinishedRequest {
  readonly method: string;
  /** A route pattern, never a path. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
  readonly result?: CacheResult | undefined;
  /** OpenMetrics exemplar labels, such as `{ trace_id }`. */
  readonly exemplar?: Readonly<Record<string, string>> | undefined;
}

/** One observation singled out, with what leads to its trace. */
export interface Exemplar {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Seconds since the Unix epoch. */
  readonly timestamp: number;
}

/** The durations of one combination of labels. */
export interface RequestSeries {
  readonly method: string;
  readonly route: string;
  readonly status: string;
  readonly durations: DurationCounts;
  /** By index of bucket. */
  readonly exemplars: ReadonlyMap<number, Exemplar>;
}

interface OneSeries {
  method: string;
  route: string;
  status: string;
  durations: Durations;
  exemplars: Map<number, Exemplar>;
}

/** Request durations by method, route pattern and status, in plain arrays: three Map reads and a few additions each. */
export class RequestDurations {
  readonly #routes = new Map<string, Map<string, Map<number, OneSeries>>>();
  readonly #results = new Map<CacheResult, Durations>();
  // Most requests are like the one before.
  #last: LastSeries | undefined;
  #lastResult: CacheResult | undefined;
  #lastDurations: Durations | undefined;

  record(request: FinishedRequest): void {
    const one = this.#series(request);
    const bucket = one.durations.observe(request.seconds);
    if (request.result) this.#result(request.result).observe(request.seconds);
    if (request.exemplar) {
      one.exemplars.set(bucket, { labels: request.exemplar, value: request.seconds, timestamp: Date.now() / 1000 });
    }
  }

  *series(): Iterable<RequestSeries> {
    for (const methods of this.#routes.values()) for (const statuses of methods.values()) yield* statuses.values();
  }

  results(): ReadonlyMap<CacheResult, DurationCounts> {
    return this.#results;
  }

  reset(): void {
    this.#routes.clear();
    this.#results.clear();
    this.#last = undefined;
    this.#lastResult = undefined;
  }

  #series({ route, method, status }: FinishedRequest): OneSeries {
    const last = this.#last;
    if (last !== undefined && last.status === status && last.route === route && last.method === method)
      return last.series;
    const found = this.#routes.get(route)?.get(method)?.get(status);
    const series = found ?? this.#newSeries(route, method, status);
    this.#last = { route, method, status, series };
    return series;
  }

  // Raw method and status are the keys of the fast path; what is open-ended shares the series of its closed label.
  #newSeries(rawRoute: string, rawMethod: string, rawStatus: number): OneSeries {
    const full = this.#routes.size >= MAX_LABEL_VALUES && !this.#routes.has(rawRoute);
    const route = full ? 'other' : rawRoute;
    const method = methodLabel(rawMethod);
    const status = statusLabel(rawStatus);
    const methods = child(this.#routes, route, () => new Map<string, Map<number, OneSeries>>());
    const statuses = child(methods, method, () => new Map<number, OneSeries>());
    return child(statuses, status === 'other' ? -1 : rawStatus, () => ({
      method,
      route,
      status,
      durations: new Durations(REQUEST_BUCKETS),
      exemplars: new Map<number, Exemplar>(),
    }));
  }

  #result(result: CacheResult): Durations {
    if (this.#lastDurations === undefined || this.#lastResult !== result) {
      this.#lastDurations = child(this.#results, result, () => new Durations(REQUEST_BUCKETS));
      this.#lastResult = result;
    }
    return this.#lastDurations;
  }
}

/** A series with the labels as they came. */
interface LastSeries {
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly series: OneSeries;
}

function child<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}

/** The requests of this process. A process has one set of metrics, whatever number of routers shows them. */
export const requestDurations = new RequestDurations();

/** Counts a request that did not pass through `requestMetrics()`, such as one answered before Express ran. */
export function recordRequest(request: FinishedRequest): void {
  requestDurations.record(request);
}
