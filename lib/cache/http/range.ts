import { fieldLines, type HeaderFields } from './header-fields.js';

/** A part of a body, both ends included. */
export interface ByteRange {
  readonly kind: 'range';
  readonly start: number;
  readonly end: number;
  /** Value of `Content-Range`. */
  readonly contentRange: string;
}

/** A range that lies outside of the body: the answer is 416 (RFC 9110 §15.5.17). */
export interface UnsatisfiableRange {
  readonly kind: 'unsatisfiable';
  /** Value of `Content-Range` of the 416. */
  readonly contentRange: string;
}

const SINGLE_RANGE = /^bytes=(\d*)-(\d*)$/i;

/**
 * The part of a body of `length` bytes that a request asks for (RFC 9110 §14.1.2). `undefined` means that the field is
 * absent or ignored, as a server may (§14.2): another unit, several ranges, or no range at all; the answer is the whole.
 */
export function requestedRange(request: HeaderFields, length: number): ByteRange | UnsatisfiableRange | undefined {
  const lines = fieldLines(request, 'range');
  return lines.length === 1 ? parseRange(lines[0] ?? '', length) : undefined;
}

/** As {@link requestedRange}, from the field's value. Never throws. */
export function parseRange(value: string, length: number): ByteRange | UnsatisfiableRange | undefined {
  const match = SINGLE_RANGE.exec(value.trim());
  if (!match) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '') return last === '' ? undefined : suffix(Number(last), length);
  const start = Number(first);
  const end = last === '' ? length - 1 : Number(last);
  if (last !== '' && end < start) return undefined; // §14.1.1: invalid
  return start < length ? part(start, Math.min(end, length - 1), length) : unsatisfiable(length);
}

function suffix(count: number, length: number): ByteRange | UnsatisfiableRange | undefined {
  if (count === 0) return unsatisfiable(length);
  if (length === 0) return undefined; // satisfiable in name only: no byte to point at
  return part(Math.max(0, length - count), length - 1, length);
}

function part(start: number, end: number, length: number): ByteRange {
  return { kind: 'range', start, end, contentRange: `bytes ${start}-${end}/${length}` };
}

function unsatisfiable(length: number): UnsatisfiableRange {
  return { kind: 'unsatisfiable', contentRange: `bytes */${length}` };
}
