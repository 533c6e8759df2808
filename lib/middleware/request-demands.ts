import type { HeaderFields } from '../cache/http/header-fields.js';
import { parseRequestDirectives } from '../cache/http/request-directives.js';
import type { Standing, StoredResponse } from '../cache/stored-response.js';

/** What a client's `Cache-Control` asks of the cache (RFC 9111 §5.2.1). */
export interface RequestDemands {
  readonly noStore: boolean;
  readonly onlyIfCached: boolean;
  /** How a stored response stands in the eyes of this client. */
  judge(response: StoredResponse, standing: Standing, now: number): Standing | 'refused';
}

/** What a request asks of the cache (RFC 9111 §5.2.1, `Pragma` included); `undefined` when it asks nothing. */
export function demandsOf(headers: HeaderFields): RequestDemands | undefined {
  if (headers['cache-control'] === undefined && headers.pragma === undefined) return undefined;
  const { noStore, noCache, onlyIfCached, maxAgeSeconds, minFreshSeconds, maxStaleSeconds } =
    parseRequestDirectives(headers);
  return {
    noStore,
    onlyIfCached,
    judge(response, standing, now) {
      if (noCache) return 'refused'; // §5.2.1.4
      if (maxAgeSeconds !== undefined && now - response.bornAt > maxAgeSeconds * 1000) return 'refused'; // §5.2.1.1
      if (minFreshSeconds !== undefined && response.freshUntil - now < minFreshSeconds * 1000) return 'refused'; // §5.2.1.3
      if (standing === 'fresh' || maxStaleSeconds === undefined || response.mustRevalidate) return standing;
      return now - response.freshUntil <= maxStaleSeconds * 1000 ? 'fresh' : standing; // §5.2.1.2
    },
  };
}
