import { optionError } from '../common/errors.js';
import type { QuotaPolicy, QuotaPolicyOptions } from './quota-policy.js';
import { resolveQuotaPolicy } from './quota-policy.js';

/** Quotas per tier: one policy or several, all of which must admit a request. */
export type TierOptions = Readonly<Record<string, QuotaPolicyOptions | readonly QuotaPolicyOptions[]>>;

/**
 * What is kept per partition key: one counter for each bucket speed and window length that any tier uses.
 * A request is charged to all of them and checked against its own tier's, so changing tiers never finds a fresh counter.
 */
export interface CounterShape {
  /** `b` + microseconds per request, or `w` + microseconds of the window: the counter's field in Redis. */
  readonly field: string;
  readonly kind: 'bucket' | 'window';
  readonly sizeUs: number;
  /** The largest limit any tier puts on this counter: nothing legitimate lies further ahead than that. */
  readonly cap: number;
}

/** One tier, ready to be checked: `policies[i]` looks at `shapes[counters[i]]`; `counters` ascends. */
export interface TierPlan {
  readonly tier: string;
  readonly policies: readonly QuotaPolicy[];
  readonly counters: readonly number[];
  readonly shapes: readonly CounterShape[];
  /** Per shape, this tier's limit on it, or -1 where the tier only charges. */
  readonly limits: readonly number[];
}

/** All tiers of a limiter. A Map, because a tier may be called `__proto__`. */
export interface TierPlans {
  readonly byName: ReadonlyMap<string, TierPlan>;
  /** Where a request goes whose tier is unknown. */
  readonly strictest: TierPlan;
  readonly shapes: readonly CounterShape[];
}

const MAX_TIERS = 64;
const MAX_POLICIES = 8;

/** Checks the `tiers` option and lays out the counters. */
export function resolveTiers(option: string, tiers: unknown): TierPlans {
  if (tiers === null || typeof tiers !== 'object' || Array.isArray(tiers)) {
    throw optionError(option, 'an object of tiers', tiers);
  }
  const entries = Object.entries(tiers).map(
    ([tier, value]) => [tier, resolveTier(`${option}.${tier.slice(0, 40)}`, value)] as const,
  );
  if (entries.length === 0 || entries.length > MAX_TIERS) throw optionError(option, `1 to ${MAX_TIERS} tiers`, tiers);
  const shapes = counterShapes(entries.flatMap(([, policies]) => policies));
  const plans = entries.map(([tier, policies]) => tierPlan(tier, policies, shapes));
  const strictest = plans.reduce((found, plan) => (stricter(plan, found) ? plan : found));
  return Object.freeze({ byName: new Map(plans.map((plan) => [plan.tier, plan])), strictest, shapes });
}

function resolveTier(option: string, value: unknown): readonly QuotaPolicy[] {
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0 || list.length > MAX_POLICIES)
    throw optionError(option, `1 to ${MAX_POLICIES} policies`, value);
  const policies = list.map((policy, index) =>
    resolveQuotaPolicy(list.length > 1 ? `${option}[${index}]` : option, policy),
  );
  const fields = policies.map(fieldOf);
  if (new Set(fields).size < fields.length) throw optionError(option, 'policies that differ in window or rate', value);
  if (new Set(policies.map((policy) => policy.name)).size < policies.length)
    throw optionError(option, 'policies with different names', value);
  return policies;
}

const fieldOf = (policy: QuotaPolicy): string => `${policy.kind === 'bucket' ? 'b' : 'w'}${policy.sizeUs}`;

function counterShapes(policies: readonly QuotaPolicy[]): readonly CounterShape[] {
  const shapes = new Map<string, CounterShape>();
  for (const policy of policies) {
    const field = fieldOf(policy);
    const cap = Math.max(policy.limit, shapes.get(field)?.cap ?? 0);
    shapes.set(field, { field, kind: policy.kind, sizeUs: policy.sizeUs, cap });
  }
  return [...shapes.values()];
}

// Policies stand in the order of their counters, which is the order in which the Redis script answers.
function tierPlan(tier: string, given: readonly QuotaPolicy[], shapes: readonly CounterShape[]): TierPlan {
  const counterOf = (policy: QuotaPolicy): number => shapes.findIndex((shape) => shape.field === fieldOf(policy));
  const policies = [...given].sort((a, b) => counterOf(a) - counterOf(b));
  const counters = policies.map(counterOf);
  const limits = shapes.map((_, index) => policies[counters.indexOf(index)]?.limit ?? -1);
  return Object.freeze({ tier, policies, counters, shapes, limits });
}

// The lower sustained rate is stricter; between equals, the lower limit.
function stricter(a: TierPlan, b: TierPlan): boolean {
  const [rateA, rateB] = [sustainedRate(a), sustainedRate(b)];
  return rateA === rateB ? lowestLimit(a) < lowestLimit(b) : rateA < rateB;
}

const sustainedRate = (plan: TierPlan): number =>
  Math.min(...plan.policies.map((policy) => policy.limit / policy.windowUs));
const lowestLimit = (plan: TierPlan): number => Math.min(...plan.policies.map((policy) => policy.limit));

/** The same plan for one of `instances` processes that cannot see each other: each gets its share, at least one request. */
export function shareOf(plan: TierPlan, instances: number): TierPlan {
  if (instances <= 1) return plan;
  const part = (limit: number): number => (limit <= 0 ? limit : Math.max(1, Math.floor(limit / instances)));
  const shapes = plan.shapes.map((shape) => ({
    ...shape,
    cap: part(shape.cap),
    sizeUs: shape.kind === 'bucket' ? shape.sizeUs * instances : shape.sizeUs,
  }));
  return { ...plan, shapes, limits: plan.limits.map(part) };
}
