import { RecentMap } from '../common/recent-map.js';
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
import { HeldEntries, type HeldLookup, type MemoryFence, memoryFence, type Slot } from './held-entries.js';
import { InvalidationLedger } from './invalidation-ledger.js';
import type { MetaPacking } from './packed-entry.js';
import { type EntryKey, entryName, type Found, type StoredEntry } from './stored-entry.js';

const MAX_UNCACHEABLE = 10_000;

/** What a {@link MemoryStore} is made of; `now` in milliseconds. */
export interface MemoryStoreOptions {
  readonly maxBytes: number;
  readonly now: () => number;
  readonly ledger?: InvalidationLedger;
  /** How descriptions of entries are packed; without it they are kept as they are. */
  readonly packing?: MetaPacking;
}

/** Entries in this process: least recently used out first, bounded by the bytes of keys, descriptions and bodies. Every method is synchronous. */
export class MemoryStore implements EntryStore {
  readonly #held: HeldEntries;
  readonly #uncacheable = new RecentMap<number>(MAX_UNCACHEABLE);
  readonly ledger: InvalidationLedger;
  readonly now: () => number;
  #miss: Lookup;
  #missSequence = 0;

  constructor(options: MemoryStoreOptions) {
    this.now = options.now;
    this.ledger = options.ledger ?? new InvalidationLedger();
    this.#held = new HeldEntries(options.maxBytes, options.packing);
    this.#miss = this.#missLookup();
  }

  lookup(key: EntryKey): Lookup {
    const slot = this.#held.use(entryName(key));
    return (slot && this.#usable(slot, this.now())) ?? this.#missNow();
  }

  placeOf(lookup: Lookup): number | undefined {
    const place = (lookup as Partial<HeldLookup>).slot?.place;
    return place === -1 ? undefined : place;
  }

  at(place: number, now: number): Lookup | undefined {
    const slot = this.#held.useAt(place);
    return slot && this.#usable(slot, now);
  }

  lookupMany(keys: readonly EntryKey[]): readonly (Found | undefined)[] {
    return keys.map((key) => this.lookup(key).found);
  }

  acquire(key: EntryKey, fence: Fence): LeaseAnswer {
    const name = entryName(key);
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
    const name = entryName(key);
    const retainUntil = Math.min(entry.retainUntil, takenAt + maxAgeMs);
    this.#uncacheable.delete(name);
    return this.#held.put(name, { entry, label: key.label, retainUntil, sequence }) ? 'stored' : 'too-large';
  }

  remove(keys: readonly EntryKey[]): number {
    let removed = 0;
    for (const key of keys) if (this.#held.delete(entryName(key))) removed += 1;
    return removed;
  }

  invalidate(order: InvalidationOrder): Acknowledgement {
    this.ledger.record(order, this.now());
    if (order.everything && !order.soft) this.#held.clear();
    return 'memory';
  }

  /** Forgets every entry, and refuses what was begun before; used when what is held here may no longer be trusted. */
  clear(): void {
    this.ledger.forget();
    this.#held.clear();
  }

  list(prefix: string, limit: number): Promise<readonly ListedEntry[]> {
    const listed: ListedEntry[] = [];
    const now = this.now();
    for (const { entry, label, sequence, retainUntil } of this.#held.all()) {
      if (listed.length >= limit) break;
      if (entry.kind === 'variants' || !label.startsWith(prefix) || retainUntil <= now) continue;
      if (this.ledger.verdict(sequence, entry.groups, label) === 'gone') continue;
      listed.push({
        label,
        kind: entry.kind,
        groups: entry.groups,
        ageMs: now - entry.storedAt,
        ttlMs: retainUntil - now,
        bytes: entry.text?.length ?? entry.body.length,
      });
    }
    return Promise.resolve(listed);
  }

  size(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#held.size, bytes: this.#held.bytes };
  }

  close(): void {
    this.#held.clear();
    this.#uncacheable.clear();
  }

  #usable(slot: Slot, now: number): Lookup | undefined {
    if (slot.checkedAt !== this.ledger.sequence && !this.#stillValid(slot)) return undefined;
    if (slot.retainUntil > now) return slot.lookup;
    this.#held.drop(slot.row);
    return undefined;
  }

  #stillValid(slot: Slot): boolean {
    const verdict = this.ledger.verdict(slot.sequence, slot.entry.groups, slot.label);
    if (verdict === 'gone') {
      this.#held.drop(slot.row);
      return false;
    }
    slot.judge(verdict === 'valid' ? undefined : verdict.softAt, this.ledger.sequence);
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
      if (uncacheableMs) this.#uncacheable.set(name, this.now() + uncacheableMs);
    };
    return { release };
  }
}
