const FIRST_MS = 100;
const LONGEST_MS = 500;
const LONGEST_PENALTY_MS = 1000;
const STEADY_AFTER_MS = 5000;

/** How long to wait before a server is looked at again: 100 ms doubling to 500, longer for one that keeps falling over. */
export class ProbePace {
  #failures = 0;
  #trips = 0;
  #risenAt = Number.NEGATIVE_INFINITY;

  reset(): void {
    this.#failures = 0;
  }

  risen(now: number): void {
    this.#failures = 0;
    this.#risenAt = now;
  }

  afterFailure(): number {
    this.#failures += 1;
    return Math.min(FIRST_MS * 2 ** (this.#failures - 1), LONGEST_MS);
  }

  /** It answers again, only slowly: as when a stopped process works off what piled up. */
  afterLateAnswer(): number {
    this.#failures = 0;
    return FIRST_MS;
  }

  /** The breaker opened. Soon after it closed, that is a penalty: a server that flaps must not flood the log. */
  afterTrip(now: number): number {
    this.#trips = now - this.#risenAt > STEADY_AFTER_MS ? 0 : this.#trips + 1;
    return Math.min(FIRST_MS * 2 ** this.#trips, LONGEST_PENALTY_MS);
  }
}
