import { checksum } from './checksum.js';
import type { EntryKind, StoredEntry } from './stored-entry.js';

/** What a stored group looked like when the entry's fence was taken. */
export interface GroupStamp {
  readonly group: string;
  /** Hard version combined with the reign of the server it was read from. */
  readonly hard: Buffer;
  /** Version that a soft invalidation changes. */
  readonly soft: Buffer;
}

/** An entry together with what decides, on every read, whether it still counts. The first stamp is the namespace's. */
export interface FramedEntry {
  readonly entry: StoredEntry;
  readonly label: string;
  readonly stamps: readonly GroupStamp[];
  /** How many prefix invalidations the namespace had seen. */
  readonly prefixSequence: number;
}

/** Why bytes read from a store are not an entry. `foreign-version` is another release's and is left alone. */
export type FrameFault = 'not-a-frame' | 'foreign-version' | 'truncated' | 'checksum' | 'other-key' | 'malformed';

/** An entry read from bytes, or why they are none. */
export type DecodedFrame =
  | { readonly ok: true; readonly framed: FramedEntry }
  | { readonly ok: false; readonly fault: FrameFault };

// Frame: magic 2, version 1, kind 1, checksum 4, length 4, key digest 16, storedAt 8, retainUntil 8, prefixSequence 8,
// label length 2, group count 2, meta length 4, body length 4; then label, groups, meta, body. Integers big-endian.
const MAGIC = 0x5750;
const FORMAT_VERSION = 1;
const HEADER_BYTES = 64;
const STAMP_BYTES = 24;
const KINDS: readonly EntryKind[] = ['response', 'value', 'variants'];
const CHECKED_FROM = 8;

/** The frame of an entry: self-describing and checked as a whole. `keyDigest` (16 bytes) ties it to its key, so a copy under another key is refused. */
export function encodeFrame(framed: FramedEntry, keyDigest: Buffer): Buffer {
  const { entry, stamps } = framed;
  const label = Buffer.from(framed.label.slice(0, 8192));
  const meta = Buffer.from(JSON.stringify(entry.meta ?? null));
  const names = stamps.map((stamp) => Buffer.from(stamp.group));
  const groupBytes = names.reduce((sum, name) => sum + 2 + name.length + STAMP_BYTES, 0);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + label.length + groupBytes + meta.length + entry.body.length);
  frame.writeUInt16BE(MAGIC, 0);
  frame.writeUInt8(FORMAT_VERSION, 2);
  frame.writeUInt8(KINDS.indexOf(entry.kind), 3);
  frame.writeUInt32BE(frame.length, 8);
  keyDigest.copy(frame, 12, 0, 16);
  frame.writeDoubleBE(entry.storedAt, 28);
  frame.writeDoubleBE(entry.retainUntil, 36);
  frame.writeDoubleBE(framed.prefixSequence, 44);
  frame.writeUInt16BE(label.length, 52);
  frame.writeUInt16BE(stamps.length, 54);
  frame.writeUInt32BE(meta.length, 56);
  frame.writeUInt32BE(entry.body.length, 60);
  let at = HEADER_BYTES;
  at += label.copy(frame, at);
  for (const [index, stamp] of stamps.entries()) {
    const name = names[index] as Buffer;
    at = frame.writeUInt16BE(name.length, at);
    at += name.copy(frame, at);
    at += stamp.hard.copy(frame, at, 0, 16);
    at += stamp.soft.copy(frame, at, 0, 8);
  }
  at += meta.copy(frame, at);
  entry.body.copy(frame, at);
  frame.writeUInt32BE(frameChecksum(frame), 4);
  return frame;
}

/** The entry in a frame, or why it is none. Never throws: what comes from Redis is untrusted input. */
export function decodeFrame(frame: Buffer, keyDigest: Buffer): DecodedFrame {
  if (frame.length < 3 || frame.readUInt16BE(0) !== MAGIC) return fault('not-a-frame');
  if (frame.readUInt8(2) !== FORMAT_VERSION) return fault('foreign-version');
  if (frame.length < HEADER_BYTES || frame.readUInt32BE(8) !== frame.length) return fault('truncated');
  if (frame.readUInt32BE(4) !== frameChecksum(frame)) return fault('checksum');
  if (frame.compare(keyDigest, 0, 16, 12, 28) !== 0) return fault('other-key');
  try {
    return readChecked(frame);
  } catch {
    // Only bytes that pass the checksum and yet contradict themselves come here: written on purpose, so not an entry.
    return fault('malformed');
  }
}

// The kind stands before the checksum, so it is folded into it.
function frameChecksum(frame: Buffer): number {
  return (checksum(frame, CHECKED_FROM) ^ (frame.readUInt8(3) * 0x01010101)) >>> 0;
}

function readChecked(frame: Buffer): DecodedFrame {
  const kind = KINDS[frame.readUInt8(3)];
  const labelEnd = HEADER_BYTES + frame.readUInt16BE(52);
  const stamps: GroupStamp[] = [];
  let at = labelEnd;
  for (let count = frame.readUInt16BE(54); count > 0; count--) {
    const nameEnd = at + 2 + frame.readUInt16BE(at);
    const group = frame.toString('utf8', at + 2, nameEnd);
    stamps.push({
      group,
      hard: frame.subarray(nameEnd, nameEnd + 16),
      soft: frame.subarray(nameEnd + 16, nameEnd + 24),
    });
    at = nameEnd + STAMP_BYTES;
  }
  const metaEnd = at + frame.readUInt32BE(56);
  const storedAt = frame.readDoubleBE(28);
  const retainUntil = frame.readDoubleBE(36);
  const sane = kind !== undefined && metaEnd + frame.readUInt32BE(60) === frame.length;
  if (!sane || !Number.isFinite(storedAt) || !Number.isFinite(retainUntil)) return fault('malformed');
  const entry: StoredEntry = {
    kind,
    meta: JSON.parse(frame.toString('utf8', at, metaEnd)),
    body: frame.subarray(metaEnd),
    groups: stamps.slice(1).map((stamp) => stamp.group),
    storedAt,
    retainUntil,
  };
  const label = frame.toString('utf8', HEADER_BYTES, labelEnd);
  return { ok: true, framed: { entry, label, stamps, prefixSequence: frame.readDoubleBE(44) } };
}

function fault(reason: FrameFault): DecodedFrame {
  return { ok: false, fault: reason };
}
