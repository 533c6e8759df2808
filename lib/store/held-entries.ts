import { getHeapStatistics } from 'node:v8';
import { LeanTable } from '../common/lean-table.js';
import type { Fence, Lookup } from './entry-store.js';
import { type HotSlot, HotSlots } from './hot-slots.js';
import { type MetaPacking, type Packable, PackedEntry, packEntry, packedHead, packedName } from './packed-entry.js';
import { Shapes } from './shapes.js';
import type { Found, StoredEntry } from './stored-entry.js';

/** The fence of process memory: how far the ledger had come. */
export interface MemoryFence extends Fence {
  readonly level: 'memory';
  readonly sequence: number;
  /** When it was taken; what another level owns is kept for no longer than its bound from then on. */
  readonly takenAt?: number;
}

/** A lookup that found an entry of this process. */
export interface HeldLookup extends Lookup {
  readonly slot: Slot;
}

/** An entry as its readers get it. */
export interface Slot extends Packable, HotSlot {
  readonly row: number;
  /** What it counts for. */
  readonly bytes: number;
  /** What the last reader was given; the same object serves every hit until something is invalidated. */
  found: Found;
  lookup: HeldLookup;
  /** How far the ledger had come when the slot was last found valid. */
  checkedAt: number;
  /** It was found valid when the ledger had come so far; `softAt` is when it was softly invalidated, if it was. */
  judge(softAt: number | undefined, sequence: number): void;
}

// What holds one entry besides its texts and bytes, measured with the heap growing by 100,000 entries.
const ENTRY_OVERHEAD_BYTES = 640;
const PACKED_OVERHEAD_BYTES = 56;

// What a Map can hold (2^24), with room to spare.
const MAX_ENTRIES = 16_000_000;

// An unpacked entry takes about as much again as it does packed: a small share of the whole is spent on the busiest.
const BYTES_PER_HOT_ENTRY = 16 * 1024;
const MIN_HOT_ENTRIES = 64;
const MAX_HOT_ENTRIES = 4096;

/** The share of the heap that packed entries may take; what comes on top keeps its body beside the heap. */
const HEAP_SHARE = 0.25;

/**
 * Entries within a bound of bytes, out first what has not been used for longest, or nearly so. A small one is kept as one text (a quarter of what its
 * objects would take) and unpacked while it is read; a large one keeps its bytes beside the heap.
 */
export class HeldEntries {
  readonly #held = new LeanTable<Slot | string>((held) => (typeof held === 'string' ? packedName(held) : held.name));
  readonly #hot: HotSlots<Slot>;
  readonly #shapes = new Shapes();
  readonly #packing: MetaPacking | undefined;
  readonly #maxBytes: number;
  readonly #maxPackedBytes = getHeapStatistics().heap_size_limit * HEAP_SHARE;
  #packedBytes = 0;
  #bytes = 0;

  constructor(maxBytes: number, packing: MetaPacking | undefined) {
    this.#maxBytes = Math.max(1, maxBytes);
    this.#packing = packing;
    const hot = Math.floor(maxBytes / BYTES_PER_HOT_ENTRY);
    this.#hot = new HotSlots(Math.min(MAX_HOT_ENTRIES, Math.max(MIN_HOT_ENTRIES, hot)));
  }

  get size(): number {
    return this.#held.size;
  }

  /** An estimate of what all entries take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The entry of a name, which counts as used now. */
  use(name: string): Slot | undefined {
    return this.#hot.read(name) ?? this.#warm(name);
  }

  /** The entry in a place among those read most, which counts as used now; `undefined`: it is no longer there. */
  useAt(place: number): Slot | undefined {
    return this.#hot.at(place);
  }

  /** Holds an entry in place of the one it had; `false`: it is larger than everything may be, and none is held. */
  put(name: string, holding: Packable): boolean {
    this.delete(name);
    const packed = this.#packedBytes < this.#maxPackedBytes ? this.#pack(name, holding) : undefined;
    const size = packed === undefined ? looseBytes(name, holding) : packedBytes(packed);
    if (size > this.#maxBytes) {
      if (packed !== undefined) this.#shapes.release(packedHead(packed).shape);
      return false;
    }
    this.#bytes += size;
    if (packed === undefined) this.#addLoose(name, holding, size);
    else {
      this.#packedBytes += size;
      this.#held.add(name, packed);
    }
    while (this.#bytes > this.#maxBytes || this.#held.size > MAX_ENTRIES) this.#makeRoom();
    return true;
  }

  delete(name: string): boolean {
    const row = this.#held.find(name);
    if (row === -1) return false;
    this.drop(row);
    return true;
  }

  drop(row: number): void {
    const held = this.#held.valueAt(row);
    if (typeof held === 'string') this.#releasePacked(held);
    else this.#bytes -= held.bytes;
    this.#hot.delete(typeof held === 'string' ? packedName(held) : held.name);
    this.#held.remove(row);
  }

  /** All entries, without using them: roughly, those used last first. */
  *all(): IterableIterator<Packable> {
    for (const row of this.#held) {
      const held = this.#held.valueAt(row);
      yield typeof held === 'string' ? this.#unpacked(row, packedName(held), held) : held;
    }
  }

  clear(): void {
    this.#held.clear();
    this.#hot.clear();
    this.#shapes.clear();
    this.#bytes = 0;
    this.#packedBytes = 0;
  }

  // A read does not move an entry: that would touch those beside it, at every hit. One that was read since it came to where
  // it is gets its move now, when it would have to go.
  #makeRoom(): void {
    for (let chances = this.#hot.size; chances > 0; chances--) {
      const row = this.#held.oldest;
      const held = this.#held.valueAt(row);
      const slot = typeof held === 'string' ? this.#hot.peek(packedName(held)) : held;
      if (slot === undefined || !slot.isUsed) break;
      slot.isUsed = false;
      this.#held.touch(row);
    }
    this.drop(this.#held.oldest);
  }

  #pack(name: string, holding: Packable): string | undefined {
    return packEntry(name, holding, this.#shapes, this.#packing);
  }

  #releasePacked(packed: string): void {
    const size = packedBytes(packed);
    this.#bytes -= size;
    this.#packedBytes -= size;
    this.#shapes.release(packedHead(packed).shape);
  }

