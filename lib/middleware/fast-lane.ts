import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Request, Response } from 'express';
import { type CacheCore, recordUse } from '../cache/cache-core.js';
import { sessionLikeCookie } from '../cache/http/identity-cookies.js';
import { lookupResource } from '../cache/resource-lookup.js';
import type { StoredResponse } from '../cache/stored-response.js';
import { safeErrorText } from '../common/errors.js';
import { isPromise } from '../store/stored-entry.js';
import { CACHE_NAME } from './cache-name.js';
import { deliver } from './deliver-response.js';
import { FieldList, laneHead, sendWhole } from './lane-head.js';
import { shownRequest } from './lane-request.js';
import { type Candidate, LaneTargets } from './lane-targets.js';
import {
  isLaneSafe,
  type LaneDeclaration,
  type LaneHit,
  LaneRefusal,
  type LaneTicket,
  meets,
  outerFields,
  ticketOf,
} from './lane-ticket.js';
import { type FieldPair, type LaneDecision, type LaneTrace, laneTrace } from './lane-trace.js';
import { bodyAtHand, type Representation, representationFor } from './representation.js';
import { bypassReason } from './request-view.js';

/** What is to happen to a request: it is answered or will be, or Express is to answer it, perhaps followed by the lane. */
export type LaneVerdict = 'answered' | 'express' | 'follow';

/** A stored response that can be sent at once. */
interface Ready {
  readonly response: StoredResponse;
  readonly form: Representation;
  readonly body: Buffer | string;
  readonly isRedis: boolean;
}

const MAX_TARGET_LENGTH = 1024;
const MAX_FIELD_LISTS = 100;
const MAX_WARNINGS = 100;
/** So often a request goes through Express all the same, and what was learned is looked at again. */
const REVIEW_MS = 30_000;
// A followed request that never comes to a hit is given up, and another one followed.
const FOLLOW_MS = 1000;

const lanes = new WeakMap<CacheCore, Set<FastLane>>();

/** A request reached a cache that has the fast lane. */
export function noteLaneArrival(req: Request): void {
  laneTrace(req)?.arrive();
}

/** Lets the lanes of a cache learn from a hit on its way through Express. */
export function noteLaneHit(hit: LaneHit & { readonly core: CacheCore }): void {
  const known = lanes.get(hit.core);
  if (known === undefined || !isLaneSafe(hit)) return;
  const trace = laneTrace(hit.req);
  for (const lane of known) {
    if (trace === undefined) lane.suggest(hit);
    else if (trace.owner === lane) lane.learn(hit, trace);
  }
}

/**
 * Answers fresh public entries before Express runs. A target enters the lane after two hits that Express routed alike, the
 * second of them followed up to the cache; anything out of the ordinary goes on to Express.
 */
export class FastLane {
  readonly #core: CacheCore;
  readonly #express: (req: IncomingMessage, res: ServerResponse) => void;
  readonly #declaration: LaneDeclaration;
  readonly #targets = new LaneTargets();
  readonly #fieldLists = new Map<string, readonly FieldPair[]>();
  readonly #warned = new Set<string>();

  constructor(
    core: CacheCore,
    express: (req: IncomingMessage, res: ServerResponse) => void,
    declaration: LaneDeclaration,
  ) {
    this.#core = core;
    this.#express = express;
    this.#declaration = declaration;
    const known = lanes.get(core) ?? new Set();
    lanes.set(core, known.add(this));
  }

