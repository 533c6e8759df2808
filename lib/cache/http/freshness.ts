import { deltaSeconds, MAX_DELTA_SECONDS, type ResponseDirectives } from './cache-control.js';
import { fieldLines, type HeaderFields } from './header-fields.js';
import { parseHttpDate } from './http-date.js';
import { isHeuristicallyCacheable } from './statuses.js';
import type { CachePolicy } from './targeted.js';

/** A response as it came from the handler. */
export interface FreshnessInput {
  readonly status: number;
  readonly headers: HeaderFields;
  readonly policy: CachePolicy;
  /** When the response was received, milliseconds of the wall clock. */
  readonly receivedAt: number;
}

/** What the operator's options say about lifetimes. */
export interface FreshnessOptions {
  /** Replaces the lifetimes in the response; leave out where it does not apply (see `ttlApplies`). */
  readonly ttlMs?: number | undefined;
  /** Allow heuristic freshness (RFC 9111 §4.2.2). @default false */
  readonly heuristic?: boolean | undefined;
  /** Replaces the window of the response (RFC 5861 §3). */
  readonly staleWhileRevalidateMs?: number | undefined;
  /** Replaces the window of the response (RFC 5861 §4). */
  readonly staleIfErrorMs?: number | undefined;
}

/** How long a stored response may be used, all in milliseconds. It is fresh while `lifetimeMs > age`. */
export interface Freshness {
  /** Freshness lifetime, counted from the response's origin: what is left on receipt is `lifetimeMs - initialAgeMs`. */
  readonly lifetimeMs: number;
  /** Age on receipt (RFC 9111 §4.2.3 `corrected_initial_age`). */
  readonly initialAgeMs: number;
  /** The lifetime was stated, by an option or by the response, not guessed. */
  readonly explicit: boolean;
  /** How long after its lifetime it may be served while it is refreshed; 0 = not at all. */
  readonly staleWhileRevalidateMs: number;
  /** How long after its lifetime it may stand in for an error; 0 = not at all. */
  readonly staleIfErrorMs: number;
  /** Stale use is forbidden (RFC 9111 §4.2.4). */
  readonly mustRevalidate: boolean;
}

const MAX_AGE_MS = MAX_DELTA_SECONDS * 1000;
const HEURISTIC_SHARE = 0.1; // RFC 9111 §4.2.2: "a typical setting of this fraction might be 10%"
const MAX_HEURISTIC_MS = 24 * 3_600_000; // the same clause: a guess should not be trusted for longer than a day

/** Freshness of a response in a shared cache (RFC 9111 §4.2). Malformed freshness information is stale. Never throws. */
export function freshnessOf(input: FreshnessInput, options: FreshnessOptions = {}): Freshness {
  const { directives } = input.policy;
  const ttlMs = options.ttlMs;
  const stated = ttlMs === undefined ? statedLifetimeMs(input) : ttlMs;
  const lifetimeMs = stated ?? (options.heuristic ? heuristicLifetimeMs(input) : 0);
  const initialAgeMs = initialAge(input, ttlMs !== undefined);
  const mustRevalidate = forbidsStale(directives, ttlMs !== undefined);
  return {
    // An explicit ttl runs from the moment this cache got the response, whatever age it came with.
    lifetimeMs: directives.noCache ? 0 : ttlMs === undefined ? lifetimeMs : Math.min(ttlMs + initialAgeMs, MAX_AGE_MS),
    initialAgeMs,
    explicit: stated !== undefined,
    staleWhileRevalidateMs: mustRevalidate
      ? 0
      : (options.staleWhileRevalidateMs ?? windowMs(directives.staleWhileRevalidateSeconds)),
    staleIfErrorMs: mustRevalidate ? 0 : (options.staleIfErrorMs ?? windowMs(directives.staleIfErrorSeconds)),
    mustRevalidate,
  };
}

/** RFC 9111 §4.2.1, in its order; `undefined` when the response states none. */
function statedLifetimeMs({ headers, policy, receivedAt }: FreshnessInput): number | undefined {
  const seconds = policy.directives.sMaxAgeSeconds ?? policy.directives.maxAgeSeconds;
  if (seconds !== undefined) return seconds * 1000;
  if (policy.targeted) return undefined; // RFC 9213 §2.2: Expires is ignored as well
  const expires = fieldLines(headers, 'expires');
  if (expires.length === 0) return undefined;
  const expiresAt = expires.length === 1 ? parseHttpDate(expires[0] ?? '', receivedAt) : undefined;
  if (expiresAt === undefined) return 0; // §5.3: an invalid date means already expired
  return Math.min(Math.max(0, expiresAt - (dateOf(headers, receivedAt) ?? receivedAt)), MAX_AGE_MS);
}

/** RFC 9111 §4.2.2. */
function heuristicLifetimeMs({ status, headers, policy, receivedAt }: FreshnessInput): number {
  if (!isHeuristicallyCacheable(status) && !policy.directives.public) return 0;
  const modified = fieldLines(headers, 'last-modified');
  const modifiedAt = modified.length === 1 ? parseHttpDate(modified[0] ?? '', receivedAt) : undefined;
  if (modifiedAt === undefined) return 0;
  const unchangedMs = (dateOf(headers, receivedAt) ?? receivedAt) - modifiedAt;
  return Math.min(Math.max(0, unchangedMs * HEURISTIC_SHARE), MAX_HEURISTIC_MS);
}

/** RFC 9111 §4.2.3. An `Age` that cannot be read makes the response stale, unless an explicit ttl replaces its age. */
function initialAge({ headers, receivedAt }: FreshnessInput, lenient: boolean): number {
  const lines = fieldLines(headers, 'age');
  const text = lines[0]?.trim() ?? '';
  const readable = lines.length === 1 && /^\d+$/.test(text);
  if (lines.length > 0 && !readable) return lenient ? 0 : MAX_AGE_MS;
  const ageMs = readable ? deltaSeconds(text) * 1000 : 0;
  const sentAt = dateOf(headers, receivedAt);
  // Date has whole seconds only: a response of this very second is not older for having been rounded down.
  const apparentMs = sentAt === undefined ? 0 : Math.floor((receivedAt - sentAt) / 1000) * 1000;
  return Math.min(Math.max(ageMs, apparentMs, 0), MAX_AGE_MS);
}

function dateOf(headers: HeaderFields, receivedAt: number): number | undefined {
  const lines = fieldLines(headers, 'date');
  return lines.length === 1 ? parseHttpDate(lines[0] ?? '', receivedAt) : undefined;
}

/** RFC 9111 §4.2.4. `s-maxage` forbids stale use too (§5.2.2.10), unless an explicit ttl replaced it. */
function forbidsStale(directives: ResponseDirectives, lifetimesReplaced: boolean): boolean {
  if (directives.mustRevalidate || directives.proxyRevalidate || directives.noCache) return true;
  return directives.sMaxAgeSeconds !== undefined && !lifetimesReplaced;
}

function windowMs(seconds: number | undefined): number {
  return (seconds ?? 0) * 1000;
}
