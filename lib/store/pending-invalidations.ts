import type { InvalidationOrder } from './entry-store.js';

const MAX_PENDING = 10_000;

/**
 * Invalidations that Redis has not confirmed. They are sent before anything is served from Redis again. Bounded: what
 * overflows becomes one order to empty the namespace, so nothing is dropped.
 */
export class PendingInvalidations {
  readonly #hard = new Set<string>();
  readonly #soft = new Set<string>();
  readonly #hardPrefixes = new Set<string>();
  readonly #softPrefixes = new Set<string>();
  #everything: 'hard' | 'soft' | undefined;

  get isEmpty(): boolean {
    return this.#size() === 0 && this.#everything === undefined;
  }

  add(order: InvalidationOrder): void {
    if (order.everything && this.#everything !== 'hard') this.#everything = order.soft ? 'soft' : 'hard';
    for (const group of order.groups) (order.soft ? this.#soft : this.#hard).add(group);
    for (const prefix of order.prefixes) (order.soft ? this.#softPrefixes : this.#hardPrefixes).add(prefix);
    if (this.#size() > MAX_PENDING) this.#everything = 'hard';
    if (this.#everything === 'hard') this.#clearLists();
  }

  /** Takes the orders out, at most two: what is to be gone, and what is to be stale. */
  take(): readonly InvalidationOrder[] {
    const hard = {
      groups: [...this.#hard],
      prefixes: [...this.#hardPrefixes],
      everything: this.#everything === 'hard',
      soft: false,
    };
    const soft = {
      groups: [...this.#soft],
      prefixes: [...this.#softPrefixes],
      everything: this.#everything === 'soft',
      soft: true,
    };
    this.#clearLists();
    this.#everything = undefined;
    return [hard, soft].filter((order) => order.everything || order.groups.length > 0 || order.prefixes.length > 0);
  }

  #size(): number {
    return this.#hard.size + this.#soft.size + this.#hardPrefixes.size + this.#softPrefixes.size;
  }

  #clearLists(): void {
    for (const list of [this.#hard, this.#soft, this.#hardPrefixes, this.#softPrefixes]) list.clear();
  }
}
