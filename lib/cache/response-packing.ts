import etag from 'etag';
import type { MetaPacking } from '../store/packed-entry.js';
import type { PackedReader, PackedWriter } from '../store/packed-text.js';
import type { StoredEntry } from '../store/stored-entry.js';
import type { StoredField } from './http/stored-fields.js';
import { isResponseMeta, type ResponseMeta } from './stored-response.js';

// In a shared description a number stands for the value of a field that is the entry's own.
const FROM_BODY = 0; // an entity tag that the body yields again
const IN_TEXT = 1;
const AN_INSTANT = 2; // seconds after the entry was stored

type SharedField = StoredField | readonly [name: string, from: number];
type SharedMeta = Omit<ResponseMeta, 'f' | 'l' | 'n'> & { readonly f: readonly SharedField[] };

// These differ from entry to entry where everything else of a route's responses is alike.
const TAGS = new Set(['etag']);
const INSTANTS = new Set(['date', 'last-modified', 'expires']);

/**
 * How responses are packed: what all answers of a route have in common is kept once, and of the rest what cannot be
 * recomputed. Lifetimes lose fractions of a millisecond.
 */
export const responsePacking: MetaPacking = {
  divide(entry, own) {
    if (entry.kind !== 'response' || !isResponseMeta(entry.meta)) return undefined;
    // Written out: taking the rest of an object makes a slow copy of it.
    const { s, f, l, a, w, e, m, c, n, g, p } = entry.meta;
    own.number(Math.floor(l)).number(n);
    const fields = f.map((field) => divideField(field, entry, own));
    return JSON.stringify({ s, f: fields, a, w, e, m, c, g, p } satisfies SharedMeta);
  },
  unite(shared, own, entry) {
    const { s, f, a, w, e, m, c, g, p } = shared as SharedMeta;
    const l = own.number();
    const n = own.number();
    const fields = f.map((field) => uniteField(field, own, entry));
    return { s, f: fields, l, a, w, e, m, c, n, g, p } satisfies ResponseMeta;
  },
};

function divideField(field: StoredField, entry: StoredEntry, own: PackedWriter): SharedField {
  const [name, value] = field;
  if (typeof value !== 'string') return field;
  if (TAGS.has(name)) {
    if (value === etag(entry.body, { weak: true })) return [name, FROM_BODY];
    own.text(value);
    return [name, IN_TEXT];
  }
  if (!INSTANTS.has(name)) return field;
  const distance = secondsAfter(entry.storedAt, value);
  if (distance === undefined) return field;
  // Distances are short in both directions, and only what is not negative can be written.
  own.number(distance < 0 ? -distance * 2 - 1 : distance * 2);
  return [name, AN_INSTANT];
}

function uniteField(field: SharedField, own: PackedReader, entry: Pick<StoredEntry, 'storedAt' | 'body'>): StoredField {
  const [name, from] = field;
  if (from === FROM_BODY) return [name, etag(entry.body, { weak: true })];
  if (from === IN_TEXT) return [name, own.text()];
  if (from !== AN_INSTANT) return field as StoredField;
  const folded = own.number();
  const distance = folded % 2 === 1 ? -(folded + 1) / 2 : folded / 2;
  return [name, new Date((secondOf(entry.storedAt) + distance) * 1000).toUTCString()];
}

function secondOf(instant: number): number {
  return Math.floor(instant / 1000);
}

/** `undefined` when the value is no date in the form in which dates are sent: then it is kept as it is. */
function secondsAfter(storedAt: number, value: string): number | undefined {
  const instant = Date.parse(value);
  if (Number.isNaN(instant) || new Date(instant).toUTCString() !== value) return undefined;
  return instant / 1000 - secondOf(storedAt);
}
