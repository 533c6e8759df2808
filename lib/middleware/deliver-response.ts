import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { CacheCore } from '../cache/cache-core.js';
import { appendMember } from '../cache/http/cache-status.js';
import type { HeaderFields } from '../cache/http/header-fields.js';
import { notModifiedFields } from '../cache/http/not-modified.js';
import { requestedRange } from '../cache/http/range.js';
import { evaluatePreconditions, ifRangeHolds, type StoredValidators } from '../cache/http/validators.js';
import type { StoredResponse } from '../cache/stored-response.js';
import { isPromise, type Maybe } from '../store/stored-entry.js';
import { blockOf, type HeadNews, type PreparedHead, prepareFields } from './prepared-head.js';
import { type Representation, representationFor } from './representation.js';
import { endJoined, sendPrepared } from './whole-answer.js';

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

const NO_FIELDS: HeaderFields = Object.freeze({});

/** Up to this size a body is kept as text too: head and body then leave in one write. */
export const TEXT_LIMIT_BYTES = 8 * 1024;

/** Sends a stored response: whole, a range of it, or `304`. Synchronous unless its body has to be decoded. `false`: it cannot be sent. */
export function deliver(res: ServerResponse, delivery: Delivery): Maybe<boolean> {
  const { response, requestFields, core } = delivery;
  // A part is cut from the bytes an app without this cache would send: not from a coding that is ours.
  const form = representationFor(response, requestFields.range === undefined ? requestFields : NO_FIELDS);
  if (isConditional(requestFields) && isNotModified(response, form, requestFields)) {
    sendNotModified(res, delivery, form);
    return true;
  }
  if (form.text !== undefined && requestFields.range === undefined) return sendText(res, delivery, form, form.text);
  const body = form.coding === 'identity' ? core.decodedBodies.of(response) : response.body;
  if (isPromise(body)) return body.then((bytes) => sendIfThere(res, delivery, form, bytes));
  return sendIfThere(res, delivery, form, body);
}

function sendIfThere(res: ServerResponse, delivery: Delivery, form: Representation, body: Buffer | undefined): boolean {
  if (body === undefined) return false;
  const { requestFields, isHead, response } = delivery;
  if (requestFields.range !== undefined && !isHead && response.status === 200 && sendRange(res, delivery, form, body))
    return true;
  if (body.length <= TEXT_LIMIT_BYTES) {
    form.text = body.toString('latin1');
    return sendText(res, delivery, form, form.text);
  }
  sendWhole(res, delivery, response.status, form, form.varies, isHead ? undefined : body);
  return true;
}

function sendText(res: ServerResponse, delivery: Delivery, form: Representation, text: string): true {
  sendWhole(res, delivery, delivery.response.status, form, form.varies, delivery.isHead ? undefined : text);
  return true;
}

function sendWhole(
  res: ServerResponse,
  delivery: Delivery,
  status: number,
  { block, head }: Pick<Representation, 'block' | 'head'>,
  varies: boolean,
  body: Buffer | string | undefined,
): void {
  const { response, now, member, statusHeader, word } = delivery;
  const news: HeadNews = { age: String(response.ageSeconds(now)), cacheStatus: member, statusHeader, word };
  if (!joinsOuter(res, varies) && sendPrepared(res, status, head, news, body)) return;
  res.writeHead(status, headOf(res, delivery, block, varies));
  endJoined(res, body);
}

function isConditional(fields: HeaderFields): boolean {
  return fields['if-none-match'] !== undefined || fields['if-modified-since'] !== undefined;
}

function isNotModified(response: StoredResponse, form: Representation, fields: HeaderFields): boolean {
  if (evaluatePreconditions(fields, validatorsOf(response, form.etag)) === 'not-modified') return true;
  // A client may hold another coding of the same representation; what it has is as good.
  return (
    form.etag !== response.etag &&
    evaluatePreconditions(fields, validatorsOf(response, response.etag)) === 'not-modified'
  );
}

function validatorsOf(response: StoredResponse, etag: string | undefined): StoredValidators {
  const { status, lastModified, date, storedAt } = response;
  return { status, etag, lastModified, date, receivedAt: storedAt };
}

function sendNotModified(res: ServerResponse, delivery: Delivery, form: Representation): void {
  form.unchanged ??= unchangedHead(form);
  sendWhole(res, delivery, 304, form.unchanged, form.varies, undefined);
}

function unchangedHead({ fields }: Representation): { block: OutgoingHttpHeaders; head: PreparedHead } {
  const head = prepareFields(notModifiedFields(fields));
  return { block: blockOf(head), head };
}

// RFC 9110 §15.5.17: the fields of the representation do not describe a 416.
const OF_THE_REPRESENTATION = ['content-type', 'content-encoding', 'etag', 'last-modified', 'cache-control'];

/** Cuts a range from the stored body (RFC 9110 §14.2). `false` when the whole is to be sent. */
function sendRange(res: ServerResponse, delivery: Delivery, form: Representation, body: Buffer): boolean {
  const { response, requestFields } = delivery;
  if (!ifRangeHolds(requestFields, validatorsOf(response, form.etag))) return false;
  const range = requestedRange(requestFields, body.length);
  if (range === undefined) return false;
  const head = headOf(res, delivery, form.block, form.varies);
  head['content-range'] = range.contentRange;
  if (range.kind === 'unsatisfiable') {
    for (const name of OF_THE_REPRESENTATION) delete head[name];
    res.writeHead(416, { ...head, 'content-length': 0 });
    res.end();
    return true;
  }
  res.writeHead(206, { ...head, 'content-length': range.end - range.start + 1 });
  res.end(body.subarray(range.start, range.end + 1));
  return true;
}

/** The head of this answer: what is stored, and what is said anew each time. Fields set outside for this request stay, and are joined where both matter. */
function headOf(
  res: ServerResponse,
  delivery: Delivery,
  block: OutgoingHttpHeaders,
  varies: boolean,
): OutgoingHttpHeaders {
  const { response, now, member, statusHeader, word } = delivery;
  const head: OutgoingHttpHeaders = { ...block, age: String(response.ageSeconds(now)), 'cache-status': member };
  if (statusHeader !== undefined) head[statusHeader] = word;
  const outer = res.getHeaderNames();
  if (outer.length === 0 || (outer.length === 1 && outer[0] === 'x-powered-by')) return head;
  if (varies && outer.includes('vary')) head.vary = mergedVary(res.getHeader('vary'), block.vary);
  if (outer.includes('cache-status')) head['cache-status'] = appendMember(res.getHeader('cache-status'), member);
  return head;
}

/** Whether somebody further out said something that the stored answer says as well, so that both have to be said. */
export function joinsOuter(res: ServerResponse, varies: boolean): boolean {
  return (varies && res.hasHeader('vary')) || res.hasHeader('cache-status');
}

/** Both fields' names, each once. */
export function mergedVary(outer: unknown, stored: unknown): string {
  const names = `${String(outer)}, ${String(stored)}`.split(',').map((name) => name.trim());
  const seen = new Set<string>();
  return names
    .filter((name) => name !== '' && !seen.has(name.toLowerCase()) && seen.add(name.toLowerCase()))
    .join(', ');
}
