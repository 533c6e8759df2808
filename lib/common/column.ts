import { CHUNK_BITS, CHUNK_ROWS, IN_CHUNK } from './use-order.js';

/** A value for each row. */
export class Column<V> {
  #chunks: (V | undefined)[][] = [];

  get(row: number): V {
    return (this.#chunks[row >> CHUNK_BITS] as V[])[row & IN_CHUNK] as V;
  }

  /** Rows begin at 0, and none may be set whose predecessors never were. */
  set(row: number, value: V | undefined): void {
    let chunk = this.#chunks[row >> CHUNK_BITS];
    if (chunk === undefined) {
      chunk = new Array(CHUNK_ROWS);
      this.#chunks.push(chunk);
    }
    chunk[row & IN_CHUNK] = value;
  }

  clear(): void {
    this.#chunks = [];
  }
}
