import { type DurationCounts, durationsSince, quantile, sumDurations } from '../../metrics/durations.js';
import type { MetricSources } from '../../metrics/metric-sources.js';
import { type RedisFigures, totalOf } from '../../metrics/redis-figures.js';
import type { RequestDurations } from '../../metrics/request-durations.js';
import { RateWindow } from './rate-window.js';

/** One moment of the charts. Rates are per second over the last few samples, durations in seconds. */
export interface Sample {
  readonly at: number;
  readonly hit: number;
  readonly stale: number;
  readonly miss: number;
  readonly bypass: number;
  /** All requests, as `requestMetrics()` counted them. */
  readonly requests: number;
  readonly limited: number;
  readonly ratio: number | null;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly hitP95: number | null;
  readonly missP95: number | null;
  readonly memoryUsed: number | null;
  readonly memoryMax: number | null;
  readonly evicted: number | null;
}

/** What a sample is made from. */
export interface SamplerInputs {
  readonly sources: MetricSources;
  readonly requests: RequestDurations;
  readonly redis: () => RedisFigures | undefined;
}

interface Totals {
  readonly rates: Readonly<Record<'hit' | 'stale' | 'miss' | 'bypass' | 'requests' | 'limited', number>>;
  readonly evicted: number | undefined;
  readonly all: DurationCounts | undefined;
  readonly hits: DurationCounts | undefined;
  readonly misses: DurationCounts | undefined;
}

const KEPT = 300;

/** Keeps the last ten minutes for the charts, so that the page has a past when it is opened. */
export class LiveSampler {
  readonly #inputs: SamplerInputs;
  readonly #window = new RateWindow<Totals>(5);
  readonly #samples: Sample[] = [];

  constructor(inputs: SamplerInputs) {
    this.#inputs = inputs;
  }

  get samples(): readonly Sample[] {
    return this.#samples;
  }

  /** Takes one sample. Reads counters only. */
  take(at = Date.now()): Sample {
    const now = this.#totals();
    const { since, seconds } = this.#window.push(now, at);
    const sample = sampleOf(at, now, since, seconds, this.#inputs.redis());
    this.#samples.push(sample);
    if (this.#samples.length > KEPT) this.#samples.shift();
    return sample;
  }

  #totals(): Totals {
    const { sources, requests, redis } = this.#inputs;
    const caches = sources.caches().map((cache) => cache.stats());
    const total = (pick: (one: (typeof caches)[number]) => number) => caches.reduce((sum, one) => sum + pick(one), 0);
    const all = sumDurations([...requests.series()].map(({ durations }) => durations));
    const results = requests.results();
    return {
      rates: {
        hit: total(({ hits }) => hits),
        stale: total(({ stale }) => stale),
        miss: total(({ misses }) => misses),
        bypass: total(({ bypasses }) => bypasses),
        requests: all?.count ?? 0,
        limited: limitedIn(sources),
      },
      evicted: totalOf(redis(), ({ evictedKeys }) => evictedKeys),
      all,
      hits: copyOf(results.get('hit')),
      misses: copyOf(results.get('miss')),
    };
  }
}

function limitedIn(sources: MetricSources): number {
  const tiers = sources.limiters().flatMap((limiter) => Object.values(limiter.stats().tiers));
  return tiers.reduce((sum, { limited }) => sum + limited, 0);
}

function sampleOf(at: number, now: Totals, since: Totals, seconds: number, redis: RedisFigures | undefined): Sample {
  const rate = (name: keyof Totals['rates']) =>
    seconds > 0 ? Math.max(0, now.rates[name] - since.rates[name]) / seconds : 0;
  const [hit, stale, miss, bypass] = [rate('hit'), rate('stale'), rate('miss'), rate('bypass')];
  const all = now.all && durationsSince(now.all, since.all);
  return {
    at,
    hit,
    stale,
    miss,
    bypass,
    requests: rate('requests'),
    limited: rate('limited'),
    ratio: hit + stale + miss > 0 ? (hit + stale) / (hit + stale + miss) : null,
    p50: point(all, 0.5),
    p95: point(all, 0.95),
    p99: point(all, 0.99),
    hitP95: point(now.hits && durationsSince(now.hits, since.hits), 0.95),
    missP95: point(now.misses && durationsSince(now.misses, since.misses), 0.95),
    memoryUsed: totalOf(redis, ({ usedMemory }) => usedMemory) ?? null,
    memoryMax: totalOf(redis, ({ maxMemory }) => maxMemory) ?? null,
    evicted: evictionRate(now.evicted, since.evicted, seconds),
  };
}

const point = (durations: DurationCounts | undefined, q: number): number | null =>
  (durations && quantile(durations, q)) ?? null;

function evictionRate(now: number | undefined, since: number | undefined, seconds: number): number | null {
  if (now === undefined) return null;
  return since === undefined || seconds <= 0 ? 0 : Math.max(0, now - since) / seconds;
}

// The counters live on; a total must not.
function copyOf(durations: DurationCounts | undefined): DurationCounts | undefined {
  return durations && { ...durations, buckets: durations.buckets, counts: [...durations.counts] };
}
