import type { Request, RequestHandler, Response } from 'express';
import type { Cache } from '../cache/cache.js';
import { WarmpathError } from '../common/errors.js';
import { booleanOption, checkKnownKeys, functionOption, textList } from '../common/options.js';
import { markServed } from '../middleware/served-by-cache.js';
import type { RedisClient } from '../redis/guard.js';
import type { Authorize } from './admin/admin-access.js';
import { answerAdmin } from './admin/admin-handler.js';
import { adminSourceOf } from './admin/cache-source.js';
import { type AdminParts, createAdmin } from './admin/create-admin.js';
import { SHOWN_QUERY } from './admin/redact.js';
import { handled } from './handler.js';
import { guardFor, observeCaches, processSources, redisFigures } from './process-metrics.js';

/** Options of {@link adminRouter}. */
export interface AdminRouterOptions {
  cache: Cache;
  /** What `createRedis()` returned, for its figures. @default the cache's */
  redis?: RedisClient | undefined;
  /** Who may come in: only exactly `true` does. A throw or a rejection is a no. Required. */
  authorize: (req: Request, res: Response) => boolean | Promise<boolean>;
  /** Shows, and changes nothing. @default false */
  readOnly?: boolean | undefined;
  /** Query parameters whose values are shown; all others are masked. @default how a list is cut: page, limit, sort, … */
  showQuery?: readonly string[] | undefined;
}

function resolveAdminRouterOptions(options: AdminRouterOptions): AdminParts {
  checkKnownKeys('adminRouter', options ?? null, ['cache', 'redis', 'authorize', 'readOnly', 'showQuery']);
  const { cache, redis, authorize, readOnly = false, showQuery = SHOWN_QUERY } = options;
  if (typeof authorize !== 'function') {
    throw new WarmpathError(
      'ERR_AUTHORIZE_MISSING',
      'adminRouter.authorize: required, a function (req) => boolean that says who may see and empty the cache',
    );
  }
  const guard = guardFor(redis, cache);
  observeCaches();
  return Object.freeze({
    source: adminSourceOf(cache),
    guard,
    sources: processSources,
    readRedis: () => redisFigures.read(),
    authorize: functionOption<Authorize>('adminRouter.authorize', authorize),
    readOnly: booleanOption('adminRouter.readOnly', readOnly),
    shownQuery: textList('adminRouter.showQuery', showQuery),
  });
}

const ROUTE = Object.freeze({ route: '/admin' });
const OWN_PATHS = /^\/(cache|observability)(\/|$)/;

/**
 * The admin page and its JSON, under any mount path. Every path below the mount is answered here, and by a refusal
 * before `authorize` has said `true`; mounted at the root, only `/cache/…` and `/observability…` are.
 */
export function adminRouter(options: AdminRouterOptions): RequestHandler {
  const admin = createAdmin(resolveAdminRouterOptions(options));

  return function adminHandler(req, res, next) {
    if (req.baseUrl === '' && !OWN_PATHS.test(req.path)) return next();
    // Before anything else: a cache mounted above must not keep this.
    res.setHeader('Cache-Control', 'no-store');
    markServed(res, ROUTE);
    handled(answerAdmin(admin, req, res), next);
  };
}