  /** Learns no more. */
  close(): void {
    lanes.get(this.#core)?.delete(this);
    this.#targets.clear();
  }

  /** Notes a target that had a hit: its next request is followed. */
  suggest({ req, res }: LaneHit): void {
    const [group, url] = [groupOf(req), urlOf(req)];
    if (group.length + url.length > MAX_TARGET_LENGTH || this.#targets.get(group, url) !== undefined) return;
    this.#targets.set(group, url, { outer: JSON.stringify(outerFields(res)), differed: false, followAt: 0 });
  }

  /** Learns from a hit that was followed. */
  learn(hit: LaneHit, trace: LaneTrace): void {
    const [group, url] = [groupOf(hit.req), urlOf(hit.req)];
    const known = this.#targets.get(group, url);
    if (known === undefined || 'text' in known) return;
    const now = this.#core.store.now();
    const outer = outerFields(hit.res);
    const text = JSON.stringify(outer);
    if (text !== known.outer && !known.differed) {
      // Once is no proof: another server of the same cache may have had the hit before.
      Object.assign(known, { outer: text, differed: true, followAt: now });
      return;
    }
    const made =
      text === known.outer
        ? ticketOf(hit, trace, this.#shared(text, outer), this.#declaration, now + REVIEW_MS)
        : new LaneRefusal('the fields set before the cache are not the same each time');
    if (!(made instanceof LaneRefusal)) return void this.#targets.set(group, url, made);
    this.#targets.set(group, url, { outer: text, differed: false, followAt: now + REVIEW_MS });
    this.#warn(hit.name, made.reason);
  }

  /** Answers a request if it may. Does not throw: outside Express, an error would end the process. */
  answer(req: IncomingMessage, res: ServerResponse): LaneVerdict {
    try {
      return this.#answer(req, res);
    } catch (error) {
      this.#core.log.warn(`warmpath: the fast lane failed, Express answers: ${safeErrorText(error)}`);
      this.#targets.delete(groupOf(req), urlOf(req));
      return withdraw(res) ? 'express' : 'answered';
    }
  }

  #answer(req: IncomingMessage, res: ServerResponse): LaneVerdict {
    if (req.method !== 'GET' && req.method !== 'HEAD') return 'express';
    const group = groupOf(req);
    const url = urlOf(req);
    const known = this.#targets.get(group, url);
    if (known === undefined || this.#core.isClosed) return 'express';
    const now = this.#core.store.now();
    if (!('text' in known)) return follow(known, now);
    if (now >= known.reviewAt) {
      this.#targets.set(group, url, { outer: JSON.stringify(known.outer), differed: true, followAt: now + FOLLOW_MS });
      return 'follow';
    }
    if (!isPlain(req, known)) return 'express';
    if (known.hasLimiters) return this.#limit(req, res, known);
    const startedAt = known.hasMeters ? performance.now() : 0;
    const ready = this.#ready(req, known, now);
    if (ready === undefined) return 'express';
    this.#send(req, res, known, ready, now, startedAt, undefined);
    return 'answered';
  }

  /** Asks the limiters on the way, in their order; the first that refuses answers. */
  #limit(req: IncomingMessage, res: ServerResponse, ticket: LaneTicket): LaneVerdict {
    const passage: Passage = { req, res, ticket, startedAt: performance.now(), made: [], seen: [] };
    const settled = this.#decideFrom(passage, 0);
    if (!isPromise(settled)) return this.#conclude(passage, settled) ? 'answered' : this.#handOver(passage);
    settled.then((at) => this.#conclude(passage, at) || this.#handOver(passage)).catch(() => this.#handOver(passage));
    return 'answered';
  }

  // Position of the step that refused, or -1. A promise only where a limiter has to ask Redis.
  #decideFrom(passage: Passage, from: number): number | Promise<number> {
    const { req, res, ticket, made, seen } = passage;
    for (let at = from; at < ticket.steps.length; at++) {
      const step = ticket.steps[at] as LaneTicket['steps'][number];
      const { limiter } = step;
      if (limiter === undefined) continue;
      const shown = shownRequest(step, req, res);
      seen[at] = shown;
      const decision = limiter.decide(shown, res as Response);
      if (isPromise(decision))
        return decision.then((ready) => {
          made[at] = ready;
          return ready?.admitted === false ? at : this.#decideFrom(passage, at + 1);
        });
      made[at] = decision;
      if (decision?.admitted === false) return at;
    }
    return -1;
  }

  // `false`: it is for Express to answer, and nothing was written.
  #conclude(passage: Passage, refusedAt: number): boolean {
    const { req, res, ticket, made, seen, startedAt } = passage;
    const now = this.#core.store.now();
    const ready = refusedAt === -1 && !this.#core.isClosed ? this.#ready(req, ticket, now) : undefined;
    if (refusedAt === -1 && ready === undefined) return false;
    const last = refusedAt === -1 ? ticket.steps.length : refusedAt;
    if (refusedAt !== -1) for (const [name, value] of fieldsAt(ticket, refusedAt)) res.setHeader(name, value);
    const more = ready === undefined || ticket.asksUser ? undefined : new FieldList();
    const target = (more ?? res) as unknown as Response;
    for (let at = 0; at < last; at++) {
      const decision = made[at];
      if (decision !== undefined) ticket.steps[at]?.limiter?.admit(seen[at] as Request, target, decision);
    }
    if (ready !== undefined) this.#send(req, res, ticket, ready, now, startedAt, more);
    else return this.#refuse(passage, refusedAt);
    return true;
  }

  #refuse({ req, res, ticket, made, seen, startedAt }: Passage, at: number): boolean {
    const step = ticket.steps[at];
    const refused = step?.limiter?.refuse(seen[at] as Request, res as Response, made[at] as LaneDecision) === true;
    if (!refused) return false;
    for (const { meter } of ticket.steps.slice(0, at)) meter?.measure(req, res, startedAt, step.route, false);
    return true;
  }

