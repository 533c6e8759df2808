import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Cache } from '../cache/cache.js';
import { type CacheCore, coreOf, recordUse } from '../cache/cache-core.js';
import type { CacheCounters } from '../cache/cache-stats.js';
import { type ForwardReason, hitMember } from '../cache/http/cache-status.js';
import { isTraced, traceLookup } from '../cache/lookup-trace.js';
import { lookupResource, type ResourceLookup } from '../cache/resource-lookup.js';
import type { Standing, StoredResponse } from '../cache/stored-response.js';
import { type Turn, takeTurn } from '../cache/turn.js';
import { isPromise, type Maybe } from '../store/stored-entry.js';
import { CACHE_NAME } from './cache-name.js';
import { deliver } from './deliver-response.js';
import { noteLaneArrival, noteLaneHit } from './fast-lane.js';
import { fill } from './fill-response.js';
import { forwardUncached } from './forward-uncached.js';
import { isInternalDispatch } from './internal-dispatch.js';
import { invalidateAfterUnsafe } from './invalidate-after-unsafe.js';
import type { Middleware } from './middleware-type.js';
import { mayHitQuickly } from './quick-hit.js';
import { LeftAlone, QuickHits } from './quick-hits.js';
import { refresh, refreshInBackground, refreshTicket } from './refresh.js';
import { demandsOf, type RequestDemands } from './request-demands.js';
import { identityOf, NOT_CACHED } from './request-identity.js';
import { prepareServerOf } from './request-shape.js';
import { type BypassReason, bypassReason, type RequestView, requestView } from './request-view.js';
import {
  type ResponseCacheConfig,
  type ResponseCacheOptions,
  resolveResponseCacheOptions,
} from './response-cache-options.js';
import { routeLabel, UNMATCHED } from './route-label.js';
import { isFilling, markServed, type ServedByCache, servedByCache } from './served-by-cache.js';

export type { ResponseCacheOptions } from './response-cache-options.js';

/** One request on its way through the cache. */
interface Visit {
  readonly core: CacheCore;
  readonly config: ResponseCacheConfig;
  readonly quick: QuickHits | undefined;
  readonly counters: CacheCounters;
  readonly name: string;
  readonly req: Request;
  readonly res: Response;
  readonly next: NextFunction;
  readonly view: RequestView;
  readonly demands: RequestDemands | undefined;
  readonly startedAt: number;
  /** Until when it waits for others, once it does: what Redis took before that is not the others' doing. */
  waitUntil: number | undefined;
  collapsed: boolean;
  rounds: number;
  /** Fills of this process it waited for that were lost to invalidations. */
  waitedInVain: number;
}

const MAX_ROUNDS = 50;
// A key that is invalidated faster than it can be filled would be queued for one run of the handler after the other.
const MAX_WAITS_IN_VAIN = 2;
const MAX_NAMES = 1000;

/**
 * Answers GET and HEAD from the store where HTTP allows it, and stores what the handler answers otherwise (RFC 9111).
 * For a route, a router or a whole app. Never makes a request fail: whatever is wrong with the cache, the handler runs.
 */
