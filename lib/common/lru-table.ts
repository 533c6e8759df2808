const NONE = -1;
const CHUNK_BITS = 10;
const CHUNK_ROWS = 1 << CHUNK_BITS;
const IN_CHUNK = CHUNK_ROWS - 1;

/** Some rows, as columns. Columns in chunks grow without being copied, and without room for half as many again. */
class Chunk<V> {
  readonly names: (string | undefined)[] = new Array(CHUNK_ROWS);
  readonly values: (V | undefined)[] = new Array(CHUNK_ROWS);
  /** For each row the one used just after it and the one just before; a free row leads to the next free one. */
  readonly newer = new Int32Array(CHUNK_ROWS);
  readonly older = new Int32Array(CHUNK_ROWS);
}

/**
 * Values by name, in order of use. Columns of arrays, because beside an entry of one kilobyte the objects of a linked list
 * are what costs: an entry takes some 60 bytes here, besides its name and value.
 */
export class LruTable<V> {
  readonly #rows = new Map<string, number>();
  #chunks: Chunk<V>[] = [];
  #end = 0;
  #newest = NONE;
  #oldest = NONE;
  #free = NONE;

  get size(): number {
    return this.#rows.size;
  }

  /** The row used longest ago; -1 when the table is empty. */
  get oldest(): number {
    return this.#oldest;
  }

  /** The row of a name; -1 when there is none. */
  find(name: string): number {
    return this.#rows.get(name) ?? NONE;
  }

  nameAt(row: number): string {
    return this.#chunk(row).names[row & IN_CHUNK] as string;
  }

  valueAt(row: number): V {
    return this.#chunk(row).values[row & IN_CHUNK] as V;
  }

  /** The value of a row that may have been removed, or never been there. */
  valueIn(row: number): V | undefined {
    return this.#chunks[row >> CHUNK_BITS]?.values[row & IN_CHUNK];
  }

  /** Another value in the same place. */
  replaceAt(row: number, value: V): void {
    this.#chunk(row).values[row & IN_CHUNK] = value;
  }

  /** Makes a row the one used last. */
  touch(row: number): void {
    if (row === this.#newest) return;
    this.#unlink(row);
    this.#linkNewest(row);
  }

  /** A new row for a name that has none; the one used last. */
  add(name: string, value: V): number {
    const row = this.#freeRow();
    const chunk = this.#chunk(row);
    chunk.names[row & IN_CHUNK] = name;
    chunk.values[row & IN_CHUNK] = value;
    this.#rows.set(name, row);
    this.#linkNewest(row);
    return row;
  }

  remove(row: number): void {
    this.#unlink(row);
    const chunk = this.#chunk(row);
    this.#rows.delete(this.nameAt(row));
    chunk.names[row & IN_CHUNK] = undefined;
    chunk.values[row & IN_CHUNK] = undefined;
    chunk.newer[row & IN_CHUNK] = this.#free;
    this.#free = row;
  }

  clear(): void {
    this.#rows.clear();
    this.#chunks = [];
    this.#end = 0;
    this.#newest = NONE;
    this.#oldest = NONE;
    this.#free = NONE;
  }

  /** Rows, the one used last first. */
  *[Symbol.iterator](): IterableIterator<number> {
    for (let row = this.#newest; row !== NONE; row = this.#olderThan(row)) yield row;
  }

  #chunk(row: number): Chunk<V> {
    return this.#chunks[row >> CHUNK_BITS] as Chunk<V>;
  }

  #newerThan(row: number): number {
    return this.#chunk(row).newer[row & IN_CHUNK] as number;
  }

  #olderThan(row: number): number {
    return this.#chunk(row).older[row & IN_CHUNK] as number;
  }

  #freeRow(): number {
    const row = this.#free;
    if (row !== NONE) {
      this.#free = this.#newerThan(row);
      return row;
    }
    if ((this.#end & IN_CHUNK) === 0) this.#chunks.push(new Chunk());
    return this.#end++;
  }

  #linkNewest(row: number): void {
    const chunk = this.#chunk(row);
    chunk.newer[row & IN_CHUNK] = NONE;
    chunk.older[row & IN_CHUNK] = this.#newest;
    if (this.#newest === NONE) this.#oldest = row;
    else this.#chunk(this.#newest).newer[this.#newest & IN_CHUNK] = row;
    this.#newest = row;
  }

  #unlink(row: number): void {
    const newer = this.#newerThan(row);
    const older = this.#olderThan(row);
    if (newer === NONE) this.#newest = older;
    else this.#chunk(newer).older[newer & IN_CHUNK] = older;
    if (older === NONE) this.#oldest = newer;
    else this.#chunk(older).newer[older & IN_CHUNK] = newer;
  }
}
