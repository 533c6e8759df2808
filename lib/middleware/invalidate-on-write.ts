import type { Request, RequestHandler, Response } from 'express';
import type { Cache } from '../cache/cache.js';
import { type CacheCore, coreOf } from '../cache/cache-core.js';
import { tagGroup } from '../cache/group-names.js';
import { groupInvalidation } from '../cache/http/groups.js';
import type { HeaderFields } from '../cache/http/header-fields.js';
import { type InvalidationTarget, invalidate, kindOf, orderOf } from '../cache/invalidation.js';
import type { InvalidationOrder } from '../store/entry-store.js';
import type { Middleware } from './middleware-type.js';
import { holdResponse } from './response-hold.js';
import { isRuleTable, matchRule, type WriteRule, type WriteRules, writeRules } from './write-rules.js';
import { type InvalidateOnWriteOptions, resolveWriteTarget, type TagsOf, type WriteTarget } from './write-target.js';

export type { InvalidateOnWriteOptions, WriteRules };

/**
 * Invalidates after the handler decided on a 2xx or 3xx and before the client sees the answer, on every instance.
 * When Redis cannot be told, this process obeys at once and Redis is told before anything is served from it again.
 */
export function invalidateOnWrite(cache: Cache, options: InvalidateOnWriteOptions | WriteRules): Middleware {
  const core = coreOf(cache);
  if (isRuleTable(options)) return ruledInvalidation(core, writeRules(options)) as Middleware;
  const target = resolveWriteTarget('invalidateOnWrite', options as InvalidateOnWriteOptions);

  const middleware: RequestHandler = function invalidateOnWriteMiddleware(req, res, next) {
    const filled = fillTarget(target, req);
    holdResponse(res, (status) => carryOut(core, target, filled, status, req, res));
    next();
  };
  return middleware as Middleware;
}

function ruledInvalidation(core: CacheCore, rules: readonly WriteRule[]): RequestHandler {
  return function invalidateOnWriteMiddleware(req, res, next) {
    const matched = matchRule(rules, req);
    if (matched === undefined) return next();
    const { target, params } = matched;
    const filled = fillTarget(target, { params });
    holdResponse(res, (status) => carryOut(core, target, filled, status, req, res));
    next();
  };
}

// Filled in before the handler runs: a place without a value is a mistake of the program, not of this write.
function fillTarget(target: WriteTarget, req: Pick<Request, 'params'>): InvalidationTarget {
  return {
    tags: target.tags?.namesOf(req),
    urls: target.urls?.namesOf(req),
    keys: target.keys?.namesOf(req),
    prefix: target.prefix?.namesOf(req)[0],
  };
}

function carryOut(
  core: CacheCore,
  target: WriteTarget,
  filled: InvalidationTarget,
  status: number,
  req: Request,
  res: Response,
): Promise<unknown> | undefined {
  if (status < 200 || status >= 400 || target.when?.(req, res) === false) return undefined;
  const tags = target.tagsOf === undefined ? filled.tags : tagsFrom(core, target.tagsOf, req, res);
  const whole = withoutEmpty({ ...filled, tags });
  const named = groupInvalidation(res.getHeaders() as HeaderFields).groups.map(tagGroup);
  if (Object.keys(whole).length === 0 && named.length === 0) return undefined;
  const order = Object.keys(whole).length === 0 ? NOTHING_MORE : orderOf(whole, target.soft);
  return invalidate(core, { ...order, groups: [...new Set([...order.groups, ...named])] }, kindOf(whole));
}

// The write has happened: a mistake in the route's own function must not turn its answer into an error.
function tagsFrom(core: CacheCore, tagsOf: TagsOf, req: Request, res: Response): readonly string[] {
  try {
    return tagsOf(req, res);
  } catch (error) {
    core.log.error(
      'warmpath: invalidateOnWrite.tags threw, so nothing was invalidated:',
      error instanceof Error ? error.name : '',
    );
    return [];
  }
}

const NOTHING_MORE: InvalidationOrder = Object.freeze({ groups: [], prefixes: [], everything: false, soft: false });

function withoutEmpty(target: InvalidationTarget): InvalidationTarget {
  return Object.fromEntries(Object.entries(target).filter(([, value]) => value !== undefined && value.length > 0));
}
