import type { IncomingMessage, OutgoingHttpHeader, ServerResponse } from 'node:http';
import type { Application, Request, Response } from 'express';
import { type ObservedRequest, observeRequest, type RequestReadings } from './observed-request.js';
import { routeLabel } from './route-label.js';

/** What a limiter decided about a request in the fast lane. */
export interface LaneDecision {
  readonly admitted: boolean;
}

/** A limiter as the fast lane needs it. */
export interface LaneLimiter {
  /** Whether functions of the user see the request. */
  readonly asksUser: boolean;
  /** Counts a request. `undefined`: it is not counted. */
  decide(req: Request, res: Response): LaneDecision | undefined | Promise<LaneDecision | undefined>;
  /** Does for an admitted request what the middleware does. */
  admit(req: Request, res: Response, decision: LaneDecision): void;
  /** Answers a refused request as the middleware does. `false`: only Express can. */
  refuse(req: Request, res: Response, decision: LaneDecision): boolean;
  /** Tells the middleware that this request is counted already. */
  hand(req: IncomingMessage, decision: LaneDecision | undefined): void;
}

/** Request metrics as the fast lane needs them. */
export interface LaneMeter {
  /** Measures a request whose answer has been written, by the cache (`isHit`) or by a limiter. */
  measure(req: IncomingMessage, res: ServerResponse, startedAt: number, route: string, isHit: boolean): void;
}

/** A part of this suite that a request passed before it reached the response cache: it applies in the fast lane as well. */
export interface LaneStep {
  readonly limiter?: LaneLimiter | undefined;
  readonly meter?: LaneMeter | undefined;
  /** The app it is mounted in: its `trust proxy` tells addresses. */
  readonly app: Application;
  /** The label of a request that ends here. */
  readonly route: string;
  /** What Express showed it of the request. */
  readonly shown: Readonly<Record<string, unknown>>;
  /** Properties that others had put on the request. */
  readonly foreign: readonly string[];
  /** Fields that the answer had here. */
  readonly fields: readonly FieldPair[];
}

/** A field as it is written. */
export type FieldPair = readonly [name: string, value: OutgoingHttpHeader];

// What Node and Express keep on a request.
const OF_EXPRESS = new Set(['headers', 'res', 'next', 'baseUrl', 'originalUrl', 'url', 'params', 'query', 'route']);
OF_EXPRESS.add('_parsedUrl').add('_parsedOriginalUrl').add('_eventsCount');
const SHOWN = ['url', 'originalUrl', 'baseUrl', 'params', 'route'] as const;
const WRITERS = ['writeHead', 'write', 'end', 'setHeader', 'flushHeaders'] as const;

/**
 * Follows a request through the app up to the cache: which parts of this suite it passes, and what anybody reads of it. Who
 * refuses or routes a request, or sets fields by it, has to read it first.
 */
export class LaneTrace {
  readonly steps: LaneStep[] = [];
  readonly #watch: ObservedRequest;
  readonly #known: ReadonlySet<string>;
  readonly #writers = new Map<string, unknown>();
  #hasArrived = false;

  /** @param owner the lane that is to learn */
  constructor(
    readonly owner: object,
    req: IncomingMessage,
    res: ServerResponse,
  ) {
    this.#known = new Set([...OF_EXPRESS, ...valued(req)]);
    this.#watch = observeRequest(req, res as Partial<Response>, { hidden: new Set(), watch: true });
    res.once('close', () => this.#watch.stop());
  }

  /** What was read before the cache. */
  get readings(): RequestReadings {
    return this.#watch.readings;
  }

  /** A part of this suite is passed. */
  pass(req: Request, res: Response, part: Pick<LaneStep, 'limiter' | 'meter'>): void {
    if (this.#hasArrived) return;
    const shown: Record<string, unknown> = {};
    for (const name of SHOWN) shown[name] = req[name];
    const query = Object.getOwnPropertyDescriptor(req, 'query'); // Express 4; Express 5 reads it from the URL
    if (query !== undefined && 'value' in query) shown.query = query.value;
    const foreign = valued(req).filter((name) => !this.#known.has(name));
    const { limiter, meter } = part;
    // Written out: V8 gives each copy of a frozen object a kind of its own, and hits read this.
    this.steps.push({ limiter, meter, app: req.app, route: routeLabel(req), shown, foreign, fields: fieldsOf(res) });
  }

  /** This suite itself is about to replace methods of the response, in a way that leaves a hit as it is. */
  replaces(res: ServerResponse, replace: () => void): void {
    const before = WRITERS.filter((name) => this.#isForeign(res, name));
    replace();
    for (const name of WRITERS) if (isReplaced(res, name) && !before.includes(name)) this.#writers.set(name, res[name]);
  }

  /** Whether this suite replaced methods of the response. */
  get hasOwnWriters(): boolean {
    return this.#writers.size > 0;
  }

  /** Whether somebody else replaced a method of the response: what is sent then passes through their hands. */
  hasForeignWriter(res: ServerResponse): boolean {
    return WRITERS.some((name) => this.#isForeign(res, name));
  }

  /** The request reached a cache that has the fast lane: what is read from here on tells nothing. */
  arrive(): void {
    this.#hasArrived = true;
    this.#watch.stop();
  }

  get hasArrived(): boolean {
    return this.#hasArrived;
  }

  #isForeign(res: ServerResponse, name: (typeof WRITERS)[number]): boolean {
    return isReplaced(res, name) && this.#writers.get(name) !== res[name];
  }
}

// A property without a value tells as little as one that is not there. Nothing is read that somebody's function would answer.
function valued(req: IncomingMessage): string[] {
  return Object.keys(req).filter((name) => {
    const { get, value } = Object.getOwnPropertyDescriptor(req, name) as PropertyDescriptor;
    return get !== undefined || value !== undefined;
  });
}

function isReplaced(res: ServerResponse, name: (typeof WRITERS)[number]): boolean {
  return res[name] !== (Object.getPrototypeOf(res) as ServerResponse)[name];
}

/** The fields an answer has so far, with their names as they were given. */
export function fieldsOf(res: ServerResponse): FieldPair[] {
  const names = (res as ServerResponse & { getRawHeaderNames(): string[] }).getRawHeaderNames();
  return names.map((name) => [name, res.getHeader(name) as OutgoingHttpHeader]);
}

const traces = new WeakMap<IncomingMessage, LaneTrace>();

/** Follows a request through the app. */
export function startLaneTrace(owner: object, req: IncomingMessage, res: ServerResponse): void {
  traces.set(req, new LaneTrace(owner, req, res));
}

/** The trace of a request, if it is followed. */
export function laneTrace(req: IncomingMessage): LaneTrace | undefined {
  return traces.get(req);
}
