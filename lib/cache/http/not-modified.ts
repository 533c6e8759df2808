import { parseEntityTag } from './entity-tags.js';
import { fieldValue, type HeaderFields, hasField, listMembers } from './header-fields.js';
import { parseHttpDate } from './http-date.js';
import { type StoredField, storableFields } from './stored-fields.js';

const IN_NOT_MODIFIED: ReadonlySet<string> = new Set([
  'cache-control',
  'cdn-cache-control',
  'content-location',
  'date',
  'etag',
  'expires',
  'timing-allow-origin',
  'vary',
]);

/**
 * The stored fields that a 304 to a client carries (RFC 9110 §15.4.5): what guides caches, and what lets a browser show
 * the answer to a script at all (CORS). `Last-Modified` only stands in for a missing `ETag`.
 */
export function notModifiedFields(stored: readonly StoredField[]): StoredField[] {
  const hasEtag = stored.some(([name]) => name === 'etag');
  return stored.filter(
    ([name]) =>
      IN_NOT_MODIFIED.has(name) || name.startsWith('access-control-') || (name === 'last-modified' && !hasEtag),
  );
}

// RFC 9111 §3.2: they describe the stored bytes, which a 304 leaves as they are.
const NEVER_UPDATED: ReadonlySet<string> = new Set([
  'content-digest',
  'content-encoding',
  'content-length',
  'content-md5',
  'content-range',
  'etag',
]);

/**
 * The stored fields freshened by those of a 304 (RFC 9111 §3.2): replaced by name, added when new. `Vary` only grows: a
 * 304 is made without a body, so what depends on the body (its coding) may not have named its fields.
 */
export function updateStoredFields(stored: readonly StoredField[], notModified: HeaderFields): StoredField[] {
  const updates = new Map<string, StoredField>();
  for (const field of storableFields(notModified)) {
    if (!NEVER_UPDATED.has(field[0])) updates.set(field[0], field);
  }
  const kept = stored.map((field) => {
    const update = updates.get(field[0]);
    updates.delete(field[0]);
    if (update === undefined) return field;
    return field[0] === 'vary' ? unitedVary(field, update) : update;
  });
  return [...kept, ...updates.values()];
}

function unitedVary([, before]: StoredField, [name, now]: StoredField): StoredField {
  const names = new Map<string, string>();
  for (const member of listMembers(`${before},${now}`))
    if (!names.has(member.toLowerCase())) names.set(member.toLowerCase(), member);
  return [name, [...names.values()].join(', ')];
}

/**
 * Whether a handler's 304 is about the stored response (RFC 9111 §4.3.4). Asked with one entity tag and nothing else, a
 * 304 says that this tag is current, whatever the 304 calls itself. Asked with a date as well, it may go by the date
 * alone, which does not tell two versions of one second apart: then another tag or date in it means another response.
 */
export function selectsStored(stored: HeaderFields, notModified: HeaderFields): boolean {
  const ownTag = parseEntityTag(fieldValue(stored, 'etag'));
  const ownDate = dateOf(stored);
  if (ownDate === undefined) return ownTag !== undefined; // with neither, it had nothing to be asked with
  const theirTag = parseEntityTag(fieldValue(notModified, 'etag'));
  if (ownTag && theirTag) return ownTag.opaque === theirTag.opaque;
  return !hasField(notModified, 'last-modified') || dateOf(notModified) === ownDate;
}

function dateOf(headers: HeaderFields): number | undefined {
  const text = fieldValue(headers, 'last-modified');
  return text === undefined ? undefined : parseHttpDate(text);
}
