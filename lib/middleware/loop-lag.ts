const EVERY_MS = 20;

/** Notices when the event loop is late, so that work that can wait makes room for requests. */
export class LoopLag {
  readonly #maxLagMs: number;
  #expectedAt = 0;
  #isLate = false;
  #timer: NodeJS.Timeout | undefined;
  #waiting: (() => void)[] = [];

  constructor(maxLagMs: number) {
    this.#maxLagMs = maxLagMs;
  }

  start(): void {
    this.#expectedAt = performance.now() + EVERY_MS;
    this.#timer ??= setInterval(() => this.#look(), EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#isLate = false;
    this.#expectedAt = Number.POSITIVE_INFINITY;
    this.#resume();
  }

  /** Resolves when the loop is not late: at once, mostly. */
  async calm(): Promise<void> {
    // Lets timers and sockets have their turn first, or the lag would never be seen.
    await new Promise(setImmediate);
    // A timer that is overdue says it before it has had the chance to.
    if (this.#isLate || this.#lagMs() > this.#maxLagMs)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #look(): void {
    this.#isLate = this.#lagMs() > this.#maxLagMs;
    this.#expectedAt = performance.now() + EVERY_MS;
    if (!this.#isLate) this.#resume();
  }

  #lagMs(): number {
    return performance.now() - this.#expectedAt;
  }

  #resume(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
