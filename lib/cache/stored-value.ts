import { gunzipSync } from 'node:zlib';
import { decodeValue, encodeValue, type ValueForm } from '../common/value-coding.js';
import { type Found, type Maybe, type StoredEntry, whenReady } from '../store/stored-entry.js';
import { compressed, decoded } from './body-coding.js';

/** What is kept of a value of the data cache. Short names: one is written with every entry. */
export interface ValueMeta {
  /** Form of the text, or `b`: bytes as they are. */
  readonly t: ValueForm | 'b';
  /** Freshness lifetime, and the windows after it, milliseconds. */
  readonly l: number;
  readonly w: number;
  readonly e: number;
  /** Length of the text before it was compressed; absent where it is not. */
  readonly n?: number;
}

/** Lifetimes of a value, milliseconds. */
export interface ValueLifetimes {
  readonly ttlMs: number;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
}

/** A value as the bytes it is kept as. */
export interface ValueBytes {
  readonly form: ValueMeta['t'];
  readonly body: Buffer;
  /** What a later reader gets instead of the value itself, where that differs. */
  readonly readBack: { readonly value: unknown } | undefined;
}

/** The bytes of a value. Throws `ERR_VALUE` for what has no stored form. */
export function valueBytes(value: unknown): ValueBytes {
  if (value instanceof Uint8Array) return { form: 'b', body: Buffer.from(value), readBack: undefined };
  const { form, text, isFaithful } = encodeValue(value);
  const readBack = isFaithful ? undefined : { value: decodeValue(form, text) };
  return { form, body: Buffer.from(text), readBack };
}

/** The bytes compressed, where they are long enough and it makes them smaller. */
export async function smaller(bytes: ValueBytes, threshold: number): Promise<Buffer | undefined> {
  return bytes.form === 'b' || bytes.body.length <= threshold ? undefined : compressed(bytes.body);
}

/** The entry of a value. `coded` are its bytes compressed, if they are. */
export function valueEntry(
  { form, body }: ValueBytes,
  coded: Buffer | undefined,
  lifetimes: ValueLifetimes,
  groups: readonly string[],
  now: number,
): StoredEntry {
  const { ttlMs, staleWhileRevalidateMs, staleIfErrorMs } = lifetimes;
  const meta: ValueMeta = {
    t: form,
    l: ttlMs,
    w: staleWhileRevalidateMs,
    e: staleIfErrorMs,
    ...(coded === undefined ? {} : { n: body.length }),
  };
  const retainUntil = now + ttlMs + Math.max(staleWhileRevalidateMs, staleIfErrorMs);
  return { kind: 'value', meta, body: coded ?? body, groups, storedAt: now, retainUntil };
}

/** A value as read, and how it stands. */
export interface StoredValue {
  readonly value: unknown;
  readonly storedAt: number;
  readonly freshUntil: number;
  /** Instant at which it counts as fresh no more because of its lifetime alone. */
  readonly ttlMs: number;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
}

// Up to this size unpacking at once costs less than handing it to another thread.
const SYNC_LIMIT_BYTES = 16 * 1024;

/**
 * The value in an entry, or `undefined` when it holds none. Each call gives a new object: what callers do to it stays
 * with them. At once, unless there is much to unpack.
 */
export function readStoredValue(found: Found, maxBytes: number): Maybe<StoredValue | undefined> {
  const { entry } = found;
  const { meta } = entry;
  if (entry.kind !== 'value' || !isValueMeta(meta)) return undefined;
  if (meta.n === undefined) return readValue(found, meta, entry.body);
  // A length beyond what is ever stored was written on purpose by somebody else.
  if (meta.n > maxBytes) return undefined;
  const body = meta.n <= SYNC_LIMIT_BYTES ? unpackNow(entry.body, meta.n) : decoded(entry.body, 'gzip', meta.n);
  return whenReady(body, (text) => (text === undefined ? undefined : readValue(found, meta, text)));
}

function unpackNow(body: Buffer, length: number): Buffer | undefined {
  try {
    return gunzipSync(body, { maxOutputLength: Math.max(1, length) });
  } catch {
    // Damaged, or larger than it says: as good as not there.
    return undefined;
  }
}

function readValue({ entry, softAt }: Found, meta: ValueMeta, body: Buffer): StoredValue | undefined {
  const freshUntil = Math.min(entry.storedAt + meta.l, softAt ?? Number.POSITIVE_INFINITY);
  try {
    const value = meta.t === 'b' ? Buffer.from(body) : decodeValue(meta.t, body.toString());
    const { l: ttlMs, w: staleWhileRevalidateMs, e: staleIfErrorMs } = meta;
    return { value, storedAt: entry.storedAt, freshUntil, ttlMs, staleWhileRevalidateMs, staleIfErrorMs };
  } catch {
    // Bytes that pass the frame's check and make no sense were written on purpose by somebody else: no value.
    return undefined;
  }
}

function isValueMeta(meta: unknown): meta is ValueMeta {
  const { t, l, w, e, n } = (meta ?? {}) as Partial<ValueMeta>;
  const figures = n === undefined ? [l, w, e] : [l, w, e, n];
  return (
    (t === 'j' || t === 'n' || t === 'b') &&
    figures.every((figure) => typeof figure === 'number' && Number.isFinite(figure) && figure >= 0)
  );
}
