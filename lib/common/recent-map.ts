/**
 * A map that keeps what was set last: at most `max` values, at least half as many. Kept in two halves, the older of which is
 * dropped as a whole: taking the oldest out of one map, again and again, steps over all that were taken out before.
 */
export class RecentMap<K, V extends {}> {
  readonly #half: number;
  #recent = new Map<K, V>();
  #older = new Map<K, V>();

  constructor(max: number) {
    this.#half = max / 2;
  }

  get(key: K): V | undefined {
    return this.#recent.get(key) ?? this.#older.get(key);
  }

  set(key: K, value: V): void {
    this.#older.delete(key);
    this.#recent.set(key, value);
    if (this.#recent.size < this.#half) return;
    this.#older = this.#recent;
    this.#recent = new Map();
  }

  delete(key: K): void {
    this.#recent.delete(key);
    this.#older.delete(key);
  }

  clear(): void {
    this.#recent.clear();
    this.#older.clear();
  }

  get size(): number {
    return this.#recent.size + this.#older.size;
  }
}