export function responseCache(cache: Cache, options: ResponseCacheOptions = {}): Middleware {
  const core = coreOf(cache);
  const config = resolveResponseCacheOptions(options);
  const quick = mayHitQuickly(config) ? new QuickHits(core, config) : undefined;

  const middleware: RequestHandler = function responseCacheMiddleware(req, res, next) {
    prepareServerOf(req);
    if (req.method !== 'GET' && req.method !== 'HEAD') return passUnsafe(core, config, req, res, next);
    if (config.fastLane) noteLaneArrival(req);
    const bypass = core.config.enabled && !core.isClosed ? bypassReason(req, config) : 'disabled';
    if (bypass === undefined && quick !== undefined && req.method === 'GET') {
      const place = quick.placeOf(req, res);
      if (typeof place === 'number' && quick.answer(place, req, res)) return;
      if (place instanceof LeftAlone) {
        if (quick.leavesAlone(place, req))
          return forwardUncached(config, place.counters, res, next, 'bypass', 'uncacheable');
      } else if (typeof place === 'object') {
        const otherwise = (error?: unknown): void =>
          error === undefined ? goOn(req, res, next, undefined) : next(error);
        if (quick.ask(place, req, res, otherwise)) return;
      }
    }
    goOn(req, res, next, bypass);
  };

  function goOn(req: Request, res: Response, next: NextFunction, bypass: BypassReason | undefined): void {
    const name = nameOf(config, req);
    const counters = core.stats.of(name);
    if (bypass !== undefined) return forwardUncached(config, counters, res, next, 'bypass', bypass);
    if (isFilling(res, core)) return next();
    const identity = config.identity === undefined ? undefined : identityOf(core, name, config.identity, req);
    if (identity === NOT_CACHED) return forwardUncached(config, counters, res, next, 'bypass', 'identity');
    const view = requestView(req, config, identity);
    const demands = config.honorsRequest ? demandsOf(req.headers) : undefined;
    if (demands?.noStore) return forwardUncached(config, counters, res, next, 'request', 'no-store');
    const startedAt = core.store.now();
    if (isKeyLeftAlone(core, req, view, demands, startedAt)) {
      quick?.learnAlone(req, view, counters);
      return forwardUncached(config, counters, res, next, 'bypass', 'uncacheable');
    }
    look({
      core,
      config,
      quick,
      counters,
      name,
      req,
      res,
      next,
      view,
      demands,
      startedAt,
      waitUntil: undefined,
      collapsed: false,
      rounds: 0,
      waitedInVain: 0,
    });
  }
  return middleware as Middleware;
}

// What is kept in this process alone is known to it: a key that is left alone has nothing stored, and need not be looked up.
function isKeyLeftAlone(
  core: CacheCore,
  req: Request,
  view: RequestView,
  demands: RequestDemands | undefined,
  now: number,
): boolean {
  if (core.guard !== undefined || view.isHead || view.hasRange || demands?.onlyIfCached) return false;
  return core.uncacheable.leavesKeyAlone(view, now) && !isInternalDispatch(req);
}

// A middleware mounted for a whole app sees the request before any route is matched.
function nameOf(config: ResponseCacheConfig, req: Request): string {
  if (config.name !== undefined) return config.name;
  const label = routeLabel(req);
  return label === UNMATCHED ? 'app' : label;
}

type Served = Readonly<Record<'hit' | 'stale', ServedByCache>>;
const servedByName = new Map<string, Served>();

// One frozen object per name and result: marking an answer allocates nothing.
function servedAs(name: string): Served {
  let served = servedByName.get(name);
  if (served === undefined) {
    const as = (result: 'hit' | 'stale'): ServedByCache => Object.freeze({ result, route: name });
    served = Object.freeze({ hit: as('hit'), stale: as('stale') });
    if (servedByName.size < MAX_NAMES) servedByName.set(name, served);
  }
  return served;
}

const fillMarks = new WeakMap<CacheCore, Map<string, ServedByCache>>();

/** What is noted of a response that a cache fills from, made once per name. */
function fillMark(core: CacheCore, name: string): ServedByCache {
  let marks = fillMarks.get(core);
  if (marks === undefined) {
    marks = new Map();
    fillMarks.set(core, marks);
  }
  let mark = marks.get(name);
  if (mark === undefined) {
    mark = Object.freeze({ result: 'miss', route: name, filling: core });
    if (marks.size < MAX_NAMES) marks.set(name, mark);
  }
  return mark;
}

function passUnsafe(
  core: CacheCore,
  config: ResponseCacheConfig,
  req: Request,
  res: Response,
  next: NextFunction,
): void {
  invalidateAfterUnsafe(core, req, res);
  forwardUncached(config, core.stats.of(nameOf(config, req)), res, next, 'method', undefined);
}

function look(visit: Visit): void {
  const { core, view, next } = visit;
  const ticket = refreshTicket(visit.req, core, view.text);
  if (ticket !== undefined) {
    ticket.taken = true;
    startFill(visit, ticket.resource, { kind: 'fill', right: ticket.right }, 'stale', ticket.settle);
    return;
  }
  const resource = lookupResource(core.store, core.learnedVary, view);
  if (isPromise(resource)) resource.then((ready) => answer(visit, ready)).catch(next);
  else answer(visit, resource);
}

