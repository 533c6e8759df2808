import type { Request, Response } from 'express';
import { type Freshness, freshnessOf } from '../cache/http/freshness.js';
import type { HeaderFields } from '../cache/http/header-fields.js';
import { mayStore } from '../cache/http/may-store.js';
import type { NotStoredReason } from '../cache/http/reasons.js';
import { ttlApplies } from '../cache/http/statuses.js';
import { type CachePolicy, cachePolicy } from '../cache/http/targeted.js';
import { parseVary, selectingFields } from '../cache/http/vary.js';
import { capturedCoding } from '../cache/response-entry.js';
import type { RequestView } from './request-view.js';
import type { ResponseCacheConfig } from './response-cache-options.js';

/** The exchange that is judged. `receivedWall`: when the head came, on the wall clock. */
export interface Exchange {
  readonly req: Request;
  readonly res: Response;
  readonly config: ResponseCacheConfig;
  readonly view: RequestView;
  readonly receivedWall: number;
}

/** What the head of a response says of storing it. */
export interface HeadAssessment {
  readonly headers: HeaderFields;
  readonly ttlMs: number | undefined;
  readonly policy: CachePolicy;
  readonly freshness: Freshness;
  /** Why it is not stored, or `undefined`. */
  readonly refusal: NotStoredReason | undefined;
  /** `Accept-Encoding` chose no more than the coding. */
  readonly negotiated: boolean;
  /** Request fields that select it, by what it says. */
  readonly selecting: readonly string[];
}

/** Assesses a response by its head. `before`: what came of the same head already; only the route's `ttl` can have changed since. */
export function assessHead(
  { req, res, config, view, receivedWall }: Exchange,
  { status, all: headers }: { readonly status: number; readonly all: HeaderFields },
  before: HeadAssessment | undefined,
): HeadAssessment {
  const ttlMs = ttlApplies(status, config.statuses) ? config.ttlMs?.(req, res) : undefined;
  if (before?.headers === headers && before.ttlMs === ttlMs) return before;
  const policy = cachePolicy(headers);
  const { heuristicFreshness: heuristic, staleWhileRevalidateMs, staleIfErrorMs } = config;
  const freshness = freshnessOf(
    { status, headers, policy, receivedAt: receivedWall },
    { ttlMs, heuristic, staleWhileRevalidateMs, staleIfErrorMs },
  );
  const vary = parseVary(headers);
  const decision = mayStore({
    method: req.method,
    status,
    headers,
    policy,
    freshness,
    vary,
    authorized: view.isAuthorized,
    requestNoStore: false,
    identityKeyed: view.identity !== undefined,
    allowAuthorized: config.sharesAuthorized,
  });
  const negotiated = vary.names.includes('accept-encoding') && capturedCoding(headers, policy) !== 'opaque';
  const named = selectingFields(headers).names;
  return {
    headers,
    ttlMs,
    policy,
    freshness,
    refusal: decision.store ? undefined : decision.reason,
    negotiated,
    selecting: negotiated ? named.filter((name) => name !== 'accept-encoding') : named,
  };
}
