import { Column } from './column.js';
import { HashIndex } from './hash-index.js';
import { secretTextHash } from './text-hash.js';
import { NONE, UseOrder } from './use-order.js';

/**
 * Values that know their own names, in order of use. A value costs 28 bytes here, at any number of values: where each has a
 * kilobyte, a Map with the names beside them would be what costs.
 */
export class LeanTable<V> {
  readonly #order = new UseOrder();
  readonly #index = new HashIndex();
  readonly #values = new Column<V>();
  readonly #nameOf: (value: V) => string;
  readonly #hash: (name: string) => number;

  /** `hash` leads to where a name may be; whether it is there, the name itself decides. */
  constructor(nameOf: (value: V) => string, hash: (name: string) => number = secretTextHash()) {
    this.#nameOf = nameOf;
    this.#hash = hash;
  }

  get size(): number {
    return this.#order.size;
  }

  /** The row used longest ago; -1 when the table is empty. */
  get oldest(): number {
    return this.#order.oldest;
  }

  /** The row of a name; -1 when there is none. */
  find(name: string): number {
    let row = this.#index.first(this.#hash(name));
    while (row !== NONE && this.#nameOf(this.#values.get(row)) !== name) row = this.#index.after(row);
    return row;
  }

  valueAt(row: number): V {
    return this.#values.get(row);
  }

  /** Another value of the same name. */
  replaceAt(row: number, value: V): void {
    this.#values.set(row, value);
  }

  /** Makes a row the one used last. */
  touch(row: number): void {
    this.#order.touch(row);
  }

  /** A new row for a value whose name has none; the one used last. */
  add(name: string, value: V): number {
    const row = this.#order.add();
    this.#values.set(row, value);
    this.#index.add(row, this.#hash(name));
    return row;
  }

  remove(row: number): void {
    this.#index.remove(row);
    this.#values.set(row, undefined);
    this.#order.remove(row);
  }

  clear(): void {
    this.#order.clear();
    this.#index.clear();
    this.#values.clear();
  }

  /** Rows, the one used last first. */
  [Symbol.iterator](): IterableIterator<number> {
    return this.#order[Symbol.iterator]();
  }
}
