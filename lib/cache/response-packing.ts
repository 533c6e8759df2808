import type { MetaPacking } from '../store/packed-entry.js';
import type { PackedReader, PackedWriter } from '../store/packed-text.js';
import type { StoredEntry } from '../store/stored-entry.js';
import type { StoredField } from './http/stored-fields.js';
import { isResponseMeta, type ResponseMeta, SoundMeta } from './stored-response.js';

// In a shared description a number stands for the value of a field that is the entry's own.
const A_DIGEST = 0; // an entity tag of Express' form: a length and the digest of the body
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
    return new SoundMeta(s, fields, l, a, w, e, m, c, n, g, p);
  },
};

function divideField(field: StoredField, entry: Pick<StoredEntry, 'storedAt'>, own: PackedWriter): SharedField {
  const [name, value] = field;
  if (typeof value !== 'string') return field;
  if (TAGS.has(name)) {
    const digest = digestIn(value);
    if (digest === undefined) own.text(value);
    else own.number(digest.length).text(digest.bytes);
    return [name, digest === undefined ? IN_TEXT : A_DIGEST];
  }
  if (!INSTANTS.has(name)) return field;
  const distance = secondsAfter(entry.storedAt, value);
  if (distance === undefined) return field;
  // Distances are short in both directions, and only what is not negative can be written.
  own.number(distance < 0 ? -distance * 2 - 1 : distance * 2);
  return [name, AN_INSTANT];
}

function uniteField(field: SharedField, own: PackedReader, entry: Pick<StoredEntry, 'storedAt'>): StoredField {
  const [name, from] = field;
  if (from === A_DIGEST) return pair(name, tagOf(own.number(), own.text()));
  if (from === IN_TEXT) return pair(name, own.text());
  if (from !== AN_INSTANT) return field as StoredField;
  const folded = own.number();
  const distance = folded % 2 === 1 ? -(folded + 1) / 2 : folded / 2;
  return pair(name, new Date((secondOf(entry.storedAt) + distance) * 1000).toUTCString());
}

// No literal: see `held-entries.ts`.
function pair(name: string, value: string): StoredField {
  return Array.of(name, value) as unknown as StoredField;
}

interface BodyDigest {
  readonly length: number;
  /** A byte a character. */
  readonly bytes: string;
}

const TAG_BY_DIGEST = /^W\/"([0-9a-f]+)-([A-Za-z0-9+/]{27})"$/;

/** What an entity tag made by `etag` says, in three quarters of its length. Making it anew takes as long as half a hit. */
function digestIn(tag: string): BodyDigest | undefined {
  const [, length = '', digest = ''] = TAG_BY_DIGEST.exec(tag) ?? [];
  const bytes = Buffer.from(digest, 'base64').toString('latin1');
  const said = { length: Number.parseInt(length, 16), bytes };
  return Number.isSafeInteger(said.length) && tagOf(said.length, bytes) === tag ? said : undefined;
}

function tagOf(length: number, bytes: string): string {
  return `W/"${length.toString(16)}-${Buffer.from(bytes, 'latin1').toString('base64').slice(0, 27)}"`;
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
