import { type DurationCounts, sumDurations } from './durations.js';
import type { EventCounters } from './event-counters.js';
import { histogramValues } from './histogram-values.js';
import { MAX_LABEL_VALUES, METRICS, type MetricName } from './metric-catalog.js';
import type { CacheNameFigures, CacheSource, MetricSources } from './metric-sources.js';
import { type MetricValue, Tally } from './tally.js';

type Add = (tally: Tally, cache: string, figures: CacheNameFigures) => void;

/** How the outcomes of a refresh are named; all are shown from the start, so that `rate()` sees the first one. */
const REFRESH_OUTCOMES = ['stored', 'not-stored', 'failed', 'skipped'];

/** Readers of every `cache_*` metric. */
export function cacheMetrics(sources: MetricSources, events: EventCounters) {
  const total = (name: MetricName, add: Add) => () => tallyOf(sources, METRICS[name].labels, add);
  const duration = (name: MetricName, pick: (figures: CacheNameFigures) => DurationCounts | undefined) => () =>
    wholeHistogram(sources, name, pick);
  return {
    cache_requests_total: total('cache_requests_total', (tally, cache, figures) => {
      tally.add([cache, 'hit'], figures.hits).add([cache, 'stale'], figures.stale);
      tally.add([cache, 'miss'], figures.misses).add([cache, 'bypass'], figures.bypasses);
    }),
    cache_hits_total: total('cache_hits_total', (tally, cache, figures) => {
      tally.add([cache, 'memory'], figures.memoryHits).add([cache, 'redis'], figures.redisHits);
    }),
    cache_lookup_duration_seconds: duration('cache_lookup_duration_seconds', ({ lookup }) => lookup),
    cache_fill_duration_seconds: () => fillHistograms(sources),
    cache_fills_total: total('cache_fills_total', (tally, cache, { fills }) => tally.add([cache], fills)),
    cache_collapsed_total: total('cache_collapsed_total', (tally, _cache, { collapsed }) => tally.add([], collapsed)),
    cache_refreshes_total: () => refreshes(sources),
    cache_invalidations_total: () => listening(sources, events).invalidations.values(),
    cache_not_stored_total: total('cache_not_stored_total', (tally, _cache, { notStored }) => {
      for (const [reason, count] of Object.entries(notStored)) tally.add([reason], count);
    }),
    cache_store_errors_total: () => listening(sources, events).storeErrors.values(),
    cache_entries: () => one(sum(sources.caches(), ({ entries }) => entries)),
    cache_bytes: () => one(sum(sources.caches(), ({ bytes }) => bytes)),
    cache_ttl_seconds: duration('cache_ttl_seconds', ({ ttl }) => ttl),
  };
}

// A cache created after the router was built is heard from the next scrape on at the latest.
function listening(sources: MetricSources, events: EventCounters): EventCounters {
  for (const cache of sources.caches()) events.attach(cache.events);
  return events;
}

function* named(sources: MetricSources): Iterable<[string, CacheNameFigures]> {
  for (const cache of sources.caches()) yield* Object.entries(cache.stats().caches);
}

function tallyOf(sources: MetricSources, labels: readonly string[], add: Add): MetricValue[] {
  const tally = new Tally(labels);
  if (labels.length === 0) tally.add([], 0);
  for (const [cache, figures] of named(sources)) add(tally, cache, figures);
  return tally.values();
}

function refreshes(sources: MetricSources): MetricValue[] {
  const tally = new Tally(['outcome']);
  for (const outcome of REFRESH_OUTCOMES) tally.add([outcome], 0);
  for (const [, figures] of named(sources))
    for (const [outcome, count] of Object.entries(figures.refreshes)) tally.add([outcome], count);
  return tally.values();
}

function wholeHistogram(
  sources: MetricSources,
  name: MetricName,
  pick: (figures: CacheNameFigures) => DurationCounts | undefined,
): MetricValue[] {
  const durations = sumDurations([...named(sources)].map(([, figures]) => pick(figures)));
  return durations ? histogramValues(name, {}, durations) : [];
}

function fillHistograms(sources: MetricSources): MetricValue[] {
  const byName = new Map<string, DurationCounts[]>();
  for (const [cache, { fill }] of named(sources)) {
    const label = byName.size >= MAX_LABEL_VALUES && !byName.has(cache) ? 'other' : cache;
    byName.set(label, [...(byName.get(label) ?? []), fill]);
  }
  return [...byName].flatMap(([cache, all]) =>
    histogramValues('cache_fill_duration_seconds', { cache }, sumDurations(all) as DurationCounts),
  );
}

function sum(caches: readonly CacheSource[], pick: (figures: ReturnType<CacheSource['stats']>) => number): number {
  return caches.reduce((total, cache) => total + pick(cache.stats()), 0);
}

const one = (value: number): MetricValue[] => [{ labels: {}, value }];
