import type { IncomingMessage } from 'node:http';
import type { Request, Response } from 'express';
import { WarmpathError } from '../common/errors.js';
import type { Partition } from '../quota/partition-key.js';
import { Partitions } from '../quota/partition-key.js';
import type { QuotaDecision } from '../quota/quota-decision.js';
import type { QuotaFieldFormat } from '../quota/quota-fields.js';
import { sfText } from '../quota/quota-fields.js';
import { QuotaLimiter } from '../quota/quota-limiter.js';
import { type AnswerContext, preparedRefusals } from './rate-limiter-answer.js';
import type { RateLimiterConfig } from './rate-limiter-config.js';
import { resolveRateLimiterOptions } from './rate-limiter-config.js';
import type { Conventions } from './rate-limiter-conventions.js';
import { resolveConventions } from './rate-limiter-conventions.js';
import { QuotaInfo } from './rate-limiter-info.js';
import type { RateLimiterOptions } from './rate-limiter-options.js';
import { Reports } from './rate-limiter-reports.js';
import type { SubjectContext } from './rate-limiter-subject.js';
import { subjectOf } from './rate-limiter-subject.js';
import type { RateLimitInfo } from './request-augmentation.js';

/** Whom `check` and `reset` mean: what `key` gave, or without `key` the client's address. */
export type ClientName = string | { readonly key: string } | { readonly address: string };

/** Everything a limiter's middleware works with. */
export interface LimiterContext extends SubjectContext, AnswerContext {
  readonly limiter: QuotaLimiter;
  /** Where a request carries what was decided before it reached the middleware: a symbol no client can name. */
  readonly early: symbol;
}

/** `undefined`: the request is not counted. */
export type Decided = QuotaDecision | undefined;

/** Checks the options and makes what a limiter needs. */
export function rateLimiterContext(options: RateLimiterOptions): LimiterContext {
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
    refusals: preparedRefusals(conventions),
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

/** Nothing is left to decide about a request. */
export const COUNTED = 'counted';
type Marked = Record<symbol, QuotaDecision | typeof COUNTED | undefined>;
/** A request as the place where `req.rateLimit` stands, whatever it is called. */
export type InfoHolder = Record<string, RateLimitInfo | undefined>;

/** What is known of a request: decided before Express, or by this limiter mounted further up. It is charged once. */
export function knownDecision(context: LimiterContext, req: Request): QuotaDecision | typeof COUNTED | undefined {
  const early = (req as unknown as Marked)[context.early];
  if (early !== undefined) {
    (req as unknown as Marked)[context.early] = COUNTED;
    return early;
  }
  const info = (req as unknown as InfoHolder)[context.conventions.options.requestPropertyName];
  return info !== undefined && QuotaInfo.isBy(info, context) ? COUNTED : undefined;
}

/** Names the client and asks the limiter. */
export function decide(context: LimiterContext, req: Request, res: Response): Decided | Promise<Decided> {
  const subject = subjectOf(context, req, res);
  if (subject instanceof Promise) return subject.then((named) => named && context.limiter.decide(named));
  return subject && context.limiter.decide(subject);
}

/** Notes on the request what was decided ahead of the middleware. */
export function keepEarly({ early }: LimiterContext, req: IncomingMessage, decision: Decided): Decided {
  (req as unknown as Marked)[early] = decision ?? COUNTED;
  return decision;
}

/** The partition a caller names. Throws `ERR_KEY` for an address that is none. */
export function partitionNamed({ config, partitions }: LimiterContext, client: ClientName): Partition {
  const named = typeof client === 'string' ? (config.key ? { key: client } : { address: client }) : client;
  const partition = 'key' in named ? partitions.ofKey(named.key) : partitions.ofAddress(named.address);
  if (!partition) throw new WarmpathError('ERR_KEY', 'rateLimiter: not an address; say { key } for a key of your own');
  return partition;
}
