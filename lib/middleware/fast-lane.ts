import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Application, Request, Response } from 'express';
import { LRUCache } from 'lru-cache';
import { type CacheCore, recordUse } from '../cache/cache-core.js';
import type { CacheCounters } from '../cache/cache-stats.js';
import { lookupResource, type ResourceLookup } from '../cache/resource-lookup.js';
import type { StoredResponse } from '../cache/stored-response.js';
import { requestDurations } from '../metrics/request-durations.js';
import { isPromise } from '../store/stored-entry.js';
import { CACHE_NAME } from './cache-name.js';
import { deliver } from './deliver-response.js';
import { type LaneDecision, type LaneLimiter, laneTrace } from './lane-trace.js';
import { bypassReason, type RequestView } from './request-view.js';
import type { ResponseCacheConfig } from './response-cache-options.js';

/** How to answer a target without Express: learned from a hit that Express routed. */
interface LaneTicket {
  readonly config: ResponseCacheConfig;
  readonly counters: CacheCounters;
  readonly route: string;
  readonly text: string;
  readonly label: string;
  readonly groups: readonly string[];
  readonly limiters: readonly LaneLimiter[];
  readonly isMeasured: boolean;
  /** Declared fields that middlewares before the cache set. */
  readonly outer: OutgoingHttpHeaders;
}

const MAX_TICKETS = 10_000;
// What limiters of this suite set is set anew for every request.
const SET_BY_LIMITERS = /^(?:ratelimit|x-ratelimit|retry-after)/;

const lanes = new WeakMap<CacheCore, FastLane>();

/** The lane of a cache, if a server was created for it. */
export function laneOf(core: CacheCore): FastLane | undefined {
  return lanes.get(core);
}

/**
 * Answers fresh public entries before Express runs. A target enters the lane only after Express itself routed it to a hit,
 * under options whose every input is visible here; anything out of the ordinary goes on to Express.
 */
export class FastLane {
  readonly #core: CacheCore;
  readonly #app: Application;
  readonly #declared: ReadonlySet<string>;
  readonly #tickets = new LRUCache<string, LaneTicket>({ max: MAX_TICKETS });

  constructor(core: CacheCore, app: Application, declared: readonly string[]) {
    this.#core = core;
    this.#app = app;
    this.#declared = new Set(['x-powered-by', ...declared.map((name) => name.toLowerCase())]);
    lanes.set(core, this);
  }

