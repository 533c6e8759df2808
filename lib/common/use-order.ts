/** What stands where there is no row. */
export const NONE = -1;

/** The chunk of a row is the row without so many bits. Columns in chunks grow without being copied, and have little room to spare. */
export const CHUNK_BITS = 10;
/** How many rows a chunk has. */
export const CHUNK_ROWS = 1 << CHUNK_BITS;
/** The bits of a row that are its place in its chunk. */
export const IN_CHUNK = CHUNK_ROWS - 1;

// For each row, beside each other: the one used just after it, and the one just before. A free row leads to the next free one.
const WIDTH = 2;
const OLDER = 1;

/**
 * Numbers rows, from 0 on and none left out for long, and keeps them in order of use. A linked list in typed arrays: as
 * objects it would cost more than all else around an entry of one kilobyte.
 */
export class UseOrder {
  #chunks: Int32Array[] = [];
  #size = 0;
  #end = 0;
  #newest = NONE;
  #oldest = NONE;
  #free = NONE;

  get size(): number {
    return this.#size;
  }

  /** The row used longest ago; -1 when there is none. */
  get oldest(): number {
    return this.#oldest;
  }

  /** A new row, the one used last. A number that was removed is given again before a higher one is. */
  add(): number {
    const row = this.#freeRow();
    this.#size += 1;
    this.#linkNewest(row);
    return row;
  }

  /** Makes a row the one used last. */
  touch(row: number): void {
    if (row === this.#newest) return;
    this.#unlink(row);
    this.#linkNewest(row);
  }

  remove(row: number): void {
    this.#unlink(row);
    this.#setNewer(row, this.#free);
    this.#free = row;
    this.#size -= 1;
  }

  clear(): void {
    this.#chunks = [];
    this.#size = 0;
    this.#end = 0;
    this.#newest = NONE;
    this.#oldest = NONE;
    this.#free = NONE;
  }

  /** Rows, the one used last first. */
  *[Symbol.iterator](): IterableIterator<number> {
    for (let row = this.#newest; row !== NONE; row = this.#olderThan(row)) yield row;
  }

  #freeRow(): number {
    const row = this.#free;
    if (row !== NONE) {
      this.#free = this.#newerThan(row);
      return row;
    }
    if ((this.#end & IN_CHUNK) === 0) this.#chunks.push(new Int32Array(CHUNK_ROWS * WIDTH));
    return this.#end++;
  }

  #linkNewest(row: number): void {
    this.#setNewer(row, NONE);
    this.#setOlder(row, this.#newest);
    if (this.#newest === NONE) this.#oldest = row;
    else this.#setNewer(this.#newest, row);
    this.#newest = row;
  }

  #unlink(row: number): void {
    const newer = this.#newerThan(row);
    const older = this.#olderThan(row);
    if (newer === NONE) this.#newest = older;
    else this.#setOlder(newer, older);
    if (older === NONE) this.#oldest = newer;
    else this.#setNewer(older, newer);
  }

  #chunk(row: number): Int32Array {
    return this.#chunks[row >> CHUNK_BITS] as Int32Array;
  }

  #newerThan(row: number): number {
    return this.#chunk(row)[(row & IN_CHUNK) * WIDTH] as number;
  }

  #olderThan(row: number): number {
    return this.#chunk(row)[(row & IN_CHUNK) * WIDTH + OLDER] as number;
  }

  #setNewer(row: number, newer: number): void {
    this.#chunk(row)[(row & IN_CHUNK) * WIDTH] = newer;
  }

  #setOlder(row: number, older: number): void {
    this.#chunk(row)[(row & IN_CHUNK) * WIDTH + OLDER] = older;
  }
}
