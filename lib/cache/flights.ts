/** How a fill ended for those who waited: look again (`overtaken`: in vain), or do not queue for this key any more. */
export type FlightOutcome = 'stored' | 'failed' | 'overtaken' | 'uncacheable';

// A timer this late means that the process was busy, and that what arrived meanwhile has not been read yet.
const LATE_MS = 10;

/** A fill going on in this process. */
export class Flight {
  // Most flights end before anybody waits.
  #waiters: Set<(outcome: FlightOutcome) => void> | undefined;
  #outcome: FlightOutcome | undefined;

  /** How many wait. */
  get waiting(): number {
    return this.#waiters?.size ?? 0;
  }

  /**
   * Resolves with the outcome, or with `timeout` after `limitMs`. Time in which this process was too busy to hear of an
   * outcome is given back once: a burst of requests would else make every one of them run the handler.
   */
  wait(limitMs: number): Promise<FlightOutcome | 'timeout'> {
    if (this.#outcome !== undefined) return Promise.resolve(this.#outcome);
    if (limitMs <= 0) return Promise.resolve('timeout');
    const waiters = this.#waiters ?? new Set();
    this.#waiters = waiters;
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout;
      const waiter = (outcome: FlightOutcome): void => {
        clearTimeout(timer);
        resolve(outcome);
      };
      const giveUp = (): void => {
        waiters.delete(waiter);
        resolve('timeout');
      };
      const dueAt = performance.now() + limitMs;
      timer = setTimeout(() => {
        const lateMs = performance.now() - dueAt;
        if (lateMs < LATE_MS) giveUp();
        else timer = setTimeout(giveUp, Math.min(lateMs, limitMs));
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
