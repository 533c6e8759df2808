import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, Response } from 'express';
import type { CacheCounters } from '../cache/cache-stats.js';
import type { LaneHead } from './lane-head.js';
import { type FieldPair, fieldsOf, type LaneStep, type LaneTrace } from './lane-trace.js';
import type { RequestView } from './request-view.js';
import type { ResponseCacheConfig } from './response-cache-options.js';
import { routeLabel, UNMATCHED } from './route-label.js';

/** A hit on its way through Express, as the cache tells of it. */
export interface LaneHit {
  readonly req: Request;
  readonly res: Response;
  readonly view: RequestView;
  readonly config: ResponseCacheConfig;
  readonly counters: CacheCounters;
  /** The name of the cache. */
  readonly name: string;
}

/** What the owner of the app says about the middlewares before the cache. */
export interface LaneDeclaration {
  /** Lower-case names of fields that are the same on every answer. */
  readonly fields: ReadonlySet<string>;
  /** Inputs that are read before the cache and shape nothing. */
  readonly ignored: ReadonlySet<string>;
}

/** How to answer a target without Express. */
export interface LaneTicket {
  readonly config: ResponseCacheConfig;
  readonly counters: CacheCounters;
  /** The route's label in request metrics. */
  readonly route: string;
  readonly text: string;
  readonly label: string;
  readonly groups: readonly string[];
  readonly steps: readonly LaneStep[];
  readonly hasLimiters: boolean;
  readonly hasMeters: boolean;
  /** Whether functions of a limiter see the response. */
  readonly asksUser: boolean;
  /** Request fields that were read before the cache, with what they were: it is good for requests that say the same. */
  readonly conditions: readonly FieldCondition[];
  /** Declared fields that middlewares before the cache set. */
  readonly outer: readonly FieldPair[];
  /** Ranges are left to Express. */
  readonly wholeOnly: boolean;
  readonly reviewAt: number;
  /** The head of the answer sent last. */
  head: LaneHead | undefined;
  /** Where in this process the entry of that answer stands, if it can be told, and what the client accepted. */
  place: number | undefined;
  acceptEncoding: string | readonly string[] | undefined;
}

/** A request field as it was; `undefined`: there was none. */
export type FieldCondition = readonly [name: string, value: string | undefined];

/** Why a hit does not open the lane. */
export class LaneRefusal {
  constructor(readonly reason: string) {}
}

// What limiters of this suite set is set anew for every request.
const SET_BY_LIMITERS = /^(?:(?:x-)?ratelimit|retry-after$|date$)/i;
// Plain fields without a secret in them: an answer may depend on them, a permission does not.
const PLAIN = new Set(['accept', 'accept-encoding', 'accept-language', 'user-agent', 'origin', 'referer']);
PLAIN.add('x-forwarded-proto').add('x-forwarded-host').add('content-type');
// In the name of the target, or never in the lane when they are there.
const SETTLED = new Set(['host', 'authorization', 'transfer-encoding', 'upgrade', 'if-match', 'if-unmodified-since']);
const CERTAIN_PROPERTIES = /^(?:req|res)\./;
const NONE: readonly never[] = Object.freeze([]);

/** Whether every input of these options is in the request line and the fields. */
export function isLaneSafe({ config, view }: LaneHit): boolean {
  return (
    config.fastLane &&
    config.identity === undefined &&
    config.skip === undefined &&
    config.key === undefined &&
    config.vary.length === 0 &&
    config.refreshAhead === undefined && // the lane looks at nothing but freshness
    !config.honorsRequest &&
    view.strippedUrl === undefined &&
    !view.isAuthorized
  );
}

/** The fields set before the cache that are not a limiter's own. */
export function outerFields(res: ServerResponse): readonly FieldPair[] {
  return fieldsOf(res).filter(([name]) => !SET_BY_LIMITERS.test(name));
}

