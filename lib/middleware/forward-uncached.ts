import type { NextFunction, Response } from 'express';
import type { CacheCounters } from '../cache/cache-stats.js';
import { appendMember, type ForwardReason } from '../cache/http/cache-status.js';
import { memberFor } from './forward-member.js';
import { fieldsToAddTo, type KeptFields, putField } from './prepared-head.js';
import type { BypassReason } from './request-view.js';
import type { ResponseCacheConfig } from './response-cache-options.js';

/** Lets the handler answer by itself and says so in the answer. */
export function forwardUncached(
  config: ResponseCacheConfig,
  counters: CacheCounters,
  res: Response,
  next: NextFunction,
  fwd: ForwardReason,
  detail: BypassReason | 'no-store' | undefined,
): void {
  const member = memberFor(fwd, detail);
  const kept = fieldsToAddTo(res);
  const before = kept === undefined ? res.getHeader('cache-status') : kept['cache-status']?.[1];
  // The same cache, mounted further out, has said so already.
  if (detail === 'uncacheable' && String(before).endsWith(member)) return next();
  counters.bypasses += 1;
  if (config.statusHeader !== undefined)
    setField(res, kept, config.statusHeader, fwd === 'bypass' || fwd === 'method' ? 'bypass' : 'miss');
  setField(res, kept, 'Cache-Status', before === undefined ? member : appendMember(before, member));
  next();
}

function setField(res: Response, kept: KeptFields | undefined, name: string, value: string): void {
  if (kept === undefined) res.setHeader(name, value);
  else putField(kept, name, value);
}
