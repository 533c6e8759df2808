import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { EventBus } from '../common/events.js';
import type { QuotaDecision } from '../quota/quota-decision.js';
import type { QuotaStats } from '../quota/quota-stats.js';
import { isInternalDispatch } from './internal-dispatch.js';
import { laneTrace } from './lane-trace.js';
import { unobserved } from './observed-request.js';
import { sendQuotaFields, turnAway } from './rate-limiter-answer.js';
import type { ClientName, Decided, LimiterContext } from './rate-limiter-context.js';
import {
  COUNTED,
  decide,
  keepEarly,
  knownDecision,
  partitionNamed,
  rateLimiterContext,
} from './rate-limiter-context.js';
import { QuotaInfo } from './rate-limiter-info.js';
import { laneLimiter } from './rate-limiter-lane.js';
import type { RateLimiterOptions } from './rate-limiter-options.js';
import { noteInfo, tell } from './rate-limiter-tell.js';
import type { RateLimitInfo } from './request-augmentation.js';
import { prepareServerOf } from './request-shape.js';

export type { ClientName } from './rate-limiter-context.js';
export type { RateLimiterOptions } from './rate-limiter-options.js';

/** The middleware, and what can be asked of it. */
export interface RateLimiter extends RequestHandler {
  readonly limiterName: string;
  /** `quota` events, one per request. */
  readonly events: EventBus;
  stats(): QuotaStats;
  /** How a client stands in a tier, without charging it. */
  check(client: ClientName, options?: { readonly tier?: string }): Promise<RateLimitInfo>;
  /** Gives a client its full quota back, on every instance. `false` when Redis could not confirm. */
  reset(client: ClientName): Promise<boolean>;
  /** express-rate-limit's name for `reset`. */
  resetKey(client: ClientName): Promise<boolean>;
  /**
   * Decides about a request ahead of the middleware, which then does not count it again: for listeners that answer before
   * Express. Synchronous whenever this process knows the answer. `undefined`: the request is not counted.
   */
  decide(req: Request, res: Response): QuotaDecision | undefined | Promise<QuotaDecision | undefined>;
  /** Puts the fields of a decision on a response, as the middleware would. */
  writeFields(req: Request, res: Response, decision: QuotaDecision): void;
  /** Answers a refused request on a plain response, as the middleware would. `false`: the user's own handler must, in Express. */
  refuse(req: Request, res: Response, decision: QuotaDecision): boolean;
  /** Lets go of Redis, which stays open, and leaves metrics and admin pages. Requests that still come are counted in process. */
  close(): void;
}

/**
 * Limits requests per client and tier, on every instance alike. Counted once per request, before the cache; requests
 * the app sends itself are not counted.
 * @see README, "Rate limiting"
 */
export function rateLimiter(options: RateLimiterOptions): RateLimiter {
  const context = rateLimiterContext(options);
  const inLane = laneLimiter(context);

  function rateLimiterMiddleware(req: Request, res: Response, next: NextFunction): void {
    prepareServerOf(req);
    const known = isInternalDispatch(req) ? COUNTED : knownDecision(context, req);
    if (known !== COUNTED) laneTrace(req)?.pass(req, res, { limiter: inLane });
    const decision = known === COUNTED ? undefined : (known ?? unobserved(req, () => decide(context, req, res)));
    if (decision instanceof Promise) void decision.then((made) => act(context, req, res, next, made), next);
    else act(context, req, res, next, decision);
  }

  const limiter: RateLimiter = Object.assign(rateLimiterMiddleware, controls(context));
  return limiter;
}

function act(context: LimiterContext, req: Request, res: Response, next: NextFunction, decision: Decided): void {
  if (decision?.admitted === false) {
    noteInfo(context, req, decision);
    return turnAway(context, req, res, next, decision);
  }
  if (decision) tell(context, req, res, decision);
  next();
}

function controls(context: LimiterContext): Pick<RateLimiter, keyof RateLimiter> {
  const { limiter, config } = context;
  const reset = (client: ClientName): Promise<boolean> => limiter.reset(partitionNamed(context, client).digest);
  return {
    limiterName: limiter.name,
    events: limiter.events,
    stats: () => limiter.stats(),
    reset,
    resetKey: reset,
    close: () => limiter.close(),
    writeFields: (req, res, decision) => sendQuotaFields(context, req, res, decision),
    refuse: (req, res, decision) => {
      if (context.conventions.custom) return false;
      noteInfo(context, req, decision);
      turnAway(context, req, res, () => {}, decision);
      return true;
    },
    check: async (client, { tier } = {}) => {
      const plan = (tier === undefined ? undefined : config.plans.byName.get(tier)) ?? config.plans.strictest;
      return new QuotaInfo(await limiter.check({ partition: partitionNamed(context, client), plan, cost: 0 }));
    },
    decide: (req, res) => {
      if (isInternalDispatch(req)) return undefined;
      const decision = decide(context, req, res);
      if (decision instanceof Promise) return decision.then((made) => keepEarly(context, req, made));
      return keepEarly(context, req, decision);
    },
  };
}
