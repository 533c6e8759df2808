import type { Verdict } from './counting.js';
import { tightest } from './counting.js';
import type { Partition } from './partition-key.js';
import type { QuotaPolicy } from './quota-policy.js';
import type { TierPlan } from './tier-plan.js';

/**
 * What became of a request; exactly one word each. `local`: admitted by the stand-in while Redis was away.
 * `error`: Redis was away and `onStoreError` decided. `shadow`: would have been refused.
 */
export type QuotaResult = 'allowed' | 'limited' | 'shadow' | 'local' | 'error';

/** Who judged: this process' own counters, Redis, a refusal remembered from Redis, the stand-in, or nobody. */
export type QuotaSource = 'memory' | 'redis' | 'remembered' | 'local' | 'none';

/** Whom to count a request for, against which tier, and how much. */
export interface QuotaSubject {
  readonly partition: Partition;
  readonly plan: TierPlan;
  readonly cost: number;
}

/** A decision about one request. */
export interface QuotaDecision extends QuotaSubject {
  readonly result: QuotaResult;
  readonly source: QuotaSource;
  /** Whether the request may go on. */
  readonly admitted: boolean;
  /** The tightest policy: refused, the one that lasts longest; admitted, the one with least left. */
  readonly policy: QuotaPolicy;
  readonly remaining: number;
  /** Until the whole quota of `policy` is back; of a refused request, until it would be admitted. */
  readonly resetMs: number;
  /** Until the same request would be admitted; 0 when it is. */
  readonly retryAfterMs: number;
  /** The policies that refused. */
  readonly violated: readonly QuotaPolicy[];
  /** When it was charged, in microseconds on the clock that judged. */
  readonly chargedAtUs: number;
}

const NONE: readonly QuotaPolicy[] = Object.freeze([]);

/** Puts a verdict into words. `enforced` false (shadow mode) admits what was refused. */
export function decisionOf(
  subject: QuotaSubject,
  verdict: Verdict,
  source: QuotaSource,
  enforced: boolean,
): QuotaDecision {
  const { partition, plan, cost } = subject;
  const index = tightest(verdict);
  const standing = verdict.standings[index];
  const retryUs = standing?.retryUs ?? 0;
  return {
    partition,
    plan,
    cost,
    source,
    result: resultOf(verdict.admitted, source, enforced),
    admitted: verdict.admitted || !enforced,
    policy: plan.policies[index] as QuotaPolicy,
    remaining: standing?.remaining ?? 0,
    resetMs: (verdict.admitted ? (standing?.resetUs ?? 0) : retryUs) / 1000,
    retryAfterMs: retryUs / 1000,
    violated: verdict.admitted
      ? NONE
      : plan.policies.filter((_, position) => verdict.standings[position]?.fits === false),
    chargedAtUs: verdict.atUs,
  };
}

function resultOf(admitted: boolean, source: QuotaSource, enforced: boolean): QuotaResult {
  if (!admitted) return enforced ? 'limited' : 'shadow';
  return source === 'local' ? 'local' : 'allowed';
}

// Long enough not to invite a hammering client, short enough that Redis' return is noticed.
const CLOSED_RETRY_MS = 1000;

/** The decision when nothing could be counted: `onStoreError` 'open' admits, 'closed' refuses. */
export function uncountedDecision(subject: QuotaSubject, admitted: boolean): QuotaDecision {
  const { partition, plan, cost } = subject;
  const waitMs = admitted ? 0 : CLOSED_RETRY_MS;
  const policy = plan.policies[0] as QuotaPolicy;
  return {
    partition,
    plan,
    cost,
    policy,
    admitted,
    result: 'error',
    source: 'none',
    remaining: 0,
    resetMs: waitMs,
    retryAfterMs: waitMs,
    violated: NONE,
    chargedAtUs: 0,
  };
}
