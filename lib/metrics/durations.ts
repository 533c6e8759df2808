/** Durations counted in buckets. `counts` is not cumulative and has one number more than `buckets`: those above all. */
export interface DurationCounts {
  /** Upper bounds in seconds, ascending. */
  readonly buckets: readonly number[];
  readonly counts: readonly number[];
  /** Seconds. */
  readonly sum: number;
  readonly count: number;
}

/** Counts durations. One comparison per bucket passed and three additions per observation; no allocation. */
export class Durations implements DurationCounts {
  readonly buckets: readonly number[];
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(buckets: readonly number[]) {
    this.buckets = buckets;
    this.counts = new Array<number>(buckets.length + 1).fill(0);
  }

  /** Returns the index of the bucket counted. */
  observe(seconds: number): number {
    const { buckets, counts } = this;
    let index = 0;
    while (index < buckets.length && seconds > (buckets[index] as number)) index++;
    counts[index] = (counts[index] as number) + 1;
    this.sum += seconds;
    this.count++;
    return index;
  }
}

/** Counts of `later` that `earlier` does not have. A counter that went back (a restart) counts from zero. */
export function durationsSince(later: DurationCounts, earlier: DurationCounts | undefined): DurationCounts {
  if (!earlier || earlier.count > later.count || earlier.counts.length !== later.counts.length) return later;
  const counts = later.counts.map((count, index) => count - (earlier.counts[index] ?? 0));
  return { buckets: later.buckets, counts, sum: later.sum - earlier.sum, count: later.count - earlier.count };
}

/** The sum of several counts with equal buckets; `undefined` of none. */
export function sumDurations(all: Iterable<DurationCounts | undefined>): DurationCounts | undefined {
  let total: { buckets: readonly number[]; counts: number[]; sum: number; count: number } | undefined;
  for (const one of all) {
    if (!one) continue;
    total ??= { buckets: one.buckets, counts: one.counts.map(() => 0), sum: 0, count: 0 };
    for (let i = 0; i < total.counts.length; i++) total.counts[i] = (total.counts[i] as number) + (one.counts[i] ?? 0);
    total.sum += one.sum;
    total.count += one.count;
  }
  return total;
}

/** The `q`-quantile in seconds, interpolated inside its bucket as Prometheus does; `undefined` without observations. */
export function quantile(durations: DurationCounts, q: number): number | undefined {
  if (durations.count === 0) return undefined;
  const rank = q * durations.count;
  let below = 0;
  for (let i = 0; i < durations.buckets.length; i++) {
    const inside = durations.counts[i] ?? 0;
    const upper = durations.buckets[i] as number;
    const lower = i === 0 ? 0 : (durations.buckets[i - 1] as number);
    if (inside > 0 && below + inside >= rank) return lower + (upper - lower) * ((rank - below) / inside);
    below += inside;
  }
  return durations.buckets.at(-1);
}