  /** Express answers after all; what was counted is not counted again. */
  #handOver({ req, res, ticket, made }: Passage): 'answered' {
    if (!withdraw(res)) return 'answered';
    for (const at of made.keys()) if (at in made) ticket.steps[at]?.limiter?.hand(req, made[at]);
    this.#express(req, res);
    return 'answered';
  }

  // What is not in this process would have to be waited for; Express' way does that.
  #ready(req: IncomingMessage, ticket: LaneTicket, now: number): Ready | undefined {
    if (ticket.wholeOnly && req.headers.range !== undefined) return undefined;
    return this.#readyAgain(req, ticket, now) ?? this.#readyNow(req, ticket, now);
  }

  /** The entry that answered this target last, if it still stands where it stood and may be used. */
  #readyAgain({ headers }: IncomingMessage, ticket: LaneTicket, now: number): Ready | undefined {
    const { place, head } = ticket;
    if (place === undefined || head === undefined || ticket.acceptEncoding !== headers['accept-encoding'])
      return undefined;
    const found = this.#core.store.at?.(place, now)?.found;
    const response = found?.entry.view as StoredResponse | undefined;
    if (response?.quick !== ticket || headers.range !== undefined) return undefined;
    const { form } = head;
    // The head may be that of the response before, if only conditions were answered since.
    if (response.forms.get(form.coding) !== form) return undefined;
    if (response.standing(now, found?.softAt) !== 'fresh') return undefined;
    const body = bodyAtHand(form, response, this.#core.decodedBodies);
    return body === undefined ? undefined : { response, form, body, isRedis: false };
  }

  #readyNow(req: IncomingMessage, ticket: LaneTicket, now: number): Ready | undefined {
    const { store, learnedVary, decodedBodies } = this.#core;
    const { text, label, groups } = ticket;
    const { headers } = req;
    const resource = lookupResource(store, learnedVary, { text, label, groups, headers });
    if (isPromise(resource) || resource.response === undefined) return undefined;
    const { response, found } = resource;
    if (response.standing(now, found?.softAt) !== 'fresh') return undefined;
    const form = representationFor(response, headers.range === undefined ? headers : NO_FIELDS);
    const body = bodyAtHand(form, response, decodedBodies);
    if (body === undefined) return undefined;
    // A resource that varies has to be looked up by what the request says.
    ticket.place = resource.key.variant === '' ? store.placeOf?.(resource.lookup) : undefined;
    ticket.acceptEncoding = headers['accept-encoding'];
    response.quick = ticket;
    return { response, form, body, isRedis: found?.level === 'redis' };
  }

  #send(
    req: IncomingMessage,
    res: ServerResponse,
    ticket: LaneTicket,
    ready: Ready,
    now: number,
    startedAt: number,
    more: FieldList | undefined,
  ): void {
    const { headers } = req;
    const { counters } = ticket;
    const { 'if-none-match': tags, 'if-modified-since': since, range } = headers;
    if (tags === undefined && since === undefined && range === undefined) {
      const { response, form, body } = ready;
      if (ticket.head?.form !== form) ticket.head = laneHead(form, ticket.outer, ticket.config.statusHeader);
      sendWhole(res, ticket.head, response, body, now, req.method === 'HEAD', more);
    } else {
      more?.moveTo(res);
      this.#deliver(req, res, ticket, ready.response, now);
    }
    if (ticket.hasMeters) for (const { meter } of ticket.steps) meter?.measure(req, res, startedAt, ticket.route, true);
    counters.lookup.addNothing();
    if (ready.isRedis) counters.redisHits += 1;
    else counters.memoryHits += 1;
    recordUse(this.#core, ticket.label, ticket.groups);
  }

  // Conditions and ranges are as rare as they are intricate: one place judges them.
  #deliver(req: IncomingMessage, res: ServerResponse, ticket: LaneTicket, response: StoredResponse, now: number): void {
    for (const [name, value] of ticket.outer) res.setHeader(name, value);
    const { statusHeader } = ticket.config;
    const member = `${CACHE_NAME}; hit; ttl=${response.ttlSeconds(now)}`;
    const isHead = req.method === 'HEAD';
    const requestFields = req.headers;
    deliver(res, { core: this.#core, response, requestFields, isHead, now, word: 'hit', statusHeader, member });
  }

  // Most targets of an app have the same few fields before the cache.
  #shared(text: string, outer: readonly FieldPair[]): readonly FieldPair[] {
    const known = this.#fieldLists.get(text);
    if (known !== undefined) return known;
    if (this.#fieldLists.size < MAX_FIELD_LISTS) this.#fieldLists.set(text, outer);
    return outer;
  }

  #warn(name: string, reason: string): void {
    const text = `warmpath: 'fastLane' of '${name}' has no effect for a request: ${reason}`;
    if (this.#warned.has(text) || this.#warned.size >= MAX_WARNINGS) return;
    this.#warned.add(text);
    this.#core.log.warn(text);
  }
}

/** A request between its limiters. By position of the step: what was decided, and what the limiter was shown. */
interface Passage {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly ticket: LaneTicket;
  readonly startedAt: number;
  readonly made: (LaneDecision | undefined)[];
  readonly seen: Request[];
}

const NO_FIELDS = Object.freeze({});

// `false`: too late, the connection has to end.
function withdraw(res: ServerResponse): boolean {
  if (res.headersSent) {
    res.destroy();
    return false;
  }
  for (const name of res.getHeaderNames()) res.removeHeader(name);
  return true;
}

function follow(candidate: Candidate, now: number): LaneVerdict {
  if (now < candidate.followAt) return 'express';
  candidate.followAt = now + FOLLOW_MS;
  return 'follow';
}

function fieldsAt({ steps }: LaneTicket, at: number): readonly FieldPair[] {
  return steps[at]?.fields ?? [];
}

/** Whether nothing about a request tells who sends it, and nothing asks for more than the stored answer. */
function isPlain(req: IncomingMessage, { config, conditions }: LaneTicket): boolean {
  const { headers } = req;
  if (headers.authorization !== undefined || bypassReason(req as Request, config) !== undefined) return false;
  if (config.ignoresCredentials && sessionLikeCookie(headers.cookie)) return false;
  const { encrypted, authorized } = req.socket as Partial<TLSSocket>;
  if (encrypted === true && authorized === true) return false; // a client certificate tells who it is
  return conditions.length === 0 || meets(req, conditions);
}

/** What a target belongs to: the host, and what else tells answers of one URL apart. */
function groupOf(req: IncomingMessage): string {
  const { host = '' } = req.headers;
  const isSecure = (req.socket as Partial<TLSSocket>).encrypted === true;
  // A host has no space.
  if (req.method === 'HEAD') return `${isSecure ? 'hs' : 'h'} ${host}`;
  return isSecure ? `s ${host}` : host;
}

function urlOf(req: IncomingMessage): string {
  return (req as Partial<Request>).originalUrl ?? req.url ?? '';
}
