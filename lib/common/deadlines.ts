/** Something that is over at a deadline, unless it is ended before. */
export interface Deadlined {
  /** Called at the deadline; must not throw. */
  expire(): void;
}

/**
 * Deadlines that all lie equally far ahead when they are set, so that they pass in the order in which they were set: one
 * timer for all of them, where a timer for each would cost more than most of what it is there to bound.
 */
export class Deadlines {
  readonly #ms: number;
  // Insertion order is the order of the deadlines.
  readonly #waiting = new Map<Deadlined, number>();
  #isSet = false;

  constructor(ms: number) {
    this.#ms = ms;
  }

  set(one: Deadlined): void {
    const now = performance.now();
    this.#waiting.set(one, now + this.#ms);
    if (!this.#isSet) this.#wake(this.#ms);
  }

  clear(one: Deadlined): void {
    this.#waiting.delete(one);
  }

  #wake(inMs: number): void {
    this.#isSet = true;
    setTimeout(() => this.#pass(), Math.max(1, Math.ceil(inMs))).unref();
  }

  #pass(): void {
    this.#isSet = false;
    const now = performance.now();
    for (const [one, at] of this.#waiting) {
      if (at > now) return this.#wake(at - now);
      this.#waiting.delete(one);
      one.expire();
    }
  }
}

const MAX_TERMS = 100;
const byTerm = new Map<number, Deadlines>();

/** The deadlines that lie `ms` ahead. */
export function deadlinesIn(ms: number): Deadlines {
  let deadlines = byTerm.get(ms);
  if (deadlines === undefined) {
    deadlines = new Deadlines(ms);
    if (byTerm.size < MAX_TERMS) byTerm.set(ms, deadlines);
  }
  return deadlines;
}
