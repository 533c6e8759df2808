import { WarmpathError } from '../common/errors.js';
import type { Found, StoredEntry } from '../store/stored-entry.js';

/** What is kept of a value of the data cache. */
export interface ValueMeta {
  /** `j`: JSON; `b`: bytes as they are; `u`: `undefined`, stored as a negative result. */
  readonly t: 'j' | 'b' | 'u';
  /** Freshness lifetime, and the windows after it, milliseconds. */
  readonly l: number;
  readonly w: number;
  readonly e: number;
}

/** Lifetimes of a value, milliseconds. */
export interface ValueLifetimes {
  readonly ttlMs: number;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
}

/** The entry of a value. Throws `ERR_VALUE` for what JSON cannot carry. */
export function valueEntry(
  value: unknown,
  lifetimes: ValueLifetimes,
  groups: readonly string[],
  now: number,
): StoredEntry {
  const { t, body } = serialize(value);
  const { ttlMs, staleWhileRevalidateMs, staleIfErrorMs } = lifetimes;
  const meta: ValueMeta = { t, l: ttlMs, w: staleWhileRevalidateMs, e: staleIfErrorMs };
  const retainUntil = now + ttlMs + Math.max(staleWhileRevalidateMs, staleIfErrorMs);
  return { kind: 'value', meta, body, groups, storedAt: now, retainUntil };
}

/** A value as read, and how it stands. */
export interface StoredValue {
  readonly value: unknown;
  readonly freshUntil: number;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
}

/** The value in an entry, or `undefined` when it holds none. Each call gives a new object: what callers do to it stays with them. */
export function valueOf(found: Found): StoredValue | undefined {
  const { entry, softAt } = found;
  if (entry.kind !== 'value' || !isValueMeta(entry.meta)) return undefined;
  const { t, l, w, e } = entry.meta;
  const freshUntil = Math.min(entry.storedAt + l, softAt ?? Number.POSITIVE_INFINITY);
  try {
    const value =
      t === 'u' ? undefined : t === 'b' ? Buffer.from(entry.body) : (JSON.parse(entry.body.toString()) as unknown);
    return { value, freshUntil, staleWhileRevalidateMs: w, staleIfErrorMs: e };
  } catch {
    // Bytes that pass the frame's check and are no JSON were written on purpose by somebody else: no value.
    return undefined;
  }
}

function isValueMeta(meta: unknown): meta is ValueMeta {
  const { t, l, w, e } = (meta ?? {}) as Partial<ValueMeta>;
  return (
    (t === 'j' || t === 'b' || t === 'u') && [l, w, e].every((figure) => typeof figure === 'number' && figure >= 0)
  );
}

function serialize(value: unknown): { t: ValueMeta['t']; body: Buffer } {
  if (value === undefined) return { t: 'u', body: Buffer.alloc(0) };
  if (value instanceof Uint8Array) return { t: 'b', body: Buffer.from(value) };
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (cause) {
    throw new WarmpathError('ERR_VALUE', 'the value cannot be stored: it is circular or holds what JSON cannot carry', {
      cause,
    });
  }
  if (json === undefined)
    throw new WarmpathError('ERR_VALUE', 'the value cannot be stored: functions and symbols have no stored form');
  return { t: 'j', body: Buffer.from(json) };
}
