import type { NextFunction, Response } from 'express';
import type { CacheCounters } from '../cache/cache-stats.js';
import { appendMember, type ForwardReason, forwardMember } from '../cache/http/cache-status.js';
import { CACHE_NAME } from './cache-name.js';
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
  counters.bypasses += 1;
  if (config.statusHeader !== undefined)
    res.setHeader(config.statusHeader, fwd === 'bypass' || fwd === 'method' ? 'bypass' : 'miss');
  res.setHeader(
    'Cache-Status',
    appendMember(
      res.getHeader('cache-status'),
      forwardMember(CACHE_NAME, detail === undefined ? { fwd } : { fwd, detail }),
    ),
  );
  next();
}
