/** Upper bounds in seconds, from a memory hit to a slow origin. */
const BOUNDS = [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** A histogram of durations: cheap to add to, in the form Prometheus wants when read. */
export class DurationCounts {
  /** Upper bounds of the buckets, in seconds. */
  readonly buckets: readonly number[] = BOUNDS;
  /** How many durations fell into each bucket (not cumulative); one more than `buckets`, for what exceeds the last. */
  readonly counts: number[] = new Array<number>(BOUNDS.length + 1).fill(0);
  /** Seconds in all. */
  sum = 0;
  count = 0;

  addMs(milliseconds: number): void {
    const seconds = milliseconds / 1000;
    this.sum += seconds;
    this.count += 1;
    let bucket = 0;
    while (bucket < BOUNDS.length && seconds > (BOUNDS[bucket] as number)) bucket++;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
  }
}