  #addLoose(name: string, { entry, label, retainUntil, sequence }: Packable, size: number): void {
    const row = this.#held.add(name, '');
    this.#held.replaceAt(row, new HeldSlot(row, name, { entry: ownBody(entry), label, retainUntil, sequence }, size));
  }

  #warm(name: string): Slot | undefined {
    const row = this.#held.find(name);
    if (row === -1) return undefined;
    const held = this.#held.valueAt(row);
    const slot = typeof held === 'string' ? this.#unpacked(row, name, held) : held;
    this.#held.touch(row);
    this.#hot.offer(slot, row);
    return slot;
  }

  #unpacked(row: number, name: string, packed: string): Slot {
    const { sequence, retainUntil } = packedHead(packed);
    const entry = new PackedEntry(name, packed, this.#shapes, this.#packing);
    return new HeldSlot(row, name, { entry, label: entry.label, retainUntil, sequence }, packedBytes(packed));
  }
}

/*
 * What follows are classes, as is all that is made for each entry that is unpacked. Where a literal makes something that
 * stays, as it does for the first thousands of entries, V8 soon makes it among what is old (pretenuring); for one that is
 * read once and forgotten, everything it leads to then outlives the next collections as well.
 */

class FenceHere implements MemoryFence {
  readonly level = 'memory';

  constructor(readonly sequence: number) {}
}

class FoundHere implements Found {
  readonly level = 'memory';

  constructor(
    readonly entry: StoredEntry,
    readonly softAt: number | undefined,
  ) {}
}

class LookupHere implements HeldLookup {
  readonly found: Found;
  readonly fence: MemoryFence;

  constructor(readonly slot: Slot) {
    this.found = slot.found;
    this.fence = memoryFence(slot.checkedAt);
  }
}

class HeldSlot implements Slot {
  readonly entry: StoredEntry;
  readonly label: string;
  readonly retainUntil: number;
  readonly sequence: number;
  found: Found;
  lookup: HeldLookup;
  checkedAt: number;
  wasRead = false;
  isUsed = false;
  place = -1;

  constructor(
    readonly row: number,
    readonly name: string,
    { entry, label, retainUntil, sequence }: Packable,
    readonly bytes: number,
  ) {
    this.entry = entry;
    this.label = label;
    this.retainUntil = retainUntil;
    this.sequence = sequence;
    this.checkedAt = sequence;
    this.found = new FoundHere(entry, undefined);
    this.lookup = new LookupHere(this);
  }

  /** Takes note of what the ledger says by now. */
  judge(softAt: number | undefined, sequence: number): void {
    if (softAt !== undefined) this.found = new FoundHere(this.entry, softAt);
    this.checkedAt = sequence;
    this.lookup = new LookupHere(this);
  }
}

/** The fence of an instant at which the ledger had come so far. */
export function memoryFence(sequence: number): MemoryFence {
  return new FenceHere(sequence);
}

// What is kept must not hold on to a larger piece of memory that its bytes are a view of.
function ownBody(entry: StoredEntry): StoredEntry {
  const { kind, meta, body, groups, storedAt, retainUntil } = entry;
  if (body.buffer.byteLength === body.length) return entry;
  const own = Buffer.allocUnsafeSlow(body.length);
  body.copy(own);
  return { kind, meta, body: own, groups, storedAt, retainUntil };
}

function packedBytes(packed: string): number {
  return PACKED_OVERHEAD_BYTES + packed.length;
}

function looseBytes(name: string, { label, entry }: Packable): number {
  let bytes = ENTRY_OVERHEAD_BYTES + name.length + label.length + entry.body.length;
  for (const group of entry.groups) bytes += group.length + 16;
  return bytes + JSON.stringify(entry.meta ?? null).length * 2;
}
