import type { EntryKey, Found, Level, Maybe, StoredEntry } from './stored-entry.js';

/**
 * The state of invalidation before a handler ran. What the handler produced counts only if none of the groups it
 * relies on has been invalidated since.
 */
export interface Fence {
  readonly level: Level;
}

/** What a lookup found, and the fence to store under if it found nothing that can be used. */
export interface Lookup {
  readonly found: Found | undefined;
  readonly fence: Fence;
  /** How to look for the same again, elsewhere, with {@link EntryStore.lookAgain}. */
  readonly sight?: Sight | undefined;
}

/** Where an entry was seen that is not kept in this process. */
export interface Sight {
  /** What is read for it, the entry itself last. */
  readonly keys: readonly string[];
}

/** The right to fill a key. `release` is always safe to call, also twice. */
export interface Lease {
  /** Gives the key back; `uncacheableMs` tells the others not to queue for it that long. */
  release(uncacheableMs?: number): void;
}

/** What a store answers to whoever wants to fill a key. */
export type LeaseAnswer =
  /** This process fills; `fence` replaces the one of the lookup. */
  | { readonly kind: 'held'; readonly lease: Lease; readonly fence: Fence }
  /** Somebody else fills. `settled` resolves when that ended or `waitMs` passed, whichever is first. */
  | { readonly kind: 'busy'; settled(waitMs: number): Promise<void> }
  /** The key is known to be uncacheable just now: run without waiting. */
  | { readonly kind: 'open'; readonly fence: Fence }
  /** The entry changed since the lookup: look again. */
  | { readonly kind: 'changed' };

/**
 * What became of an entry that was to be stored. `overtaken`: it was invalidated, or made anew, while it was being
 * made.
 */
export type StoreOutcome = 'stored' | 'overtaken' | 'too-large' | 'refused';

/** A set of things to invalidate, already checked. Groups are full group names. */
export interface InvalidationOrder {
  readonly groups: readonly string[];
  readonly prefixes: readonly string[];
  readonly everything: boolean;
  readonly soft: boolean;
}

/** Whether Redis has confirmed an invalidation, or it holds in this process and Redis will be told first thing. */
export type Acknowledgement = 'memory' | 'redis' | 'pending';

/** One line of a listing. */
export interface ListedEntry {
  readonly label: string;
  readonly kind: string;
  readonly groups: readonly string[];
  readonly ageMs: number;
  readonly ttlMs: number;
  readonly bytes: number;
}

/** Keeps entries. No method throws or rejects: what a broken store cannot do is a value. */
export interface EntryStore {
  /** The line of time on which this store's instants lie, in milliseconds. */
  now(): number;
  /** The entry of a key, unless invalidated, and a fence. `groups` are those known before the entry is read. */
  lookup(key: EntryKey, groups: readonly string[]): Maybe<Lookup>;
  /** Where the entry of a lookup stands in this process, for {@link at}. `undefined`: it was not found there. */
  placeOf?(lookup: Lookup): number | undefined;
  /**
   * What a lookup finds of an entry that stands in that place: there may be another by now, or none. `undefined` also where
   * a lookup would have to ask elsewhere, or the entry is not at hand.
   */
  at?(place: number, now: number): Lookup | undefined;
  /**
   * Reads an entry that was seen before, and what decides about it, anew. `done` is called once, later, and must not throw;
   * it gets what a lookup finds, or `undefined` where anything changed and only a lookup can tell. `false`: not now.
   */
  lookAgain?(sight: Sight, done: (found: Found | undefined) => void): boolean;
  /** Entries of many keys in one round trip, in the order of `keys`. */
  lookupMany(keys: readonly EntryKey[]): Maybe<readonly (Found | undefined)[]>;
  /** Asks for the right to fill a key for at most `leaseMs`. */
  acquire(key: EntryKey, fence: Fence, groups: readonly string[], leaseMs: number): Maybe<LeaseAnswer>;
  /**
   * Keeps an entry, unless one of its groups was invalidated after the fence. Ends the lease, unless `more` entries of
   * the same fill follow.
   */
  store(key: EntryKey, entry: StoredEntry, fence: Fence, lease: Lease | undefined, more?: boolean): Maybe<StoreOutcome>;
  /** Removes entries and ends their fills. Resolves to how many there were. */
  remove(keys: readonly EntryKey[]): Maybe<number>;
  invalidate(order: InvalidationOrder): Maybe<Acknowledgement>;
  /** Entries whose label starts with `prefix`, at most `limit`. Never called on a request's path. */
  list(prefix: string, limit: number): Promise<readonly ListedEntry[]>;
  /** Entries and bytes held in this process. */
  size(): { readonly entries: number; readonly bytes: number };
  close(): void;
}
