import type { ServerResponse } from 'node:http';
import type { CacheCore } from '../cache/cache-core.js';
import { appendMember } from '../cache/http/cache-status.js';
import { type ContentCoding, negotiateCoding } from '../cache/http/content-coding.js';
import { fieldValue, type HeaderFields } from '../cache/http/header-fields.js';
import { notModifiedFields } from '../cache/http/not-modified.js';
import { requestedRange } from '../cache/http/range.js';
import type { StoredField } from '../cache/http/stored-fields.js';
import { evaluatePreconditions, ifRangeHolds, type StoredValidators } from '../cache/http/validators.js';
import type { StoredResponse } from '../cache/stored-response.js';
import { type Maybe, whenReady } from '../store/stored-entry.js';

/** How a stored response is to be sent. */
export interface Delivery {
  readonly core: CacheCore;
  readonly response: StoredResponse;
  readonly requestFields: HeaderFields;
  readonly isHead: boolean;
  readonly now: number;
  /** `hit`, `stale` or `miss`, for the field named by `statusHeader`. */
  readonly word: string;
  readonly statusHeader: string | undefined;
  /** This cache's member of `Cache-Status`. */
  readonly member: string;
}

/** One coding of a stored response, with the fields that go with it. */
interface Representation {
  readonly coding: ContentCoding | 'opaque';
  readonly fields: readonly StoredField[];
  readonly etag: string | undefined;
}

const CODED_FIRST: readonly ContentCoding[] = ['gzip', 'identity'];
const BROTLI_FIRST: readonly ContentCoding[] = ['br', 'identity'];

/** Sends a stored response: whole, a range of it, or `304`. Synchronous unless its body has to be decoded. `false`: it cannot be sent. */
export function deliver(res: ServerResponse, delivery: Delivery): Maybe<boolean> {
  const { response, requestFields } = delivery;
  const representation = representationFor(response, requestFields);
  if (isConditional(requestFields) && isNotModified(response, representation, requestFields)) {
    sendNotModified(res, delivery, representation);
    return true;
  }
  const body = representation.coding === 'identity' ? delivery.core.decodedBodies.of(response) : response.body;
  return whenReady(body, (bytes) => {
    if (bytes === undefined) return false;
    sendBody(res, delivery, representation, bytes);
    return true;
  });
}

// What the client accepts decides; one that refuses everything gets the body without coding, as from most servers.
function representationFor(response: StoredResponse, fields: HeaderFields): Representation {
  if (response.coding === 'identity' || response.coding === 'opaque') return representation(response, response.coding);
  const accepted = negotiateCoding(
    fieldValue(fields, 'accept-encoding'),
    response.coding === 'br' ? BROTLI_FIRST : CODED_FIRST,
  );
  return representation(response, accepted === response.coding ? response.coding : 'identity');
}

function representation(response: StoredResponse, coding: ContentCoding | 'opaque'): Representation {
  const known = response.blocks.get(coding) as Representation | undefined;
  if (known !== undefined) return known;
  const made = makeRepresentation(response, coding);
  response.blocks.set(coding, made);
  return made;
}

function makeRepresentation(response: StoredResponse, coding: ContentCoding | 'opaque'): Representation {
  const isCoded = coding !== 'identity' && coding !== 'opaque';
  const hasChoice = response.coding !== 'identity' && response.coding !== 'opaque';
  const etag = isCoded ? codedTag(response.etag, coding) : response.etag;
  const fields = response.fields.map(
    (field): StoredField => (field[0] === 'etag' && etag !== undefined ? ['etag', etag] : field),
  );
  if (isCoded) fields.push(['content-encoding', coding]);
  return { coding, fields: hasChoice ? withVary(fields, 'Accept-Encoding') : fields, etag };
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

function isConditional(fields: HeaderFields): boolean {
  return fields['if-none-match'] !== undefined || fields['if-modified-since'] !== undefined;
}

function isNotModified(response: StoredResponse, chosen: Representation, fields: HeaderFields): boolean {
  if (evaluatePreconditions(fields, validatorsOf(response, chosen.etag)) === 'not-modified') return true;
  // A client may hold another coding of the same representation; what it has is as good.
  return (
    chosen.etag !== response.etag &&
    evaluatePreconditions(fields, validatorsOf(response, response.etag)) === 'not-modified'
  );
}

function validatorsOf(response: StoredResponse, etag: string | undefined): StoredValidators {
  const { status, lastModified, date, storedAt } = response;
  return { status, etag, lastModified, date, receivedAt: storedAt };
}

function sendNotModified(res: ServerResponse, delivery: Delivery, chosen: Representation): void {
  res.statusCode = 304;
  setFields(res, notModifiedFields(chosen.fields), delivery);
  res.end();
}

function sendBody(res: ServerResponse, delivery: Delivery, chosen: Representation, body: Buffer): void {
  const { response, requestFields, isHead } = delivery;
  res.statusCode = response.status;
  setFields(res, chosen.fields, delivery);
  const range =
    requestFields.range !== undefined && !isHead && response.status === 200
      ? rangeOf(response, chosen, requestFields, body)
      : undefined;
  if (range === undefined) {
    res.setHeader('Content-Length', body.length);
    if (isHead) res.end();
    else res.end(body);
    return;
  }
  res.setHeader('Content-Range', range.contentRange);
  if (range.kind === 'unsatisfiable') {
    // RFC 9110 §15.5.17: the fields of the representation do not describe this answer.
    for (const name of ['Content-Type', 'Content-Encoding', 'ETag', 'Last-Modified', 'Cache-Control'])
      res.removeHeader(name);
    res.statusCode = 416;
    res.setHeader('Content-Length', 0);
    res.end();
    return;
  }
  res.statusCode = 206;
  res.setHeader('Content-Length', range.end - range.start + 1);
  res.end(body.subarray(range.start, range.end + 1));
}

function rangeOf(
  response: StoredResponse,
  chosen: Representation,
  fields: HeaderFields,
  body: Buffer,
): ReturnType<typeof requestedRange> {
  if (!ifRangeHolds(fields, validatorsOf(response, chosen.etag))) return undefined;
  return requestedRange(fields, body.length);
}

function setFields(res: ServerResponse, fields: readonly StoredField[], delivery: Delivery): void {
  for (const [name, value] of fields) {
    if (name === 'vary' && res.hasHeader('vary')) res.setHeader('vary', mergedVary(res.getHeader('vary'), value));
    else if (name === 'cache-status') continue;
    else res.setHeader(name, value as string);
  }
  res.setHeader('Age', delivery.response.ageSeconds(delivery.now));
  res.setHeader(
    'Cache-Status',
    res.hasHeader('cache-status') ? appendMember(res.getHeader('cache-status'), delivery.member) : delivery.member,
  );
  if (delivery.statusHeader !== undefined) res.setHeader(delivery.statusHeader, delivery.word);
}

// Fields that middlewares outside set for this request stay; those of the stored response join them.
function mergedVary(
  outer: number | string | readonly string[] | undefined,
  stored: string | readonly string[],
): string {
  const names = `${String(outer)}, ${String(stored)}`.split(',').map((name) => name.trim());
  const seen = new Set<string>();
  return names
    .filter((name) => name !== '' && !seen.has(name.toLowerCase()) && seen.add(name.toLowerCase()))
    .join(', ');
}
