import type { ServerResponse } from 'node:http';
import etag from 'etag';

/** What `cacheHeaders` does about `ETag`; `undefined` leaves it to Express. */
export type EntityTagMode = 'weak' | 'strong' | false | undefined;

// The form in which Express' `res.send` (the `etag` package) tags a body: its length and a digest.
const GENERATED = /^W\/"[0-9a-f]+-[A-Za-z0-9+/]{27}"$/;

/** Gives a body that is sent in one piece an entity tag, unless it has one. */
export function tagSingleBody(res: ServerResponse, isTaggable: () => boolean): void {
  const below = res.end as (...args: unknown[]) => ServerResponse;
  res.end = function end(this: ServerResponse, ...args: unknown[]): ServerResponse {
    const body = res.headersSent || !isTaggable() ? undefined : bytesOf(args[0], args[1]);
    if (body !== undefined && !res.hasHeader('etag')) res.setHeader('ETag', etag(body, { weak: true }));
    return below.apply(res, args);
  } as ServerResponse['end'];
}

/** Turns a tag that was generated from the body into what `mode` asks for; a tag of the handler's own stays. */
export function settleEntityTag(res: ServerResponse, mode: EntityTagMode): void {
  if (mode !== 'strong' && mode !== false) return;
  const tag = res.getHeader('etag');
  if (typeof tag !== 'string' || !GENERATED.test(tag)) return;
  if (mode === false) res.removeHeader('etag');
  else if (!mayBeRecoded(res)) res.setHeader('ETag', tag.slice(2));
}

/**
 * Whether somebody below may still compress the body, after which a strong tag of the plain bytes would be wrong
 * (RFC 9110 §8.8.1). `compression()` gives the response a `flush` method, and respects `no-transform`.
 */
function mayBeRecoded(res: ServerResponse): boolean {
  const { flush } = res as ServerResponse & { flush?: unknown };
  return typeof flush === 'function' && !/\bno-transform\b/i.test(String(res.getHeader('cache-control') ?? ''));
}

function bytesOf(chunk: unknown, encoding: unknown): Buffer | undefined {
  if (typeof chunk === 'string') {
    return Buffer.from(chunk, Buffer.isEncoding(String(encoding)) ? (encoding as BufferEncoding) : 'utf8');
  }
  if (!(chunk instanceof Uint8Array)) return undefined;
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