function answer(visit: Visit, resource: ResourceLookup): void {
  const { core, counters, view } = visit;
  const { response } = resource;
  const now = core.store.now();
  if (visit.rounds === 0) counters.lookup.addMs(now - visit.startedAt);
  if (response === undefined) return miss(visit, resource, resource.index === undefined ? 'uri-miss' : 'vary-miss');
  if (view.isAuthorized && view.identity === undefined && !response.sharesAuthorized) {
    return forwardUncached(visit.config, counters, visit.res, visit.next, 'bypass', 'authorization');
  }
  const standing = standingFor(visit, response, resource, now);
  if (standing === 'fresh') {
    if (visit.config.refreshAhead !== undefined) refreshIfDue(visit, resource, response, now);
    return serve(visit, resource, response, 'hit', now);
  }
  if (standing === 'stale-while-revalidate') {
    refreshInBackground(refreshJob(visit, resource));
    return serve(visit, resource, response, 'stale', now);
  }
  if (standing === 'stale-if-error') return void serveUnlessRefreshed(visit, resource, response).catch(visit.next);
  miss(visit, resource, standing === 'refused' ? 'request' : 'stale');
}

/** A hit late in the lifetime renews the entry before anybody has to wait for it. */
function refreshIfDue(visit: Visit, resource: ResourceLookup, response: StoredResponse, now: number): void {
  const { storedAt, freshUntil } = response;
  const dueAt = storedAt + (freshUntil - storedAt) * (visit.config.refreshAhead as number);
  if (now >= dueAt) refreshInBackground(refreshJob(visit, resource));
}

function standingFor(
  visit: Visit,
  response: StoredResponse,
  resource: ResourceLookup,
  now: number,
): Standing | 'refused' {
  const standing = response.standing(now, resource.found?.softAt);
  return visit.demands === undefined ? standing : visit.demands.judge(response, standing, now);
}

function serve(
  visit: Visit,
  resource: ResourceLookup,
  response: StoredResponse,
  word: 'hit' | 'stale',
  now = visit.core.store.now(),
): void {
  const { core, config, view, res } = visit;
  const ttl = response.ttlSeconds(now);
  const member = visit.collapsed
    ? hitMember(CACHE_NAME, { ttl, detail: 'collapsed' })
    : `${CACHE_NAME}; hit; ttl=${ttl}`;
  const { statusHeader } = config;
  const served = servedAs(visit.name)[word];
  markServed(res, served);
  if (word === 'hit')
    visit.quick?.learn({ core, counters: visit.counters, req: visit.req, view, served }, resource, response);
  if (config.fastLane && word === 'hit') noteLaneHit(visit);
  const sent = deliver(res, {
    core,
    response,
    requestFields: view.headers,
    isHead: view.isHead,
    now,
    word,
    statusHeader,
    member,
  });
  if (sent === true) return count(visit, resource, word);
  if (sent === false) return miss(visit, resource, 'miss');
  void sent.then((done) => (done ? count(visit, resource, word) : miss(visit, resource, 'miss'))).catch(visit.next);
}

function count(visit: Visit, resource: ResourceLookup, word: 'hit' | 'stale'): void {
  const { core, counters, view } = visit;
  if (word === 'stale') counters.stale += 1;
  else if (resource.found?.level === 'redis') counters.redisHits += 1;
  else counters.memoryHits += 1;
  recordUse(core, view.label, view.groups);
  if (isTraced(core.log)) trace(visit, word, resource);
}

function trace(visit: Visit, result: 'hit' | 'stale' | 'miss', resource?: ResourceLookup): void {
  const { core, name, view, startedAt } = visit;
  const now = core.store.now();
  const { found, response } = resource ?? {};
  const ageMs = response && now - response.bornAt;
  traceLookup(core.log, view.text, { cache: name, result, level: found?.level, latencyMs: now - startedAt, ageMs });
}

/** RFC 5861 §4: the handler is asked first, out of the client's sight; if it fails in time or in fact, the stale answer stands in. */
async function serveUnlessRefreshed(visit: Visit, resource: ResourceLookup, response: StoredResponse): Promise<void> {
  const { core, view } = visit;
  const left = Math.max(0, waitUntilOf(visit) - core.store.now());
  const outcome = await Promise.race([refresh(refreshJob(visit, resource)), later(left)]);
  if (outcome === 'failed' || outcome === 'late') return serve(visit, resource, response, 'stale');
  const again = await lookupResource(core.store, core.learnedVary, view);
  const usable = again.response?.standing(core.store.now(), again.found?.softAt);
  if (again.response !== undefined && usable === 'fresh') return serve(visit, again, again.response, 'hit');
  if (outcome === 'skipped') return serve(visit, resource, response, 'stale');
  miss(visit, again, 'stale');
}

