import type { ServerResponse } from 'node:http';
import { fieldValue, type HeaderFields } from '../cache/http/header-fields.js';
import { evaluatePreconditions } from '../cache/http/validators.js';
import { setFields } from './set-fields.js';

/** Adds fields to a response whose head is about to be written with this status. */
export type HeadWriter = (status: number) => void;

const waiting = new WeakMap<ServerResponse, HeadWriter[]>();

/**
 * Runs `writer` once, at the last moment at which fields can be set. `conditions` are the request fields a 304 is
 * decided by, as they were when the caller was mounted over the handler: a cache in between may hide them later.
 */
export function beforeHead(res: ServerResponse, conditions: HeaderFields | undefined, writer: HeadWriter): void {
  const writers = waiting.get(res);
  if (writers) writers.push(writer);
  else waiting.set(res, [writer]);

  const below = res.writeHead as (this: ServerResponse, status: number, reason?: string) => ServerResponse;
  res.writeHead = function writeHead(this: ServerResponse, ...args: unknown[]): ServerResponse {
    const [status, reasonOrFields, fields] = args as [number, unknown, unknown];
    if (res.headersSent || status < 200) return below.apply(res, args as never);
    const reason = typeof reasonOrFields === 'string' ? reasonOrFields : undefined;
    setFields(res, reason === undefined ? (reasonOrFields ?? fields) : fields);
    runHeadWriters(res, status);
    if (conditions === undefined || !isNotModified(res, status, conditions)) return below.call(res, status, reason);
    for (const name of DESCRIBES_A_BODY) res.removeHeader(name);
    res.statusCode = 304;
    return below.call(res, 304); // what the handler goes on to write is dropped by Node: a 304 has no body
  } as ServerResponse['writeHead'];
}

/**
 * Runs what waits for this head, innermost first, so that the middleware nearest to the handler decides. For those who
 * look at a head before it gets here: a capture mounted between the handler and `cacheHeaders` calls it first.
 */
export function runHeadWriters(res: ServerResponse, status: number): void {
  const writers = waiting.get(res);
  if (!writers) return;
  waiting.delete(res);
  for (const writer of writers.reverse()) writer(status);
}

const DESCRIBES_A_BODY = ['content-type', 'content-length', 'content-encoding', 'content-range', 'transfer-encoding'];

/** RFC 9110 §13.2.2, for a response that is just being made. */
function isNotModified(res: ServerResponse, status: number, conditions: HeaderFields): boolean {
  if (status !== 200) return false;
  const fields = res.getHeaders() as HeaderFields;
  const etag = fieldValue(fields, 'etag');
  const lastModified = fieldValue(fields, 'last-modified');
  if (etag === undefined && lastModified === undefined) return false;
  return evaluatePreconditions(conditions, { status, etag, lastModified, receivedAt: Date.now() }) === 'not-modified';
}