/** Makes a ticket of a hit that was followed, unless something before the cache could have answered otherwise. */
export function ticketOf(
  hit: LaneHit,
  trace: LaneTrace,
  outer: readonly FieldPair[],
  declaration: LaneDeclaration,
  reviewAt: number,
): LaneTicket | LaneRefusal {
  const { req, view, config, counters, name } = hit;
  const conditions = conditionsOf(req, trace, declaration.ignored);
  if (conditions instanceof LaneRefusal) return conditions;
  const refusal = refusedFor(hit, trace, outer, declaration);
  if (refusal !== undefined) return new LaneRefusal(refusal);
  const matched = routeLabel(req);
  const { text, label, groups } = view;
  return {
    config,
    counters,
    route: matched === UNMATCHED ? name : matched,
    text,
    label,
    groups,
    steps: trace.steps.map(slim),
    hasLimiters: trace.steps.some(({ limiter }) => limiter !== undefined),
    hasMeters: trace.steps.some(({ meter }) => meter !== undefined),
    asksUser: trace.steps.some(({ limiter }) => limiter?.asksUser === true),
    conditions,
    outer,
    wholeOnly: trace.hasOwnWriters,
    reviewAt,
    head: undefined,
    place: undefined,
    acceptEncoding: undefined,
  };
}

/** Whether a request says what the one said that opened the lane. */
export function meets(req: IncomingMessage, conditions: readonly FieldCondition[]): boolean {
  for (const [name, value] of conditions) if (req.headers[name] !== value) return false;
  return true;
}

function refusedFor(
  { req, res }: LaneHit,
  trace: LaneTrace,
  outer: readonly FieldPair[],
  { fields }: LaneDeclaration,
): string | undefined {
  if (!trace.hasArrived) return 'the cache was reached by a way that cannot be followed';
  if (trace.hasForeignWriter(res)) return 'a middleware before the cache replaces methods of the response';
  if (req.warmpath !== undefined) return 'the URL is signed, and its end must be checked each time';
  if (!res.sendDate) return 'a middleware before the cache turned the Date field off';
  const limiters = trace.steps.filter(({ limiter }) => limiter !== undefined);
  const beforeLimits = limiters[0]?.fields ?? fieldsOf(res);
  const seen = [...outer, ...limiters.flatMap((step) => step.fields.filter(isOuter)), ...beforeLimits];
  if (res.hasHeader('cache-status')) return 'another cache has answered before';
  const undeclared = seen.find(([name]) => !fields.has(name.toLowerCase()));
  if (undeclared !== undefined) return `'${undeclared[0]}' is set before the cache and not declared in 'headers'`;
  const asking = limiters.filter(({ limiter }) => limiter?.asksUser);
  if (asking.length > 0 && limiters.length > 1) return 'of several limiters, one has functions of its own';
  const foreign = asking.flatMap((step) => step.foreign)[0];
  return foreign === undefined ? undefined : `functions of a limiter may read 'req.${foreign}'`;
}

function isOuter([name]: FieldPair): boolean {
  return !SET_BY_LIMITERS.test(name);
}

/** What was read before the cache, as conditions. Properties are what middlewares made of fields they had to read. */
function conditionsOf(
  { headers }: Request,
  { readings }: LaneTrace,
  ignored: ReadonlySet<string>,
): readonly FieldCondition[] | LaneRefusal {
  const inputs = [...readings.fields, ...readings.identity, ...(readings.everything ? ['*'] : [])];
  const open = inputs.filter((name) => !(ignored.has(name) || SETTLED.has(name) || CERTAIN_PROPERTIES.test(name)));
  const certain = (name: string): boolean =>
    name !== '*' && name !== 'ip' && (PLAIN.has(name) || headers[name] === undefined);
  const uncertain = open.find((name) => !certain(name));
  if (uncertain !== undefined) return new LaneRefusal(`'${uncertain}' is read before the cache`);
  if (open.length === 0) return NONE;
  return open.map((name): FieldCondition => [name, headers[name] as string | undefined]);
}

// Only functions of a limiter are shown what Express showed.
function slim({ limiter, meter, app, route, shown, fields }: LaneStep): LaneStep {
  return {
    limiter,
    meter,
    app,
    route,
    shown: limiter?.asksUser ? shown : NOTHING,
    foreign: NONE,
    fields: limiter === undefined ? NONE : fields.filter(isOuter),
  };
}

const NOTHING = Object.freeze({});
