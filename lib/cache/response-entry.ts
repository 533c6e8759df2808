import etag from 'etag';
import type { StoredEntry } from '../store/stored-entry.js';
import { compressed, decoded, isCompressible } from './body-coding.js';
import type { CacheCore } from './cache-core.js';
import type { ContentCoding } from './http/content-coding.js';
import type { Freshness } from './http/freshness.js';
import { fieldValue, type HeaderFields } from './http/header-fields.js';
import { type StoredField, storableFields } from './http/stored-fields.js';
import type { CachePolicy } from './http/targeted.js';
import { parseVary } from './http/vary.js';
import type { ResponseMeta } from './stored-response.js';

/** A complete response on its way into the store. */
export interface CompleteResponse {
  readonly status: number;
  readonly fields: HeaderFields;
  readonly body: Buffer;
  readonly policy: CachePolicy;
  readonly freshness: Freshness;
  readonly groups: readonly string[];
  /** When its head was written, on the store's line of time. */
  readonly receivedAt: number;
}

const DAY_MS = 86_400_000;
const MIN_REVALIDATION_MS = 60_000;
const CODINGS: readonly string[] = ['gzip', 'br'];

/** The coding of a captured body: one we can undo when the response says it was chosen by `Accept-Encoding`, else `opaque`. */
export function capturedCoding(fields: HeaderFields, policy: CachePolicy): ContentCoding | 'opaque' {
  const coding = fieldValue(fields, 'content-encoding')?.trim().toLowerCase();
  if (coding === undefined || coding === '' || coding === 'identity') return 'identity';
  const negotiated = parseVary(fields).names.includes('accept-encoding') && !policy.directives.noTransform;
  return negotiated && CODINGS.includes(coding) ? (coding as ContentCoding) : 'opaque';
}

/** The entry of a response, uncompressed unless it came so. `undefined`: the bytes are not what their label says. */
export async function responseEntry(core: CacheCore, response: CompleteResponse): Promise<StoredEntry | undefined> {
  const coding = capturedCoding(response.fields, response.policy);
  if (coding === 'identity' || coding === 'opaque') return plainEntry(core, response, coding);
  const identity = await decoded(response.body, coding, core.config.maxEntryBytes);
  return identity && entryOf(core, response, coding, response.body, identity.length, etag(identity, { weak: true }));
}

/** As {@link responseEntry}, at once, for a body that is stored as it came. */
export function plainEntry(core: CacheCore, response: CompleteResponse, coding: 'identity' | 'opaque'): StoredEntry {
  return entryOf(core, response, coding, response.body, response.body.length, etag(response.body, { weak: true }));
}

/** The same entry with its body compressed; `undefined` when that is not wanted or does not pay. */
export async function compressedEntry(entry: StoredEntry): Promise<StoredEntry | undefined> {
  const meta = entry.meta as ResponseMeta;
  const body = await compressed(entry.body);
  const { kind, groups, storedAt, retainUntil } = entry;
  return body && { kind, groups, storedAt, retainUntil, body, meta: { ...meta, c: 'gzip' satisfies ContentCoding } };
}

/** Whether an entry is to be compressed before it is kept for long. */
export function isWorthCompressing(core: CacheCore, entry: StoredEntry, policy: CachePolicy): boolean {
  const { c, f } = entry.meta as ResponseMeta;
  if (c !== 'identity' || entry.body.length <= core.config.compressOver || policy.directives.noTransform) return false;
  const type = f.find(([name]) => name === 'content-type')?.[1];
  return isCompressible(typeof type === 'string' ? type : undefined);
}

/** The entry a 304 of the handler makes of a stored one: other fields and lifetime, same bytes (RFC 9111 §3.2). */
export function freshenedEntry(
  core: CacheCore,
  stored: StoredEntry,
  fields: readonly StoredField[],
  freshness: Freshness,
  receivedAt: number,
): StoredEntry {
  const meta: ResponseMeta = { ...(stored.meta as ResponseMeta), ...lifetimes(core, freshness), f: fields };
  const { kind, body, groups } = stored;
  return { kind, body, groups, meta, storedAt: receivedAt, retainUntil: retention(meta, receivedAt) };
}

function entryOf(
  core: CacheCore,
  response: CompleteResponse,
  coding: ContentCoding | 'opaque',
  body: Buffer,
  identityLength: number,
  generatedTag: string,
): StoredEntry {
  const omitted = coding === 'opaque' ? OURS : OURS_AND_CODING;
  const fields = storableFields(response.fields, [...omitted, ...response.policy.directives.noCacheFields]);
  if (!fields.some(([name]) => name === 'date')) fields.push(['date', new Date(core.clock.wallNow()).toUTCString()]);
  const generates = response.status === 200 && !fields.some(([name]) => name === 'etag');
  if (generates) fields.push(['etag', generatedTag]);
  const meta: ResponseMeta = {
    s: response.status,
    f: fields,
    ...lifetimes(core, response.freshness),
    c: coding,
    n: identityLength,
    g: generates ? 1 : 0,
    p: sharesAuthorized(response.policy) ? 1 : 0,
  };
  const { receivedAt, groups } = response;
  return { kind: 'response', meta, body, groups, storedAt: receivedAt, retainUntil: retention(meta, receivedAt) };
}

function sharesAuthorized({ directives }: CachePolicy): boolean {
  return directives.public || directives.mustRevalidate || directives.sMaxAgeSeconds !== undefined; // RFC 9111 §3.5
}

// What this cache says of an answer is said anew each time.
const OURS = ['cache-status', 'x-cache'];
const OURS_AND_CODING = [...OURS, 'content-encoding'];

function lifetimes(core: CacheCore, freshness: Freshness): Pick<ResponseMeta, 'l' | 'a' | 'w' | 'e' | 'm'> {
  const { lifetimeMs, initialAgeMs, staleWhileRevalidateMs, staleIfErrorMs, mustRevalidate } = freshness;
  // Only what is left can expire together with others.
  const left = Math.max(0, lifetimeMs - initialAgeMs);
  const shortened = lifetimeMs - left * core.config.jitter * Math.random();
  return { l: shortened, a: initialAgeMs, w: staleWhileRevalidateMs, e: staleIfErrorMs, m: mustRevalidate ? 1 : 0 };
}

// Retention outlives freshness so that a stale entry can still be revalidated or stand in for an error.
function retention(meta: ResponseMeta, receivedAt: number): number {
  const freshMs = Math.max(0, meta.l - meta.a);
  const validated = meta.f.some(([name]) => name === 'etag' || name === 'last-modified');
  const revalidationMs = validated ? Math.min(DAY_MS, Math.max(MIN_REVALIDATION_MS, freshMs)) : 0;
  return receivedAt + freshMs + Math.max(meta.w, meta.e, revalidationMs);
}
