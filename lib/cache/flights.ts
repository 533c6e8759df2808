/** How a fill ended for those who waited: look again (`overtaken`: in vain), or do not queue for this key any more. */
export type FlightOutcome = 'stored' | 'failed' | 'overtaken' | 'uncacheable';

/** A fill going on in this process. */
export class Flight {
  // Most flights end before anybody waits.
  #waiters: Set<(outcome: FlightOutcome) => void> | undefined;
  #outcome: FlightOutcome | undefined;

  /** How many wait. */
  get waiting(): number {
    return this.#waiters?.size ?? 0;
  }

  /** Resolves with the outcome, or with `timeout` after `limitMs`. */
  wait(limitMs: number): Promise<FlightOutcome | 'timeout'> {
    if (this.#outcome !== undefined) return Promise.resolve(this.#outcome);
    if (limitMs <= 0) return Promise.resolve('timeout');
    const waiters = this.#waiters ?? new Set();
    this.#waiters = waiters;
    return new Promise((resolve) => {
      const waiter = (outcome: FlightOutcome): void => {
        clearTimeout(timer);
        resolve(outcome);
      };
      const timer = setTimeout(() => {
        waiters.delete(waiter);
        resolve('timeout');
      }, limitMs);
      waiters.add(waiter);
    });
  }

  settle(outcome: FlightOutcome): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    if (this.#waiters === undefined) return;
    for (const waiter of this.#waiters) waiter(outcome);
    this.#waiters.clear();
  }
}

/** The fills of this process by key: at most one at a time each (RFC 9111 calls the others collapsed requests). */
export class Flights {
  readonly #byKey = new Map<string, Flight>();

  of(key: string): Flight | undefined {
    return this.#byKey.get(key);
  }

  /** Starts a flight. Nothing may be awaited between `of` and `begin`. */
  begin(key: string): Flight {
    const flight = new Flight();
    this.#byKey.set(key, flight);
    return flight;
  }

  /** Ends a flight; a later one under the same key is left alone. */
  end(key: string, flight: Flight, outcome: FlightOutcome): void {
    if (this.#byKey.get(key) === flight) this.#byKey.delete(key);
    flight.settle(outcome);
  }

  get size(): number {
    return this.#byKey.size;
  }
}
