import type { Freshness } from './freshness.js';
import { fieldLines, type HeaderFields, hasField } from './header-fields.js';
import type { NotStoredReason, StoreDecision } from './reasons.js';
import { isStorableStatus, isUnderstood } from './statuses.js';
import type { CachePolicy } from './targeted.js';
import type { VaryNames } from './vary.js';

/** Most field names a `Vary` may have before its response is left alone. */
export const MAX_VARY_NAMES = 8;

/** A finished response with everything the decision needs. */
export interface StoreCandidate {
  readonly method: string;
  readonly status: number;
  /** Response fields. */
  readonly headers: HeaderFields;
  readonly policy: CachePolicy;
  readonly freshness: Freshness;
  readonly vary: VaryNames;
  /** The request carried `Authorization`. */
  readonly authorized: boolean;
  /** The request's `no-store` is to be obeyed. */
  readonly requestNoStore: boolean;
  /** The key names one identity, so that the entry is private to it. */
  readonly identityKeyed: boolean;
  /** The route lets an explicit `public`, `s-maxage` or `must-revalidate` share answers to authorized requests. */
  readonly allowAuthorized: boolean;
}

const STORE: StoreDecision = Object.freeze({ store: true });
const REFUSALS = new Map<NotStoredReason, StoreDecision>();

/** Whether this cache may keep a response (RFC 9111 §3), one line per clause. Never throws. */
export function mayStore(candidate: StoreCandidate): StoreDecision {
  const { status, headers, policy, freshness, vary, identityKeyed } = candidate;
  const { directives } = policy;
  if (candidate.method !== 'GET') return refuse('method');
  if (candidate.requestNoStore) return refuse('request-no-store'); // §5.2.1.5
  if (status === 206 || hasContentRange(headers)) return refuse('partial'); // §3.3
  if (!isStorableStatus(status)) return refuse('status');
  if (directives.mustUnderstand && !isUnderstood(status)) return refuse('must-understand'); // §5.2.2.3
  if (directives.noStore && !directives.mustUnderstand) return refuse('no-store'); // §5.2.2.5, §5.2.2.3
  if (directives.private && !identityKeyed) return refuse('private'); // §5.2.2.7
  if (candidate.authorized && !identityKeyed && !sharesAuthorized(candidate)) return refuse('authorization'); // §3.5
  if (hasField(headers, 'set-cookie')) return refuse('set-cookie'); // our rule, stricter than §7.3
  if (vary.wildcard) return refuse('vary-wildcard'); // §4.1
  if (vary.names.length > MAX_VARY_NAMES) return refuse('vary-limit');
  if (!identityKeyed && variesByIdentity(vary.names)) return refuse('vary-identity');
  if (!hasLifetime(freshness) && !directives.noCache) return refuse('no-lifetime');
  if (!isUseful(freshness, headers)) return refuse('uninteresting');
  return STORE;
}

function refuse(reason: NotStoredReason): StoreDecision {
  let refusal = REFUSALS.get(reason);
  if (!refusal) {
    refusal = Object.freeze({ store: false, reason });
    REFUSALS.set(reason, refusal);
  }
  return refusal;
}

// RFC 9110 §14.4: on any other status the field means nothing. A well-formed one is still taken at its word, because
// somebody downstream may take it so; text that is no range at all cannot mislead anyone.
const CONTENT_RANGE = /^\s*[!#$%&'*+\-.^_`|~0-9A-Za-z]+\s*[\s=]\s*(?:\d+\s*-\s*\d+|\*)\s*\//;

function hasContentRange(headers: HeaderFields): boolean {
  return fieldLines(headers, 'content-range').some((line) => CONTENT_RANGE.test(line));
}

function sharesAuthorized({ policy: { directives }, allowAuthorized }: StoreCandidate): boolean {
  if (!allowAuthorized) return false;
  return directives.public || directives.mustRevalidate || directives.sMaxAgeSeconds !== undefined;
}

function variesByIdentity(names: readonly string[]): boolean {
  return names.includes('cookie') || names.includes('authorization');
}

function hasLifetime(freshness: Freshness): boolean {
  return freshness.explicit || freshness.lifetimeMs > 0;
}

/** Whether an entry could ever answer: still fresh, inside a stale window, or good for a conditional request. */
function isUseful(freshness: Freshness, headers: HeaderFields): boolean {
  const { lifetimeMs, initialAgeMs, staleWhileRevalidateMs, staleIfErrorMs } = freshness;
  if (lifetimeMs + Math.max(staleWhileRevalidateMs, staleIfErrorMs) > initialAgeMs) return true;
  return hasField(headers, 'etag') || hasField(headers, 'last-modified');
}
