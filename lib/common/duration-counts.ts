/** Upper bounds in seconds, from a memory hit to a slow origin. */
const BOUNDS = [
  0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
  5, 10,
] as const;

/** Upper bounds in seconds for freshness lifetimes. */
export const LIFETIME_BOUNDS: readonly number[] = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 21_600, 86_400, 604_800];

/** A histogram of durations: cheap to add to, in the form Prometheus wants when read. */
export class DurationCounts {
  /** Upper bounds of the buckets, in seconds. */
  readonly buckets: readonly number[];
  /** How many durations fell into each bucket (not cumulative); one more than `buckets`, for what exceeds the last. */
  readonly counts: number[];
  /** Seconds in all. */
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[] = BOUNDS) {
    this.buckets = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  addMs(milliseconds: number): void {
    const seconds = milliseconds / 1000;
    this.sum += seconds;
    this.count += 1;
    let bucket = 0;
    while (bucket < this.buckets.length && seconds > (this.buckets[bucket] as number)) bucket++;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
  }

  /** Adds a duration too short to be worth a look at the clock. */
  addNothing(): void {
    this.count += 1;
    this.counts[0] = (this.counts[0] as number) + 1;
  }
}