  /** Learns from a hit on its way through Express. Refused silently where the lane could not do the same. */
  learn(
    req: Request,
    res: Response,
    view: RequestView,
    config: ResponseCacheConfig,
    counters: CacheCounters,
    route: string,
  ): void {
    const trace = laneTrace(req);
    if (trace === undefined || !isLaneSafe(config) || view.strippedUrl !== undefined || view.isHead) return;
    const name = targetOf(req);
    if (this.#tickets.has(name)) return;
    const outer = this.#declaredOnly(res.getHeaders());
    if (outer === undefined) return;
    const { limiters, isMeasured } = trace;
    const { text, label, groups } = view;
    this.#tickets.set(name, {
      config,
      counters,
      route,
      text,
      label,
      groups,
      limiters: [...limiters],
      isMeasured,
      outer,
    });
  }

  /** `true` when the request is answered, or will be. `false`: it is Express' turn. */
  answer(req: IncomingMessage, res: ServerResponse): boolean {
    if (req.method !== 'GET' && req.method !== 'HEAD') return false;
    const ticket = this.#tickets.get(targetOf(req));
    if (ticket === undefined || bypassReason(req as Request, ticket.config) !== undefined) return false;
    if (req.headers.authorization !== undefined || this.#core.isClosed) return false;
    const { text, label, groups } = ticket;
    const resource = lookupResource(this.#core.store, this.#core.learnedVary, {
      text,
      label,
      groups,
      headers: req.headers,
    });
    // What is not in this process would have to be waited for; Express' way does that.
    if (isPromise(resource) || resource.response === undefined) return false;
    if (resource.response.standing(this.#core.store.now(), resource.found?.softAt) !== 'fresh') return false;
    if (ticket.limiters.length === 0) return this.#send(req, res, ticket, resource, resource.response);
    return this.#limit(req, res, ticket, resource, resource.response);
  }

  /** Asks the limiters that the request would have passed. One that refuses answers by itself, in Express. */
  #limit(
    req: IncomingMessage,
    res: ServerResponse,
    ticket: LaneTicket,
    resource: ResourceLookup,
    response: StoredResponse,
  ): boolean {
    const seen = this.#requestFor(req);
    const decisions = ticket.limiters.map((limiter) => limiter.decide(seen, res as Response));
    const settle = (made: readonly (LaneDecision | undefined)[]): void => {
      const refused = made.some((decision) => decision?.admitted === false);
      if (refused || !this.#sendLimited(req, res, ticket, resource, response, seen, made))
        this.#toExpress(req, res, seen);
    };
    if (decisions.every((decision) => !isPromise(decision))) settle(decisions as readonly LaneDecision[]);
    else void Promise.all(decisions).then(settle, () => this.#toExpress(req, res, seen));
    return true;
  }

  #sendLimited(
    req: IncomingMessage,
    res: ServerResponse,
    ticket: LaneTicket,
    resource: ResourceLookup,
    response: StoredResponse,
    seen: Request,
    made: readonly (LaneDecision | undefined)[],
  ): boolean {
    for (const [index, decision] of made.entries()) {
      if (decision !== undefined) ticket.limiters[index]?.writeFields(seen, res as Response, decision as never);
    }
    return this.#send(req, res, ticket, resource, response);
  }

  #send(
    req: IncomingMessage,
    res: ServerResponse,
    ticket: LaneTicket,
    resource: ResourceLookup,
    response: StoredResponse,
  ): boolean {
    const core = this.#core;
    const now = core.store.now();
    for (const name in ticket.outer) res.setHeader(name, ticket.outer[name] as string);
    const member = `${CACHE_NAME}; hit; ttl=${response.ttlSeconds(now)}`;
    const { statusHeader } = ticket.config;
    const isHead = req.method === 'HEAD';
    const sent = deliver(res, {
      core,
      response,
      requestFields: req.headers,
      isHead,
      now,
      word: 'hit',
      statusHeader,
      member,
    });
    if (sent === false) return false;
    ticket.counters.memoryHits += resource.found?.level === 'redis' ? 0 : 1;
    recordUse(core, ticket.label, ticket.groups);
    if (ticket.isMeasured) this.#measure(req, res, ticket);
    return true;
  }

  #measure(req: IncomingMessage, res: ServerResponse, ticket: LaneTicket): void {
    requestDurations.record({
      method: req.method ?? 'GET',
      route: ticket.route,
      status: res.statusCode,
      seconds: 0,
      result: 'hit',
    });
  }

  #toExpress(req: IncomingMessage, res: ServerResponse, seen: Request): void {
    // What the limiters noted keeps them from counting the request again.
    for (const mark of Object.getOwnPropertySymbols(seen)) Reflect.set(req, mark, Reflect.get(seen, mark));
    (this.#app as unknown as (req: IncomingMessage, res: ServerResponse) => void)(req, res);
  }

  /** The request as Express would show it to a limiter: addresses by `trust proxy`, without routing it. */
  #requestFor(req: IncomingMessage): Request {
    const { method, url, headers, socket } = req;
    return Object.assign(Object.create((this.#app as Application & { request: object }).request), {
      method,
      url,
      originalUrl: url,
      headers,
      socket,
      connection: socket,
      app: this.#app,
    });
  }

  #declaredOnly(fields: OutgoingHttpHeaders): OutgoingHttpHeaders | undefined {
    const outer: OutgoingHttpHeaders = {};
    for (const [name, value] of Object.entries(fields)) {
      if (SET_BY_LIMITERS.test(name)) continue;
      if (!this.#declared.has(name)) return undefined;
      outer[name] = value;
    }
    return outer;
  }
}

/** Whether every input of these options is in the request line and the fields. */
function isLaneSafe(config: ResponseCacheConfig): boolean {
  return (
    config.fastLane &&
    config.identity === undefined &&
    config.skip === undefined &&
    config.key === undefined &&
    config.vary.length === 0 &&
    !config.honorsRequest
  );
}

// A request target has no space, so the last one tells where it begins.
function targetOf(req: IncomingMessage): string {
  const scheme = (req.socket as Partial<TLSSocket>).encrypted === true ? 's' : '';
  const url = (req as Partial<Request>).originalUrl ?? req.url ?? '';
  return `${scheme}:${req.headers.host ?? ''} ${url}`;
}
