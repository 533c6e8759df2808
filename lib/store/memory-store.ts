import { LRUCache } from 'lru-cache';
import type {
  Acknowledgement,
  EntryStore,
  Fence,
  InvalidationOrder,
  Lease,
  LeaseAnswer,
  ListedEntry,
  Lookup,
  StoreOutcome,
} from './entry-store.js';
import { InvalidationLedger } from './invalidation-ledger.js';
import type { EntryKey, Found, StoredEntry } from './stored-entry.js';

/** The fence of process memory: how far the ledger had come. */
export interface MemoryFence extends Fence {
  readonly level: 'memory';
  readonly sequence: number;
  /** When it was taken; what another level owns is kept for no longer than its bound from then on. */
  readonly takenAt?: number;
}

interface Slot {
  readonly entry: StoredEntry;
  readonly retainUntil: number;
  readonly label: string;
  readonly sequence: number;
  /** What the last reader was given; the same object serves every hit until something is invalidated. */
  found: Found;
  lookup: Lookup;
  /** How far the ledger had come when the slot was last found valid. */
  checkedAt: number;
}

/** What a {@link MemoryStore} is made of; `now` in milliseconds. */
export interface MemoryStoreOptions {
  readonly maxBytes: number;
  readonly now: () => number;
  readonly ledger?: InvalidationLedger;
}

// Objects, map slots and list links that hold one entry, measured with the heap growing by 100,000 entries.
const ENTRY_OVERHEAD_BYTES = 640;
/** Entries in this process: least recently used out first, bounded by the bytes of keys, descriptions and bodies. Every method is synchronous. */
export class MemoryStore implements EntryStore {
  readonly #slots: LRUCache<string, Slot>;
  readonly #uncacheable = new Map<string, number>();
  readonly ledger: InvalidationLedger;
  readonly now: () => number;
  #miss: Lookup;
  #missSequence = 0;

  constructor(options: MemoryStoreOptions) {
    this.now = options.now;
    this.ledger = options.ledger ?? new InvalidationLedger();
    this.#miss = this.#missLookup();
    this.#slots = new LRUCache<string, Slot>({ maxSize: Math.max(1, options.maxBytes) });
  }

