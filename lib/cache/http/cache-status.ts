/** Why a request went on to the handler (RFC 9211 §2.2). */
export type ForwardReason = 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale' | 'partial';

/** A request answered from the cache. */
export interface HitStatus {
  /** Remaining freshness in seconds; negative = served stale (RFC 9211 §2.4). */
  readonly ttl?: number | undefined;
  readonly detail?: string | undefined;
}

/** A request that went on to the handler. */
export interface ForwardStatus {
  readonly fwd: ForwardReason;
  /** Status of the handler's answer when it differs from the one sent (RFC 9211 §2.3). */
  readonly fwdStatus?: number | undefined;
  readonly stored?: boolean | undefined;
  /** Waited for another request's fill (RFC 9211 §2.6). */
  readonly collapsed?: boolean | undefined;
  readonly ttl?: number | undefined;
  readonly detail?: string | undefined;
}

const TOKEN = /^[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*$/;

/** The member of this cache for a hit: `warmpath; hit; ttl=30` (RFC 9211 §2.1). */
export function hitMember(cacheName: string, status: HitStatus = {}): string {
  return `${textItem(cacheName)}; hit${ttlParameter(status.ttl)}${detailParameter(status.detail)}`;
}

/** The member of this cache for a request it forwarded: `warmpath; fwd=uri-miss; stored` (RFC 9211 §2.2). */
export function forwardMember(cacheName: string, status: ForwardStatus): string {
  let member = `${textItem(cacheName)}; fwd=${status.fwd}`;
  if (status.fwdStatus !== undefined) member += `; fwd-status=${Math.trunc(status.fwdStatus)}`;
  member += ttlParameter(status.ttl);
  if (status.stored) member += '; stored';
  if (status.collapsed) member += '; collapsed';
  return member + detailParameter(status.detail);
}

/** The field's value with one more member at its end, as the cache nearest to the client (RFC 9211 §2). */
export function appendMember(existing: number | string | readonly string[] | undefined, member: string): string {
  const before = Array.isArray(existing) ? existing.join(', ') : existing === undefined ? '' : String(existing);
  return before.trim() === '' ? member : `${before}, ${member}`;
}

function ttlParameter(seconds: number | undefined): string {
  // RFC 9651 §3.3.1: integers have at most 15 digits.
  if (seconds === undefined || !Number.isFinite(seconds) || Math.abs(seconds) >= 1e15) return '';
  return `; ttl=${Math.floor(seconds)}`;
}

function detailParameter(detail: string | undefined): string {
  return detail === undefined ? '' : `; detail=${textItem(detail)}`;
}

/** A Structured Fields token where the text is one, else a string; characters a string cannot hold become `?`. */
function textItem(text: string): string {
  if (TOKEN.test(text)) return text;
  return `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/[\\"]/g, '\\$&')}"`;
}
