/** Lets only so many pieces of work run at a time, in the order they came. */
export class WorkLimit {
  readonly #max: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(max: number) {
    this.#max = max;
  }

  async run<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.#running >= this.#max) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // The place goes on to the next one, so the number of those running stays.
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