  lookup(key: EntryKey): Lookup {
    const slot = this.#slots.get(mapKey(key));
    if (slot === undefined) return this.#missNow();
    if (slot.checkedAt !== this.ledger.sequence && !this.#stillValid(key, slot)) return this.#missNow();
    if (slot.retainUntil <= this.now()) {
      this.#slots.delete(mapKey(key));
      return this.#missNow();
    }
    return slot.lookup;
  }

  lookupMany(keys: readonly EntryKey[]): readonly (Found | undefined)[] {
    return keys.map((key) => this.lookup(key).found);
  }

  acquire(key: EntryKey, fence: Fence): LeaseAnswer {
    const name = mapKey(key);
    const until = this.#uncacheable.get(name);
    if (until !== undefined && until > this.now()) return { kind: 'open', fence };
    this.#uncacheable.delete(name);
    return { kind: 'held', lease: this.#lease(name), fence };
  }

  store(key: EntryKey, entry: StoredEntry, fence: Fence): StoreOutcome {
    return this.keep(key, entry, fence, Number.POSITIVE_INFINITY);
  }

  /** As {@link store}, for at most `maxAgeMs`: how long this process may use what another level owns. */
  keep(key: EntryKey, entry: StoredEntry, fence: Fence, maxAgeMs: number): StoreOutcome {
    if (fence.level !== 'memory') return 'refused';
    const { sequence, takenAt = this.now() } = fence as MemoryFence;
    if (this.ledger.verdict(sequence, entry.groups, key.label) !== 'valid') return 'overtaken';
    const name = mapKey(key);
    const size = entryBytes(name, key, entry);
    if (size > this.#slots.maxSize) return 'too-large';
    this.#uncacheable.delete(name);
    const retainUntil = Math.min(entry.retainUntil, takenAt + maxAgeMs);
    this.#slots.set(name, this.#slot(entry, retainUntil, key.label, sequence), { size });
    return 'stored';
  }

  remove(keys: readonly EntryKey[]): number {
    let removed = 0;
    for (const key of keys) if (this.#slots.delete(mapKey(key))) removed += 1;
    return removed;
  }

  invalidate(order: InvalidationOrder): Acknowledgement {
    this.ledger.record(order, this.now());
    if (order.everything && !order.soft) this.#slots.clear();
    return 'memory';
  }

  /** Forgets every entry, and refuses what was begun before; used when what is held here may no longer be trusted. */
  clear(): void {
    this.ledger.forget();
    this.#slots.clear();
  }

  list(prefix: string, limit: number): Promise<readonly ListedEntry[]> {
    const listed: ListedEntry[] = [];
    const now = this.now();
    for (const [, slot] of this.#slots.entries()) {
      if (listed.length >= limit) break;
      const { entry, label } = slot;
      if (entry.kind === 'variants' || !label.startsWith(prefix) || slot.retainUntil <= now) continue;
      if (this.ledger.verdict(slot.sequence, entry.groups, label) === 'gone') continue;
      const ageMs = now - entry.storedAt;
      listed.push({
        label,
        kind: entry.kind,
        groups: entry.groups,
        ageMs,
        ttlMs: slot.retainUntil - now,
        bytes: entry.body.length,
      });
    }
    return Promise.resolve(listed);
  }

  size(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#slots.size, bytes: this.#slots.calculatedSize };
  }

  close(): void {
    this.#slots.clear();
    this.#uncacheable.clear();
  }

  #slot(entry: StoredEntry, retainUntil: number, label: string, sequence: number): Slot {
    const found: Found = { entry, level: 'memory', softAt: undefined };
    return {
      entry,
      retainUntil,
      label,
      sequence,
      found,
      lookup: { found, fence: memoryFence(sequence) },
      checkedAt: sequence,
    };
  }

  #stillValid(key: EntryKey, slot: Slot): boolean {
    const verdict = this.ledger.verdict(slot.sequence, slot.entry.groups, slot.label);
    if (verdict === 'gone') {
      this.#slots.delete(mapKey(key));
      return false;
    }
    if (verdict !== 'valid') slot.found = { entry: slot.entry, level: 'memory', softAt: verdict.softAt };
    slot.checkedAt = this.ledger.sequence;
    slot.lookup = { found: slot.found, fence: memoryFence(slot.checkedAt) };
    return true;
  }

  #missNow(): Lookup {
    if (this.#missSequence !== this.ledger.sequence) this.#miss = this.#missLookup();
    return this.#miss;
  }

  #missLookup(): Lookup {
    this.#missSequence = this.ledger.sequence;
    return { found: undefined, fence: memoryFence(this.#missSequence) };
  }

  #lease(name: string): Lease {
    const release = (uncacheableMs?: number): void => {
      if (uncacheableMs) this.#remember(name, this.now() + uncacheableMs);
    };
    return { release };
  }

  #remember(name: string, until: number): void {
    this.#uncacheable.delete(name);
    this.#uncacheable.set(name, until);
    if (this.#uncacheable.size <= MAX_UNCACHEABLE) return;
    for (const oldest of this.#uncacheable.keys()) {
      this.#uncacheable.delete(oldest);
      return;
    }
  }
}

const MAX_UNCACHEABLE = 10_000;

function memoryFence(sequence: number): MemoryFence {
  return { level: 'memory', sequence };
}

// Injective: only variants start with a digit, because primary keys start with a letter.
function mapKey(key: EntryKey): string {
  return key.variant === '' ? key.text : `${key.text.length}:${key.text}${key.variant}`;
}

function entryBytes(name: string, key: EntryKey, entry: StoredEntry): number {
  let bytes = ENTRY_OVERHEAD_BYTES + name.length + key.label.length + entry.body.length + metaBytes(entry.meta);
  for (const group of entry.groups) bytes += group.length + 16;
  return bytes;
}

/** A cheap upper estimate of what a description takes. */
function metaBytes(meta: unknown): number {
  const fields = (meta as { headers?: readonly unknown[] } | null)?.headers;
  if (!Array.isArray(fields)) return 64;
  let bytes = 256;
  for (const field of fields) bytes += 16 + String(field).length;
  return bytes;
}
