/** What an entry holds: a response, a value of the data cache, or the list of request fields a resource varies by. */
export type EntryKind = 'response' | 'value' | 'variants';

/** One thing a store keeps. Immutable: nobody changes `meta` or the bytes of `body` after it was made. */
export interface StoredEntry {
  readonly kind: EntryKind;
  /** Plain JSON-able description of the body. */
  readonly meta: unknown;
  readonly body: Buffer;
  /** The bytes of `body` as text of one byte a character, where they are kept that way. */
  readonly text?: string;
  /** Names of the groups this entry relies on, besides the namespace: invalidating one of them ends it. */
  readonly groups: readonly string[];
  /** Instant on the store's line of time (milliseconds) at which it was stored. */
  readonly storedAt: number;
  /** Instant after which no one may use it. Outlives freshness, so that stale windows and revalidation have something to use. */
  readonly retainUntil: number;
  /** What the layer above made of `meta`, kept beside it so that it is made once. */
  view?: unknown;
}

/** Names an entry: the primary key, and the secondary key from `Vary` where there is one. Both injective texts. */
export interface EntryKey {
  readonly text: string;
  readonly variant: string;
  /** What literal prefixes are compared with: the path and query of a response, the key of a value. */
  readonly label: string;
}

/** One text for a key. Injective: only variants start with a digit, because primary keys start with a letter. */
export function entryName({ text, variant }: EntryKey): string {
  return variant === '' ? text : `${text.length}:${text}${variant}`;
}

/** Where an answer came from. */
export type Level = 'memory' | 'redis';

/** An entry that may be used, as far as invalidation is concerned. */
export interface Found {
  readonly entry: StoredEntry;
  readonly level: Level;
  /** When it was invalidated softly: stale since then, whatever its lifetime says. */
  readonly softAt: number | undefined;
}

/** A value that is there already, or will be. Hits in memory never wait. */
export type Maybe<T> = T | Promise<T>;

/** Whether a value is still to come. */
export function isPromise<T>(value: Maybe<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function';
}

/** Calls `next` with the value: at once when it is there, else when it comes. */
export function whenReady<T, U>(value: Maybe<T>, next: (value: T) => Maybe<U>): Maybe<U> {
  return isPromise(value) ? value.then(next) : next(value);
}
