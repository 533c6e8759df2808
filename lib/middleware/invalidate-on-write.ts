import type { Request, RequestHandler, Response } from 'express';
import type { Cache } from '../cache/cache.js';
import { type CacheCore, coreOf } from '../cache/cache-core.js';
import { tagGroup } from '../cache/group-names.js';
import { groupInvalidation } from '../cache/http/groups.js';
import type { HeaderFields } from '../cache/http/header-fields.js';
import { type InvalidationTarget, invalidate, kindOf, orderOf } from '../cache/invalidation.js';
import { optionError } from '../common/errors.js';
import { booleanOption, checkKnownKeys, functionOption } from '../common/options.js';
import type { InvalidationOrder } from '../store/entry-store.js';
import { type GroupTemplates, groupTemplates } from './group-templates.js';
import { holdResponse } from './response-hold.js';
import { isRuleTable, matchRule, type WriteRule, writeRules } from './write-rules.js';

/** What a successful write invalidates; `{param}` stands for `req.params.param` in every text. */
export interface InvalidateOnWriteOptions {
  /** Tags, or how to tell them once the handler has decided on its answer. */
  readonly tags?: readonly string[] | TagsOf | undefined;
  readonly urls?: readonly string[] | undefined;
  readonly keys?: readonly string[] | undefined;
  readonly prefix?: string | undefined;
  /** `false` leaves everything as it is. @default every 2xx and 3xx */
  readonly when?: ((req: Request, res: Response) => boolean) | undefined;
  /** Make stale instead of unusable. @default false */
  readonly soft?: boolean | undefined;
}

type TagsOf = (req: Request, res: Response) => readonly string[];

/** For a whole app: `{ 'PUT /movies/:id': ['movie:{id}', 'movies'] }`. */
export type WriteRules = Readonly<Record<string, readonly string[] | TagsOf | InvalidateOnWriteOptions>>;

/** What one write invalidates, ready to be filled in. */
export interface WriteTarget {
  readonly tags: GroupTemplates | undefined;
  readonly tagsOf: TagsOf | undefined;
  readonly urls: GroupTemplates | undefined;
  readonly keys: GroupTemplates | undefined;
  readonly prefix: GroupTemplates | undefined;
  readonly when: ((req: Request, res: Response) => boolean) | undefined;
  readonly soft: boolean;
}

const KEYS = ['tags', 'urls', 'keys', 'prefix', 'when', 'soft'];

export function resolveWriteTarget(owner: string, options: InvalidateOnWriteOptions): WriteTarget {
  checkKnownKeys(owner, options, KEYS);
  const { tags, urls, keys, prefix, when, soft = false } = options;
  const list = (name: string, value: readonly string[] | undefined): GroupTemplates | undefined =>
    value === undefined ? undefined : groupTemplates(`${owner}.${name}`, value);
  if ([tags, urls, keys].every(isNothing) && prefix === undefined) {
    throw optionError(owner, 'at least one of tags, urls, keys or prefix', options);
  }
  return Object.freeze({
    tags: typeof tags === 'function' ? undefined : list('tags', tags),
    tagsOf: typeof tags === 'function' ? tags : undefined,
    urls: list('urls', urls),
    keys: list('keys', keys),
    prefix: prefix === undefined ? undefined : groupTemplates(`${owner}.prefix`, [prefix]),
    when:
      when === undefined ? undefined : functionOption<(req: Request, res: Response) => boolean>(`${owner}.when`, when),
    soft: booleanOption(`${owner}.soft`, soft),
  });
}

/**
 * Invalidates after the handler decided on a 2xx or 3xx and before the client sees the answer, on every instance.
 * When Redis cannot be told, this process obeys at once and Redis is told before anything is served from it again.
 */
export function invalidateOnWrite(cache: Cache, options: InvalidateOnWriteOptions | WriteRules): RequestHandler {
  const core = coreOf(cache);
  if (isRuleTable(options)) return ruledInvalidation(core, writeRules(options));
  const target = resolveWriteTarget('invalidateOnWrite', options as InvalidateOnWriteOptions);

  return function invalidateOnWriteMiddleware(req, res, next) {
    const filled = fillTarget(target, req);
    holdResponse(res, (status) => carryOut(core, target, filled, status, req, res));
    next();
  };
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

function isNothing(list: readonly string[] | TagsOf | undefined): boolean {
  return list === undefined || (typeof list !== 'function' && list.length === 0);
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
