import { performance } from 'node:perf_hooks';

/** Where time comes from; passed in so that tests decide it. */
export interface Clock {
  /** Milliseconds since the Unix epoch as the operating system tells it; may jump. For `Date` fields only. */
  wallNow(): number;
  /** Milliseconds on a line that never jumps. Its zero is near the Unix epoch, so it reads like a date. */
  now(): number;
}

const origin = performance.timeOrigin;

/** The clock of this machine. `now()` is monotonic: it does not follow when the system's time is set. */
export const systemClock: Clock = Object.freeze({
  wallNow: () => Date.now(),
  now: () => origin + performance.now(),
});
