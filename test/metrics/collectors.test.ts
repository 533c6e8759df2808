import { describe, expect, it } from 'vitest';
import { createCollectors } from '../../lib/metrics/collectors.js';
import { EventCounters } from '../../lib/metrics/event-counters.js';
import { MAX_LABEL_VALUES, METRICS } from '../../lib/metrics/metric-catalog.js';
import { RedisFiguresReader } from '../../lib/metrics/redis-figures.js';
import { RequestDurations } from '../../lib/metrics/request-durations.js';
import { LabelCache, nameFigures } from '../routers/support/label-cache.js';

function collect(caches: readonly LabelCache[], events = new EventCounters()) {
  const sources = { caches: () => caches, limiters: () => [], guards: () => [] };
  const redis = new RedisFiguresReader(
    sources.guards,
    async () => undefined,
    () => 0,
  );
  return createCollectors({ sources, requests: new RequestDurations(), events, redis });
}

const read = async (collectors: ReturnType<typeof collect>, name: string) =>
  (await collectors.find((one) => one.name === name)!.get()).values;

describe('collectors', () => {
  it('are there for every metric of the catalogue, with its labels and no others', async () => {
    const cache = new LabelCache();
    cache.names.films = Object.assign(nameFigures(), { hits: 2, memoryHits: 2, notStored: { status: 1 } });
    const collectors = collect([cache]);
    expect(collectors.map(({ name }) => name).sort()).toEqual(Object.keys(METRICS).sort());
    for (const collector of collectors) {
      for (const { labels } of (await collector.get()).values) {
        const names = Object.keys(labels).filter((name) => name !== 'le');
        expect(names, collector.name).toEqual([...METRICS[collector.name].labels]);
      }
    }
  });

  it('add up caches of the same name', async () => {
    const caches = [new LabelCache(), new LabelCache()];
    for (const cache of caches) cache.names.films = Object.assign(nameFigures(), { hits: 2, misses: 1 });
    expect(await read(collect(caches), 'cache_requests_total')).toContainEqual({
      labels: { cache: 'films', result: 'hit' },
      value: 4,
    });
  });

  it('count invalidations and store errors from events, once per bus, and show every kind from the start', async () => {
    const cache = new LabelCache();
    const events = new EventCounters();
    const collectors = collect([cache], events);
    expect((await read(collectors, 'cache_invalidations_total')).map(({ value }) => value)).toEqual([0, 0, 0, 0, 0]);
    events.attach(cache.events);
    cache.events.emit({ type: 'invalidation', kind: 'tags', soft: false, targets: ['a'], acknowledged: 'memory' });
    cache.events.emit({ type: 'store-error', op: 'set', error: 'OOM' });
    expect(await read(collectors, 'cache_invalidations_total')).toContainEqual({ labels: { kind: 'tags' }, value: 1 });
    expect(await read(collectors, 'cache_store_errors_total')).toEqual([{ labels: { op: 'set' }, value: 1 }]);
  });

  it('keep label sets bounded whatever names an app makes up (A3.15)', async () => {
    const cache = new LabelCache();
    for (let i = 0; i < 5000; i++) cache.names[`n${i}`] = Object.assign(nameFigures(), { fills: 1 });
    const values = await read(collect([cache]), 'cache_fills_total');
    expect(values).toHaveLength(MAX_LABEL_VALUES + 1);
    expect(values.find(({ labels }) => labels.cache === 'other')?.value).toBe(5000 - MAX_LABEL_VALUES);
  });

  it('keep apart label values that look alike when joined (A1.17)', async () => {
    const cache = new LabelCache();
    cache.names['a,b'] = Object.assign(nameFigures(), { hits: 1 });
    cache.names.a = Object.assign(nameFigures(), { hits: 1 });
    cache.names.__proto__x = Object.assign(nameFigures(), { hits: 1 });
    expect(
      (await read(collect([cache]), 'cache_requests_total')).filter(({ labels }) => labels.result === 'hit'),
    ).toHaveLength(3);
  });

  it('ask Redis once per scrape however many metrics want to know', async () => {
    let asked = 0;
    const guard = { state: 'up' } as never;
    const reader = new RedisFiguresReader(
      () => [guard],
      async () => {
        asked++;
        return [];
      },
      () => 0,
    );
    await Promise.all([reader.read(), reader.read(), reader.read()]);
    expect(asked).toBe(1);
  });
});
