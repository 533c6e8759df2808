import type { Request, Response } from 'express';
import type { Partition, Partitions } from '../quota/partition-key.js';
import type { QuotaSubject } from '../quota/quota-decision.js';
import type { TierPlan } from '../quota/tier-plan.js';
import type { RateLimiterConfig } from './rate-limiter-config.js';
import type { Reports } from './rate-limiter-reports.js';

/** What naming a request's client and tier needs. */
export interface SubjectContext {
  readonly config: RateLimiterConfig;
  readonly partitions: Partitions;
  readonly reports: Reports;
}

/** Whom, against what and how much to count; `undefined` when the request is skipped. A promise only if a user's function gave one. */
export function subjectOf(
  context: SubjectContext,
  req: Request,
  res: Response,
): QuotaSubject | undefined | Promise<QuotaSubject | undefined> {
  const { config, reports } = context;
  if (!config.skip && !config.tier && !config.key && typeof config.cost === 'number') {
    return { partition: addressPartition(context, req), plan: signedPlan(config, req), cost: config.cost };
  }
  return then(answerOf(config.skip, reports, 'ERR_SKIP', req, res), (skipped) => {
    if (skipped) return undefined;
    return then(planOf(context, req), (plan) =>
      then(partitionOf(context, req, plan, res), (partition) =>
        then(costOf(context, req), (cost) => ({ partition, plan, cost })),
      ),
    );
  });
}

// Continues at once with a value and later with a promise, so that the usual case stays synchronous.
function then<T, U>(value: T | Promise<T>, next: (value: T) => U | Promise<U>): U | Promise<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

// A user's function that throws or rejects says nothing: the caller's default applies, and it is reported once.
function answerOf<A extends unknown[], T>(
  ask: ((...args: A) => T | Promise<T>) | undefined,
  reports: Reports,
  code: 'ERR_SKIP' | 'ERR_TIER' | 'ERR_LIMITER_KEY' | 'ERR_COST',
  ...args: A
): T | undefined | Promise<T | undefined> {
  const failed = (): undefined => reports.once(code, 'the function threw; its default applies') as undefined;
  try {
    const answer = ask?.(...args);
    if (answer === null || typeof answer !== 'object' || !('then' in answer)) return answer;
    return Promise.resolve(answer).catch(failed);
  } catch {
    return failed();
  }
}

function planOf(context: SubjectContext, req: Request): TierPlan | Promise<TierPlan> {
  const { config, reports } = context;
  if (!config.tier) return signedPlan(config, req);
  return then(answerOf(config.tier, reports, 'ERR_TIER', req), (tier) => {
    const plan = typeof tier === 'string' ? config.plans.byName.get(tier) : undefined;
    if (!plan)
      reports.once(
        'ERR_TIER',
        `tier(req) gave no configured tier; '${config.plans.strictest.tier}', the strictest, applies`,
      );
    return plan ?? config.plans.strictest;
  });
}

const signedPlan = ({ plans }: RateLimiterConfig, req: Request): TierPlan =>
  plans.byName.get(req.warmpath?.tier ?? '') ?? plans.strictest;

function partitionOf(
  context: SubjectContext,
  req: Request,
  plan: TierPlan,
  res: Response,
): Partition | Promise<Partition> {
  const { config, partitions, reports } = context;
  if (!config.key) return addressPartition(context, req);
  return then(answerOf(config.key, reports, 'ERR_LIMITER_KEY', req, plan.tier, res), (key) => {
    // An address given as it came would let IPv6 clients rotate; `partitions` folds it.
    if (key === undefined || key === null || key === '' || key === req.ip) return addressPartition(context, req);
    if (typeof key === 'string' || typeof key === 'bigint' || Number.isFinite(key))
      return partitions.ofKey(String(key));
    reports.once('ERR_LIMITER_KEY', 'key(req) gave neither a text nor a number; the address applies');
    return addressPartition(context, req);
  });
}

function costOf({ config, reports }: SubjectContext, req: Request): number | Promise<number> {
  const { cost } = config;
  if (typeof cost === 'number') return cost;
  return then(answerOf(cost, reports, 'ERR_COST', req), (given) => {
    if (typeof given === 'number' && given >= 0 && given <= 1e9) return Math.ceil(given);
    reports.once('ERR_COST', 'cost(req) gave no number of at least 0; 1 applies');
    return 1;
  });
}

/** The partition of the client's address, as Express' `trust proxy` tells it. */
export function addressPartition({ config, partitions, reports }: SubjectContext, req: Request): Partition {
  const trust: unknown = req.app?.get?.('trust proxy');
  if (trust === true && !config.trustProxyConfirmed) {
    reports.once(
      'ERR_TRUST_PROXY',
      "'trust proxy' is true, so any client can choose its address; the socket's address is counted instead. Set it to the number of proxies or their addresses, or confirm it with trustProxyConfirmed: true.",
    );
    return socketPartition(partitions, req);
  }
  noteIgnoredHeaders(reports, req, trust);
  const partition = typeof req.ip === 'string' ? partitions.ofAddress(req.ip) : undefined;
  if (partition) return partition;
  reports.once('ERR_ADDRESS', "req.ip is no address; the socket's address is counted instead");
  return socketPartition(partitions, req);
}

function socketPartition(partitions: Partitions, req: Request): Partition {
  return partitions.ofAddress(req.socket?.remoteAddress ?? '') ?? partitions.ofNobody();
}

function noteIgnoredHeaders(reports: Reports, req: Request, trust: unknown): void {
  const { headers } = req;
  const ignored =
    (headers['x-forwarded-for'] !== undefined && trust === false) ||
    (headers.forwarded !== undefined && req.ip === req.socket?.remoteAddress);
  if (!ignored) return;
  reports.once(
    'ERR_FORWARDED_IGNORED',
    "a request carries X-Forwarded-For or Forwarded, which is ignored. Behind a proxy, set Express' 'trust proxy' to the number of proxies; without one, a client is trying its luck.",
  );
}
