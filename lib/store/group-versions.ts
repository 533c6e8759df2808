import { randomBytes } from 'node:crypto';
import type { GroupStamp } from './entry-frame.js';

/** The name under which the namespace's own version goes among those of groups, which all have one. */
export const NAMESPACE = '';

/**
 * A version record in Redis: 16 random bytes that a hard invalidation replaces, 8 random bytes that a soft one
 * replaces, and the instant of the last soft one. The namespace's record goes on with a token that every invalidation
 * changes and the number of prefix invalidations. Random and never reused, so a lost record can only mean "invalid".
 */
export const VERSION_BYTES = 32;
/** Bytes of the record of a whole namespace. */
export const NAMESPACE_BYTES = 48;
const HARD_BYTES = 16;

/** A version record as read, with the reign of the server it came from. */
export interface GroupVersion {
  readonly record: Buffer;
  readonly reign: Buffer;
}

/** A new version record: nothing stored before it relies on it. */
export function newVersionRecord(): Buffer {
  const record = Buffer.alloc(VERSION_BYTES);
  randomBytes(HARD_BYTES + 8).copy(record);
  return record;
}

/** A new namespace record. `prefixSequence` starts at zero: no entry can be older. */
export function newNamespaceRecord(): Buffer {
  const record = Buffer.alloc(NAMESPACE_BYTES);
  newVersionRecord().copy(record);
  randomBytes(8).copy(record, 32);
  return record;
}

/** Whether bytes read from Redis have the length of a version record. */
export function isVersionRecord(record: Buffer | null | undefined, bytes: number): record is Buffer {
  return record !== null && record !== undefined && record.length === bytes;
}

/** What an entry keeps of a version. The reign is folded in, so a server that went back in time revives nothing. */
export function stampOf(group: string, version: GroupVersion): GroupStamp {
  const hard = Buffer.allocUnsafe(HARD_BYTES);
  for (let i = 0; i < HARD_BYTES; i++) hard[i] = (version.record[i] as number) ^ (version.reign[i] as number);
  return { group, hard, soft: Buffer.from(version.record.subarray(16, 24)) };
}

/** Whether the hard version an entry relies on is still the current one, on the same server. */
export function isCurrent(stamp: GroupStamp, version: GroupVersion): boolean {
  for (let i = 0; i < HARD_BYTES; i++) {
    if (((version.record[i] as number) ^ (version.reign[i] as number)) !== stamp.hard[i]) return false;
  }
  return true;
}

/** When the group was softly invalidated after the stamp was taken, or `undefined`. */
export function softenedAt(stamp: GroupStamp, version: GroupVersion): number | undefined {
  if (version.record.compare(stamp.soft, 0, 8, 16, 24) === 0) return undefined;
  return version.record.readDoubleBE(24);
}

/** Changes with every invalidation in the namespace. */
export function namespaceToken(version: GroupVersion): Buffer {
  return version.record.subarray(32, 40);
}

/** How many prefixes had been invalidated when the namespace's record was written. */
export function prefixSequenceOf(version: GroupVersion): number {
  return version.record.readDoubleBE(40);
}
