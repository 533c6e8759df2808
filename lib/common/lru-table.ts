import { Column } from './column.js';
import { NONE, UseOrder } from './use-order.js';

/** Values by name, in order of use. */
export class LruTable<V> {
  readonly #rows = new Map<string, number>();
  readonly #order = new UseOrder();
  readonly #names = new Column<string>();
  readonly #values = new Column<V>();

  get size(): number {
    return this.#order.size;
  }

  /** The row used longest ago; -1 when the table is empty. */
  get oldest(): number {
    return this.#order.oldest;
  }

  /** The row of a name; -1 when there is none. */
  find(name: string): number {
    return this.#rows.get(name) ?? NONE;
  }

  nameAt(row: number): string {
    return this.#names.get(row);
  }

  valueAt(row: number): V {
    return this.#values.get(row);
  }

  /** Another value in the same place. */
  replaceAt(row: number, value: V): void {
    this.#values.set(row, value);
  }

  /** Makes a row the one used last. */
  touch(row: number): void {
    this.#order.touch(row);
  }

  /** A new row for a name that has none; the one used last. */
  add(name: string, value: V): number {
    const row = this.#order.add();
    this.#names.set(row, name);
    this.#values.set(row, value);
    this.#rows.set(name, row);
    return row;
  }

  remove(row: number): void {
    this.#rows.delete(this.nameAt(row));
    this.#names.set(row, undefined);
    this.#values.set(row, undefined);
    this.#order.remove(row);
  }

  clear(): void {
    this.#rows.clear();
    this.#order.clear();
    this.#names.clear();
    this.#values.clear();
  }

  /** Rows, the one used last first. */
  [Symbol.iterator](): IterableIterator<number> {
    return this.#order[Symbol.iterator]();
  }
}
