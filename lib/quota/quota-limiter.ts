import type { Clock } from '../common/clock.js';
import type { EventBus } from '../common/events.js';
import type { Logger } from '../common/logger.js';
import type { RedisClient } from '../redis/guard.js';
import type { Verdict } from './counting.js';
import { claimNumber, register } from './limiter-registry.js';
import { MemoryQuotaStore } from './memory-quota-store.js';
import type { QuotaDecision, QuotaSubject } from './quota-decision.js';
import { decisionOf, uncountedDecision } from './quota-decision.js';
import type { QuotaStats } from './quota-stats.js';
import { QuotaTallies } from './quota-stats.js';
import type { SharedVerdict } from './redis-quota-store.js';
import { RefusalMemory } from './refusal-memory.js';
import type { SharedQuota } from './shared-quota.js';
import { openSharedQuota } from './shared-quota.js';
import type { TierPlan, TierPlans } from './tier-plan.js';
import { shareOf } from './tier-plan.js';

/** What a {@link QuotaLimiter} needs; resolved and checked by its caller. */
export interface QuotaLimiterOptions {
  readonly redis: RedisClient | undefined;
  readonly namespace: string;
  /** Given by the user; names both the limiter and its counters. */
  readonly name: string | undefined;
  readonly plans: TierPlans;
  readonly mode: 'enforce' | 'shadow';
  readonly onStoreError: 'local' | 'open' | 'closed';
  /** Every request costs exactly 1. */
  readonly unitCost: boolean;
  /** How long a request waits for Redis. */
  readonly deadlineMs: number;
  /** Quota may be given back, so a refusal must not be remembered for long. */
  readonly refunds: boolean;
  readonly maxKeys: number;
  readonly clock: Clock;
  readonly events: EventBus | undefined;
  readonly logger: Logger;
}

// A write refusal (OOM, READONLY, …) will not be gone with the next request; asking again twice a second keeps the
// promise of handing back within two seconds.
const REFUSED_PAUSE_MS = 500;
const REFUND_MEMORY_MS = 1000;
const MEMORY_ONLY = {};

/** Decides about requests: synchronously where this process knows the answer, else by one call to Redis. Never throws or rejects. */
export class QuotaLimiter {
  readonly name: string;
  readonly plans: TierPlans;
  readonly #options: QuotaLimiterOptions;
  readonly #tallies: QuotaTallies;
  readonly #local: MemoryQuotaStore;
  readonly #shared: SharedQuota | undefined;
  readonly #refusals: RefusalMemory;
  readonly #shares = new Map<TierPlan, { readonly instances: number; readonly plan: TierPlan }>();
  readonly #closing: (() => void)[];
  #pausedUntilMs = 0;

