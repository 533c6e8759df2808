import { CHUNK_BITS, CHUNK_ROWS, IN_CHUNK, NONE } from './use-order.js';

// For each row, beside each other: its hash, the next row of its bucket, and the first row of the bucket of its number.
const WIDTH = 3;
const NEXT = 1;
const FIRST = 2;

/**
 * Rows by hash, 12 bytes each. There are as many buckets as rows, and with each new one a single bucket is divided
 * (linear hashing): at no time does an entry have to wait until all others have moved.
 */
export class HashIndex {
  #chunks: Int32Array[] = [];
  #buckets = 0;

  /** The first row of a hash; -1 when there is none. */
  first(hash: number): number {
    if (this.#buckets === 0) return NONE;
    return this.#from(this.#get(this.#bucketOf(hash), FIRST), hash);
  }

  /** The next row with the hash of this one. */
  after(row: number): number {
    return this.#from(this.#get(row, NEXT), this.#get(row, 0));
  }

  /** Rows begin at 0, and none may be added whose predecessors never were. */
  add(row: number, hash: number): void {
    if (row === this.#buckets) this.#addBucket();
    this.#set(row, 0, hash);
    this.#putInto(this.#bucketOf(hash), row);
  }

  remove(row: number): void {
    const bucket = this.#bucketOf(this.#get(row, 0));
    const next = this.#get(row, NEXT);
    let before = this.#get(bucket, FIRST);
    if (before === row) return this.#set(bucket, FIRST, next);
    while (this.#get(before, NEXT) !== row) before = this.#get(before, NEXT);
    this.#set(before, NEXT, next);
  }

  clear(): void {
    this.#chunks = [];
    this.#buckets = 0;
  }

  #from(start: number, hash: number): number {
    let row = start;
    while (row !== NONE && this.#get(row, 0) !== hash) row = this.#get(row, NEXT);
    return row;
  }

  // Buckets whose number has as many digits as their count are not all there yet; the others stand in for them.
  #bucketOf(hash: number): number {
    const highest = 1 << (31 - Math.clz32(this.#buckets));
    const bucket = hash & (2 * highest - 1);
    return bucket < this.#buckets ? bucket : bucket & (highest - 1);
  }

  #addBucket(): void {
    const added = this.#buckets;
    if ((added & IN_CHUNK) === 0) this.#chunks.push(new Int32Array(CHUNK_ROWS * WIDTH));
    this.#set(added, FIRST, NONE);
    this.#buckets += 1;
    if (added === 0) return;
    const divided = added & ~(1 << (31 - Math.clz32(added)));
    let row = this.#get(divided, FIRST);
    this.#set(divided, FIRST, NONE);
    while (row !== NONE) {
      const next = this.#get(row, NEXT);
      this.#putInto(this.#bucketOf(this.#get(row, 0)), row);
      row = next;
    }
  }

  #putInto(bucket: number, row: number): void {
    this.#set(row, NEXT, this.#get(bucket, FIRST));
    this.#set(bucket, FIRST, row);
  }

  #get(row: number, column: number): number {
    return (this.#chunks[row >> CHUNK_BITS] as Int32Array)[(row & IN_CHUNK) * WIDTH + column] as number;
  }

  #set(row: number, column: number, value: number): void {
    (this.#chunks[row >> CHUNK_BITS] as Int32Array)[(row & IN_CHUNK) * WIDTH + column] = value;
  }
}