function waitUntilOf(visit: Visit): number {
  const { core, config } = visit;
  visit.waitUntil ??= core.store.now() + (config.waitLimitMs ?? core.config.waitLimitMs);
  return visit.waitUntil;
}

function later(ms: number): Promise<'late'> {
  return new Promise((resolve) => setTimeout(resolve, ms, 'late').unref());
}

function refreshJob(visit: Visit, resource: ResourceLookup) {
  const { core, config, counters, name, req, view } = visit;
  return { core, name, counters, req, view, resource, leaseMs: config.leaseMs ?? core.config.leaseMs };
}

function miss(visit: Visit, resource: ResourceLookup, reason: ForwardReason): void {
  const { config, counters, view, res, next, demands } = visit;
  if (demands?.onlyIfCached) return void res.status(504).end();
  // A HEAD or a range is not a whole answer, so its handler sees it as it is and nothing is stored.
  if (view.isHead) return forwardUncached(config, counters, res, next, reason, 'head');
  if (view.hasRange) return forwardUncached(config, counters, res, next, reason, 'range');
  if (isLeftAlone(visit, resource)) return forwardUncached(config, counters, res, next, 'bypass', 'uncacheable');
  const turn = turnFor(visit, resource);
  if (isPromise(turn)) turn.then((ready) => act(visit, resource, ready, reason)).catch(next);
  else act(visit, resource, turn, reason);
}

/** Whether answers of this key are known not to be for storing. A stale one is revalidated, and a warm-up asks to be looked at. */
function isLeftAlone({ core, view, req }: Visit, resource: ResourceLookup): boolean {
  if (resource.response !== undefined) return false;
  const now = core.store.now();
  const isKnown =
    core.uncacheable.leavesVariantAlone(view, now) ||
    // In memory it was seen before anything was looked up.
    (core.guard !== undefined && core.uncacheable.leavesKeyAlone(view, now));
  return isKnown && !isInternalDispatch(req);
}

function turnFor(visit: Visit, resource: ResourceLookup): Maybe<Turn> {
  const { core, config, view, counters, name } = visit;
  const waitUntil = visit.waitedInVain < MAX_WAITS_IN_VAIN ? waitUntilOf(visit) : 0;
  const onCollapsed = (): void => {
    if (visit.collapsed) return;
    visit.collapsed = true;
    counters.collapsed += 1;
    core.events.emit({ type: 'collapsed', cache: name });
  };
  const leaseMs = config.leaseMs ?? core.config.leaseMs;
  const { store, flights } = core;
  return takeTurn(
    { store, flights, key: resource.key, groups: view.groups, leaseMs, waitUntil, onCollapsed },
    resource.lookup,
  );
}

function act(visit: Visit, resource: ResourceLookup, turn: Turn, reason: ForwardReason): void {
  visit.rounds += 1;
  if (turn.kind === 'again' && turn.inVain) visit.waitedInVain += 1;
  if (turn.kind === 'again' && visit.rounds < MAX_ROUNDS) return look(visit);
  startFill(visit, resource, turn, reason, undefined);
}

function startFill(
  visit: Visit,
  resource: ResourceLookup,
  turn: Turn,
  forward: ForwardReason,
  onSettled: ((outcome: string, status: number | undefined) => void) | undefined,
): void {
  const { core, config, counters, name, req, res, next, view, collapsed } = visit;
  // A refresh is nobody's request.
  if (onSettled === undefined) {
    counters.misses += 1;
    if (isTraced(core.log)) trace(visit, 'miss');
  }
  const outer = servedByCache(res);
  const mark = fillMark(core, name);
  markServed(res, outer === undefined ? mark : { ...mark, outer });
  const right = turn.kind === 'fill' ? turn.right : undefined;
  const fence = turn.kind === 'run' ? turn.fence : undefined;
  fill({ core, config, counters, name, req, res, next, view, resource, forward, collapsed, right, fence, onSettled });
}