  constructor(options: QuotaLimiterOptions) {
    const { redis, plans, clock, maxKeys } = options;
    const { name, id, releases } = identityOf(options, this);
    const refusals = new RefusalMemory(maxKeys, options.refunds ? REFUND_MEMORY_MS : Number.POSITIVE_INFINITY);
    this.#options = options;
    this.plans = plans;
    this.name = name;
    this.#tallies = new QuotaTallies(name, plans.byName.keys(), options.events);
    this.#local = new MemoryQuotaStore(clock, maxKeys);
    this.#refusals = refusals;
    const onReset = (): void => refusals.clear();
    this.#shared =
      redis && openSharedQuota({ ...options, redis, limiterId: id, onReset, events: this.#tallies.events });
    this.#closing = [register(this), ...releases, () => this.#shared?.close()];
  }

  get events(): EventBus {
    return this.#tallies.events;
  }

  /** Decides about one request and charges it when it is admitted. */
  decide(subject: QuotaSubject): QuotaDecision | Promise<QuotaDecision> {
    if (!this.#shared) return this.#settle(subject, this.#countHere(subject, subject.plan), 'memory');
    const nowMs = this.#options.clock.now();
    const remembered = this.#refusals.find(subject, nowMs);
    if (remembered) return this.#counted(remembered);
    if (this.#isAway(nowMs)) return this.#standIn(subject);
    return this.#shared.store
      .count(subject.partition.digest, subject.plan, subject.cost)
      .then((answer) => this.#answered(subject, answer));
  }

  /** How a client stands, without charging it. */
  async check(subject: QuotaSubject): Promise<QuotaDecision> {
    const look = { ...subject, cost: 0 };
    const { digest } = subject.partition;
    if (this.#shared && !this.#isAway(this.#options.clock.now())) {
      const answer = await this.#shared.store.peek(digest, subject.plan);
      if (answer.ok) return decisionOf(look, answer.verdict, 'redis', true);
    }
    const plan = this.#shared ? this.#share(subject.plan) : subject.plan;
    return decisionOf(look, this.#local.count(digest, plan, 0), this.#shared ? 'local' : 'memory', true);
  }

  /** Forgets what a client used, everywhere. `false`: Redis did not confirm it; here it is forgotten all the same. */
  async reset(digest: string): Promise<boolean> {
    this.#local.reset(digest);
    if (!this.#shared) return true;
    const done = await this.#shared.store.reset(digest);
    this.#refusals.forget(digest);
    if (done) await this.#shared.census.announceReset();
    return done;
  }

  /** Gives back what an admitted request was charged. */
  refund({ partition, plan, cost, source, chargedAtUs, violated }: QuotaDecision): void {
    if (violated.length > 0 || cost === 0) return;
    if (source === 'memory') this.#local.refund(partition.digest, plan, cost, chargedAtUs);
    if (source === 'local') this.#local.refund(partition.digest, this.#share(plan), cost, chargedAtUs);
    if (source === 'redis') void this.#shared?.store.refund(partition.digest, plan, cost, chargedAtUs);
    this.#refusals.forget(partition.digest);
  }

  stats(): QuotaStats {
    const { remembered, unanswered, repaired } = this.#tallies;
    return {
      name: this.name,
      mode: this.#options.mode,
      store: this.#shared ? (this.#isAway(this.#options.clock.now()) ? 'local' : 'redis') : 'memory',
      instances: this.#shared?.census.instances ?? 1,
      tiers: this.#tallies.tiers(),
      remembered,
      unanswered,
      repaired,
      busiest: this.#tallies.busiest(),
    };
  }

  /** Leaves the registry and lets go of Redis; requests that still come are counted in this process. */
  close(): void {
    for (const end of this.#closing.splice(0)) end();
  }

  #isAway(nowMs: number): boolean {
    return this.#shared?.guard.state === 'down' || nowMs < this.#pausedUntilMs;
  }

  #answered(subject: QuotaSubject, answer: SharedVerdict): QuotaDecision {
    const { clock } = this.#options;
    if (!answer.ok) {
      this.#tallies.unanswered++;
      if (answer.reason === 'error') this.#pausedUntilMs = clock.now() + REFUSED_PAUSE_MS;
      return this.#standIn(subject);
    }
    if (answer.repaired) this.#noteRepair();
    const decision = this.#settle(subject, answer.verdict, 'redis');
    if (decision.violated.length > 0) this.#refusals.keep(decision, clock.now());
    return decision;
  }

  // The same policies in this process, each with this instance's share of the quota.
  #standIn(subject: QuotaSubject): QuotaDecision {
    const { onStoreError, mode } = this.#options;
    if (onStoreError === 'local')
      return this.#settle(subject, this.#countHere(subject, this.#share(subject.plan)), 'local');
    return this.#counted(uncountedDecision(subject, onStoreError === 'open' || mode === 'shadow'));
  }

  #countHere({ partition, cost }: QuotaSubject, plan: TierPlan): Verdict {
    return this.#local.count(partition.digest, plan, cost);
  }

  #settle(subject: QuotaSubject, verdict: Verdict, source: 'memory' | 'redis' | 'local'): QuotaDecision {
    return this.#counted(decisionOf(subject, verdict, source, this.#options.mode === 'enforce'));
  }

  #counted(decision: QuotaDecision): QuotaDecision {
    this.#tallies.count(decision);
    return decision;
  }

  #share(plan: TierPlan): TierPlan {
    const instances = this.#shared?.census.instances ?? 1;
    const known = this.#shares.get(plan);
    if (known?.instances === instances) return known.plan;
    const share = shareOf(plan, instances);
    this.#shares.set(plan, { instances, plan: share });
    return share;
  }

  #noteRepair(): void {
    this.#tallies.repaired++;
    this.events.emit({ type: 'store-error', op: 'quota', error: 'broken counter' });
  }
}

// A name given by the user names the counters, too: the same name is the same quota. Without one they are named after
// the policies and a number, so limiters on one client stay apart and the same limiter in another process finds its own.
function identityOf(options: QuotaLimiterOptions, holder: object) {
  const { name, redis, plans } = options;
  if (name !== undefined) return { name, id: `name:${name}`, releases: [] };
  const scope = redis ?? MEMORY_ONLY;
  const label = claimNumber(scope, 'label', holder);
  const fingerprint = JSON.stringify([...plans.byName.values()].map(({ tier, policies }) => [tier, policies]));
  const counters = claimNumber(scope, fingerprint, holder);
  return {
    name: label.number === 1 ? 'default' : `default-${label.number}`,
    id: `auto:${counters.number}:${fingerprint}`,
    releases: [label.release, counters.release],
  };
}
