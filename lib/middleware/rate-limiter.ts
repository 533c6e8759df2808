import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { WarmpathError } from '../common/errors.js';
import type { EventBus } from '../common/events.js';
import type { Partition } from '../quota/partition-key.js';
import { Partitions } from '../quota/partition-key.js';
import type { QuotaDecision } from '../quota/quota-decision.js';
import type { QuotaFieldFormat } from '../quota/quota-fields.js';
import { sfText } from '../quota/quota-fields.js';
import { QuotaLimiter } from '../quota/quota-limiter.js';
import type { QuotaStats } from '../quota/quota-stats.js';
import { nearLimit } from '../quota/quota-stats.js';
import { isInternalDispatch } from './internal-dispatch.js';
import { laneTrace } from './lane-trace.js';
import type { AnswerContext } from './rate-limiter-answer.js';
import { refuse, sendQuotaFields } from './rate-limiter-answer.js';
import type { Conventions } from './rate-limiter-conventions.js';
import { resolveConventions } from './rate-limiter-conventions.js';
import { QuotaInfo } from './rate-limiter-info.js';
import type { RateLimiterConfig, RateLimiterOptions } from './rate-limiter-options.js';
import { resolveRateLimiterOptions } from './rate-limiter-options.js';
import { refundByOutcome } from './rate-limiter-refund.js';
import { Reports } from './rate-limiter-reports.js';
import type { SubjectContext } from './rate-limiter-subject.js';
import { subjectOf } from './rate-limiter-subject.js';
import type { RateLimitInfo } from './request-augmentation.js';

export type { RateLimiterOptions } from './rate-limiter-options.js';

/** Whom `check` and `reset` mean: what `key` gave, or without `key` the client's address. */
export type ClientName = string | { readonly key: string } | { readonly address: string };

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

  function rateLimiterMiddleware(req: Request, res: Response, next: NextFunction): void {
    laneTrace(req)?.limiters.push(limiter);
    const known = isInternalDispatch(req) ? COUNTED : knownDecision(context, req);
    const decision = known === COUNTED ? undefined : (known ?? decide(context, req, res));
    if (decision instanceof Promise) void decision.then((made) => act(context, req, res, next, made), next);
    else act(context, req, res, next, decision);
  }

  const limiter: RateLimiter = Object.assign(rateLimiterMiddleware, controls(context));
  return limiter;
}

interface Context extends SubjectContext, AnswerContext {
  readonly limiter: QuotaLimiter;
  /** Where a request carries what was decided before it reached the middleware: a symbol no client can name. */
  readonly early: symbol;
}

type Decided = QuotaDecision | undefined;

function rateLimiterContext(options: RateLimiterOptions): Context {
  const config = resolveRateLimiterOptions(options);
  const conventions = resolveConventions(options, config.plans.strictest, config.logger);
  const limiter = createLimiter(config, conventions);
  return {
    config,
    conventions,
    limiter,
    partitions: new Partitions({
      ipv6Subnet: config.ipv6Subnet,
      nat64: config.nat64,
      remember: Math.min(config.maxKeys, 10_000),
    }),
    reports: new Reports(config.logger, limiter.name),
    format: fieldFormat(config, conventions),
    early: Symbol('warmpath.quota'),
  };
}

function createLimiter(config: RateLimiterConfig, { options }: Conventions): QuotaLimiter {
  return new QuotaLimiter({
    ...config,
    unitCost: config.cost === 1,
    refunds: options.skipFailedRequests || options.skipSuccessfulRequests,
  });
}

function fieldFormat({ name }: RateLimiterConfig, { options }: Conventions): QuotaFieldFormat {
  const { standardHeaders, legacyHeaders } = options;
  const draft = standardHeaders === true ? 'draft-6' : standardHeaders;
  return { draft, legacy: legacyHeaders, prefix: name === undefined ? '' : `${sfText(name)}-` };
}

const COUNTED = 'counted';
type Marked = Record<symbol, QuotaDecision | typeof COUNTED | undefined>;
type InfoHolder = Record<string, RateLimitInfo | undefined>;

// Decided before Express, or by this limiter mounted further up: a request is charged once.
function knownDecision(context: Context, req: Request): QuotaDecision | typeof COUNTED | undefined {
  const early = (req as unknown as Marked)[context.early];
  if (early !== undefined) {
    (req as unknown as Marked)[context.early] = COUNTED;
    return early;
  }
  const info = (req as unknown as InfoHolder)[context.conventions.options.requestPropertyName];
  return info !== undefined && QuotaInfo.isBy(info, context) ? COUNTED : undefined;
}

function decide(context: Context, req: Request, res: Response): Decided | Promise<Decided> {
  const subject = subjectOf(context, req, res);
  if (subject instanceof Promise) return subject.then((named) => named && context.limiter.decide(named));
  return subject && context.limiter.decide(subject);
}

function act(context: Context, req: Request, res: Response, next: NextFunction, decision: Decided): void {
  if (decision) tell(context, req, res, decision);
  if (decision?.admitted === false) refuse(context, req, res, next, decision);
  else next();
}

function tell(context: Context, req: Request, res: Response, decision: QuotaDecision): void {
  const holder = req as unknown as InfoHolder;
  const { requestPropertyName } = context.conventions.options;
  const info = new QuotaInfo(decision, context, holder[requestPropertyName]);
  holder[requestPropertyName] = info;
  sendQuotaFields(context, req, res, decision);
  if (!decision.admitted) return;
  if (context.config.onNearLimit) signalNearLimit(context, req, decision, info);
  const { skipFailedRequests, skipSuccessfulRequests } = context.conventions.options;
  if (skipFailedRequests || skipSuccessfulRequests) {
    refundByOutcome(context.conventions, req, res, () => context.limiter.refund(decision));
  }
}

function signalNearLimit(
  { config, reports }: Context,
  req: Request,
  decision: QuotaDecision,
  info: RateLimitInfo,
): void {
  if (nearLimit(decision) !== 'crossed') return;
  try {
    config.onNearLimit?.(req, info);
  } catch {
    reports.once('ERR_NEAR_LIMIT', 'onNearLimit threw; the request went on');
  }
}

function controls(context: Context): Pick<RateLimiter, keyof RateLimiter> {
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
      tell(context, req, res, decision);
      refuse(context, req, res, () => {}, decision);
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

function keepEarly({ early }: Context, req: Request, decision: Decided): Decided {
  (req as unknown as Marked)[early] = decision ?? COUNTED;
  return decision;
}

function partitionNamed({ config, partitions }: Context, client: ClientName): Partition {
  const named = typeof client === 'string' ? (config.key ? { key: client } : { address: client }) : client;
  const partition = 'key' in named ? partitions.ofKey(named.key) : partitions.ofAddress(named.address);
  if (!partition) throw new WarmpathError('ERR_KEY', 'rateLimiter: not an address; say { key } for a key of your own');
  return partition;
}
