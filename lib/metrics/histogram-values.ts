import type { DurationCounts } from './durations.js';
import type { Exemplar } from './request-durations.js';
import type { MetricValue } from './tally.js';

/** The samples of one histogram series: cumulative buckets, sum and count. */
export function histogramValues(
  name: string,
  labels: Readonly<Record<string, string>>,
  durations: DurationCounts,
  exemplars?: ReadonlyMap<number, Exemplar>,
): MetricValue[] {
  let below = 0;
  const values: MetricValue[] = durations.buckets.map((le, index) => {
    below += durations.counts[index] ?? 0;
    return bucket(name, { ...labels, le }, below, exemplars?.get(index));
  });
  values.push(
    bucket(name, { ...labels, le: '+Inf' }, durations.count, exemplars?.get(durations.buckets.length)),
    { metricName: `${name}_sum`, labels, value: durations.sum },
    { metricName: `${name}_count`, labels, value: durations.count },
  );
  return values;
}

function bucket(
  name: string,
  labels: Readonly<Record<string, string | number>>,
  value: number,
  exemplar: Exemplar | undefined,
): MetricValue {
  const sample = { metricName: `${name}_bucket`, labels, value };
  if (!exemplar) return sample;
  const { labels: labelSet, value: observed, timestamp } = exemplar;
  return { ...sample, exemplar: { labelSet, value: observed, timestamp } };
}
