/** The last few readings of something that is counted, so that a rate is over a window and not over one jumpy step. */
export class RateWindow<T> {
  readonly #length: number;
  readonly #readings: { readonly value: T; readonly at: number }[] = [];

  /** @param length steps in the window */
  constructor(length: number) {
    this.#length = length;
  }

  /** Adds a reading; returns the oldest of the window and the seconds since. */
  push(value: T, at: number): { readonly since: T; readonly seconds: number } {
    this.#readings.push({ value, at });
    if (this.#readings.length > this.#length + 1) this.#readings.shift();
    const oldest = this.#readings[0] ?? { value, at };
    return { since: oldest.value, seconds: (at - oldest.at) / 1000 };
  }
}
