/** A key and how often it was used, estimated. */
export interface TopKey {
  readonly key: string;
  /** Estimated uses. */
  readonly count: number;
  /** `count` is too high by at most this much. */
  readonly error: number;
}

/** Options of {@link TopKeys}. */
export interface TopKeysOptions {
  /** Keys kept, at most. @default 256 */
  readonly capacity?: number;
  /** One in this many uses is looked at; a power of two. @default 16 */
  readonly sampleEvery?: number;
}

interface Counter {
  count: number;
  error: number;
}

// Longer keys are cut: two that differ only beyond this are counted as one, and memory stays bounded.
const MAX_KEY_LENGTH = 512;

/**
 * The most used keys, in bounded memory: the space-saving algorithm (Metwally et al., 2005) over a sample. A key used
 * more than (total / capacity) times is certainly in it. Fifteen of sixteen calls cost one addition and one comparison.
 */
export class TopKeys {
  readonly #capacity: number;
  readonly #mask: number;
  readonly #counters = new Map<string, Counter>();
  // Starting at a random place, and moving on by a random step, keeps a pattern in the traffic from hiding a key.
  #turn = Math.floor(Math.random() * 1024);
  #next: number;
  #floor = 0;

  constructor({ capacity = 256, sampleEvery = 16 }: TopKeysOptions = {}) {
    this.#capacity = Math.max(1, capacity);
    this.#mask = 2 ** Math.ceil(Math.log2(Math.max(1, sampleEvery))) - 1;
    this.#next = this.#turn;
  }

  /** Counts one use of `key`. Tells whether this use was looked at. */
  record(key: string): boolean {
    if (this.#turn++ < this.#next) return false;
    this.#next = this.#turn + Math.round(Math.random() * 2 * this.#mask);
    this.#count(key.length > MAX_KEY_LENGTH ? key.slice(0, MAX_KEY_LENGTH) : key);
    return true;
  }

  /** The most used keys, most used first. */
  top(limit = 20): readonly TopKey[] {
    const weight = this.#mask + 1;
    return [...this.#counters]
      .map(([key, { count, error }]) => ({ key, count: count * weight, error: error * weight }))
      .sort((a, b) => b.count - a.count)
      .slice(0, limit);
  }

  /** Halves every count, so that what was busy yesterday makes room. Call it now and then. */
  decay(): void {
    for (const [key, counter] of this.#counters) {
      counter.count = Math.floor(counter.count / 2);
      counter.error = Math.floor(counter.error / 2);
      if (counter.count === 0) this.#counters.delete(key);
    }
    this.#floor = 0;
  }

  get size(): number {
    return this.#counters.size;
  }

  clear(): void {
    this.#counters.clear();
    this.#floor = 0;
  }

  #count(key: string): void {
    const known = this.#counters.get(key);
    if (known) {
      known.count++;
      return;
    }
    const error = this.#counters.size < this.#capacity ? 0 : this.#evictLeast();
    this.#counters.set(key, { count: error + 1, error });
  }

  // Counts only grow, so the first counter at the last known floor is a least one and the scan mostly ends early.
  #evictLeast(): number {
    let leastKey = '';
    let least = Number.POSITIVE_INFINITY;
    for (const [key, { count }] of this.#counters) {
      if (count >= least) continue;
      least = count;
      leastKey = key;
      if (count <= this.#floor) break;
    }
    this.#counters.delete(leastKey);
    this.#floor = least;
    return least;
  }
}
