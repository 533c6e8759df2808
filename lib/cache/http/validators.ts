import { parseEntityTag, parseEntityTagList, stronglyEqual, weaklyEqual } from './entity-tags.js';
import { fieldLines, fieldValue, type HeaderFields, hasField } from './header-fields.js';
import { parseHttpDate } from './http-date.js';

/** What a stored response can be compared by. */
export interface StoredValidators {
  readonly status: number;
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
  readonly date?: string | undefined;
  /** When the response was received, milliseconds; stands in for a missing `Date`. */
  readonly receivedAt: number;
}

/** `'none'`: the request has no condition that a cache evaluates. */
export type PreconditionResult = 'none' | 'not-modified' | 'modified';

/** The request fields that make a request conditional or partial: never shown to a handler that fills the cache. */
export const CONDITIONAL_REQUEST_FIELDS: readonly string[] = Object.freeze([
  'if-none-match',
  'if-modified-since',
  'if-match',
  'if-unmodified-since',
  'if-range',
  'range',
]);

/** Evaluates a GET's or HEAD's conditions against a stored response (RFC 9110 §13.2.2, RFC 9111 §4.3.2). Never throws. */
export function evaluatePreconditions(request: HeaderFields, stored: StoredValidators): PreconditionResult {
  if (stored.status !== 200 && stored.status !== 203) return 'none'; // 304 stands for a 200 (RFC 9110 §15.4.5)
  const ifNoneMatch = fieldValue(request, 'if-none-match');
  if (ifNoneMatch !== undefined) return matchesAny(ifNoneMatch, stored.etag) ? 'not-modified' : 'modified';
  const since = fieldLines(request, 'if-modified-since');
  if (since.length !== 1) return 'none';
  const sinceAt = parseHttpDate(since[0] ?? '', stored.receivedAt);
  if (sinceAt === undefined) return 'none'; // §13.1.3: an invalid date is ignored
  return modifiedAt(stored) <= sinceAt ? 'not-modified' : 'modified';
}

/** Whether the request states conditions that only the origin may evaluate (RFC 9111 §4.3.2): to be forwarded. */
export function hasOriginPreconditions(request: HeaderFields): boolean {
  return hasField(request, 'if-match') || hasField(request, 'if-unmodified-since');
}

/**
 * Whether a range may be cut from the stored response as far as `If-Range` is concerned (RFC 9110 §13.1.5): no such
 * field, the same strong entity tag, or the exact date of a strong `Last-Modified`.
 */
export function ifRangeHolds(request: HeaderFields, stored: StoredValidators): boolean {
  const lines = fieldLines(request, 'if-range');
  if (lines.length === 0) return true;
  const value = lines.length === 1 ? (lines[0] ?? '').trim() : '';
  const asked = parseEntityTag(value);
  if (asked) {
    const own = parseEntityTag(stored.etag);
    return own !== undefined && stronglyEqual(asked, own);
  }
  if (value === '' || value !== stored.lastModified) return false;
  const modified = parseHttpDate(value, stored.receivedAt);
  const sent = dateOrReceipt(stored);
  return modified !== undefined && sent - modified >= 1000; // §8.8.2.2: dates are weak within their own second
}

/**
 * The request fields that validate a stored response with the handler (RFC 9111 §4.3.1): its entity tag and its date,
 * as far as they are well formed; empty = it has no validator.
 */
export function validationFields(stored: StoredValidators): Readonly<Record<string, string>> {
  const fields: Record<string, string> = {};
  if (stored.etag !== undefined && parseEntityTag(stored.etag)) fields['if-none-match'] = stored.etag;
  if (stored.lastModified !== undefined && parseHttpDate(stored.lastModified, stored.receivedAt) !== undefined) {
    fields['if-modified-since'] = stored.lastModified;
  }
  return fields;
}

function matchesAny(list: string, etag: string | undefined): boolean {
  const wanted = parseEntityTagList(list);
  if (wanted === '*') return true; // a representation is stored
  const own = parseEntityTag(etag);
  return own !== undefined && wanted.some((tag) => weaklyEqual(tag, own));
}

/** RFC 9111 §4.3.2: without `Last-Modified`, the date of the response, or of its receipt, is the best that is known. */
function modifiedAt(stored: StoredValidators): number {
  const modified =
    stored.lastModified === undefined ? undefined : parseHttpDate(stored.lastModified, stored.receivedAt);
  return modified ?? dateOrReceipt(stored);
}

function dateOrReceipt(stored: StoredValidators): number {
  const sent = stored.date === undefined ? undefined : parseHttpDate(stored.date, stored.receivedAt);
  return sent ?? stored.receivedAt;
}
