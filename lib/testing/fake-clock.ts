import type { Clock } from '../common/clock.js';

/** A clock that stands still until told otherwise. */
export interface FakeClock extends Clock {
  /** Lets `ms` pass on both the monotonic and the wall clock. */
  advance(ms: number): void;
  /** Sets the wall clock off by `ms` without time passing: NTP, an operator, a suspended laptop. */
  jumpWall(ms: number): void;
}

/** @param startMs where both clocks begin, in milliseconds since the epoch. @default 2030-01-01T00:00:00Z */
export function fakeClock(startMs = Date.UTC(2030, 0, 1)): FakeClock {
  let now = startMs;
  let wall = startMs;
  return {
    now: () => now,
    wallNow: () => wall,
    advance(ms) {
      now += ms;
      wall += ms;
    },
    jumpWall(ms) {
      wall += ms;
    },
  };
}
