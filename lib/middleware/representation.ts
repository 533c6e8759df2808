import type { OutgoingHttpHeaders } from 'node:http';
import type { DecodedBodies } from '../cache/body-coding.js';
import { type ContentCoding, negotiateCoding } from '../cache/http/content-coding.js';
import { fieldValue, type HeaderFields } from '../cache/http/header-fields.js';
import type { StoredField } from '../cache/http/stored-fields.js';
import type { StoredResponse } from '../cache/stored-response.js';
import { isPromise } from '../store/stored-entry.js';
import { blockOf, type PreparedHead, prepareFields } from './prepared-head.js';

/** One coding of a stored response, with everything about its head that does not change from hit to hit. */
export interface Representation {
  readonly coding: ContentCoding | 'opaque';
  readonly fields: readonly StoredField[];
  readonly etag: string | undefined;
  /** The fields as an object for `writeHead`, `Content-Length` included, in one order for all. */
  readonly block: OutgoingHttpHeaders;
  /** The same, prepared. */
  readonly head: PreparedHead;
  /** Block and head of a 304 (RFC 9110 §15.4.5); made when first asked for. */
  unchanged: { readonly block: OutgoingHttpHeaders; readonly head: PreparedHead } | undefined;
  readonly varies: boolean;
  /** A small body as text of one byte a character, which leaves together with the head in one write; made when first asked for. */
  text: string | undefined;
}

const CODED_FIRST: readonly ContentCoding[] = ['gzip', 'identity'];
const BROTLI_FIRST: readonly ContentCoding[] = ['br', 'identity'];

/** The form of a stored response that suits a client (RFC 9110 §12.5.3). One that refuses everything gets the body without coding, as from most servers. */
export function representationFor(response: StoredResponse, fields: HeaderFields): Representation {
  const { coding } = response;
  if (coding === 'identity' || coding === 'opaque') return representation(response, coding);
  const accepted = negotiateCoding(fieldValue(fields, 'accept-encoding'), coding === 'br' ? BROTLI_FIRST : CODED_FIRST);
  return representation(response, accepted === coding ? coding : 'identity');
}

/** The body of a form, if it need not be decoded first. */
export function bodyAtHand(
  form: Representation,
  response: StoredResponse,
  decodedBodies: DecodedBodies,
): Buffer | string | undefined {
  if (form.text !== undefined) return form.text;
  if (form.coding !== 'identity') return response.body;
  const body = decodedBodies.of(response);
  return isPromise(body) ? undefined : body;
}

function representation(response: StoredResponse, coding: ContentCoding | 'opaque'): Representation {
  const known = response.forms.get(coding) as Representation | undefined;
  if (known !== undefined) return known;
  const made = makeRepresentation(response, coding);
  response.forms.set(coding, made);
  return made;
}

function makeRepresentation(response: StoredResponse, coding: ContentCoding | 'opaque'): Representation {
  const isCoded = coding !== 'identity' && coding !== 'opaque';
  const hasChoice = response.coding !== 'identity' && response.coding !== 'opaque';
  const etag = isCoded ? codedTag(response.etag, coding) : response.etag;
  const own = response.fields.map(
    (field): StoredField => (field[0] === 'etag' && etag !== undefined ? ['etag', etag] : field),
  );
  if (isCoded) own.push(['content-encoding', coding]);
  const fields = hasChoice ? withVary(own, 'Accept-Encoding') : own;
  const text = coding === response.coding ? response.text : undefined;
  return new StoredForm(coding, fields, isCoded ? response.length : response.identityLength, etag, text);
}

class StoredForm implements Representation {
  readonly varies: boolean;
  readonly head: PreparedHead;
  unchanged: Representation['unchanged'] = undefined;
  #block: OutgoingHttpHeaders | undefined;

  constructor(
    readonly coding: Representation['coding'],
    readonly fields: readonly StoredField[],
    length: number,
    readonly etag: string | undefined,
    public text: string | undefined,
  ) {
    this.varies = fields.some(([name]) => name === 'vary');
    this.head = prepareFields(fields.concat([contentLength(length)]));
  }

  // Most hits never need it.
  get block(): OutgoingHttpHeaders {
    this.#block ??= blockOf(this.head);
    return this.#block;
  }
}

// No literal: see `held-entries.ts`.
function contentLength(bytes: number): StoredField {
  return Array.of('content-length', String(bytes)) as unknown as StoredField;
}

// RFC 9110 §8.8.3.3: a strong tag names the bytes, so each coding has its own.
function codedTag(etag: string | undefined, coding: string): string | undefined {
  return etag?.startsWith('"') && etag.endsWith('"') ? `${etag.slice(0, -1)}-${coding}"` : etag;
}

function withVary(fields: readonly StoredField[], name: string): readonly StoredField[] {
  const index = fields.findIndex(([field]) => field === 'vary');
  if (index === -1) return [...fields, ['vary', name]];
  const value = String((fields[index] as StoredField)[1]);
  if (value.toLowerCase().includes(name.toLowerCase())) return fields;
  return fields.map((field, at): StoredField => (at === index ? ['vary', `${value}, ${name}`] : field));
}
