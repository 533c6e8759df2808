import type { TLSSocket } from 'node:tls';
import type { Request } from 'express';
import type { CacheCounters } from '../cache/cache-stats.js';
import { parseEntityTag } from '../cache/http/entity-tags.js';
import type { StoredResponse } from '../cache/stored-response.js';
import type { Representation } from './representation.js';
import type { ResponseCacheConfig } from './response-cache-options.js';
import type { ServedByCache } from './served-by-cache.js';

/** Whether what a request means to a route with these options is in its method, target, host and a few fields. */
export function mayHitQuickly(config: ResponseCacheConfig): boolean {
  return (
    config.identity === undefined &&
    config.key === undefined &&
    config.vary.length === 0 &&
    config.refreshAhead === undefined &&
    !config.honorsRequest &&
    !config.fastLane // the lane follows hits on the long way
  );
}

/** What a response of this process was last sent for, and everything about sending it that does not change. */
export interface QuickHit {
  /** Who sent it. */
  readonly owner: object;
  readonly host: string | undefined;
  readonly url: string;
  readonly isSecure: boolean;
  readonly acceptEncoding: string | string[] | undefined;
  readonly form: Representation;
  readonly counters: CacheCounters;
  readonly served: ServedByCache;
  readonly label: string;
  readonly groups: readonly string[];
  /** Entity tags that, sent alone in `If-None-Match`, are this response's own. */
  readonly tags: readonly string[];
}

/** The status of the answer; `undefined` where the condition has to be looked at more closely. */
export function statusFor(
  { tags }: QuickHit,
  { status }: StoredResponse,
  ifNoneMatch: string | undefined,
): number | undefined {
  if (ifNoneMatch === undefined) return status;
  return tags.includes(ifNoneMatch) ? 304 : undefined;
}

/** The tags that a 304 may be given for: only what is said about a 200 can be answered by a 304 (RFC 9110 §15.4.5). */
export function ownTags(form: Representation, { status, etag }: StoredResponse): readonly string[] {
  if (status !== 200 && status !== 203) return [];
  return [form.etag, etag].filter((tag) => tag !== undefined && parseEntityTag(tag) !== undefined) as string[];
}

/** Whether a request came over TLS. */
export function isSecure({ socket }: Request): boolean {
  return (socket as Partial<TLSSocket>).encrypted === true;
}
