import type { WarmpathEvent } from '../common/events.js';
import { EventBus } from '../common/events.js';
import type { BusyKey } from './busiest-keys.js';
import { BusiestKeys } from './busiest-keys.js';
import type { QuotaDecision, QuotaResult } from './quota-decision.js';

/** Requests of one tier by result, since the limiter was made. */
export interface TierStats extends Readonly<Record<QuotaResult, number>> {
  /** Admitted with at most a tenth of the tightest quota left. */
  readonly nearLimit: number;
}

/** What a limiter has seen. Plain numbers, cheap to read at any time. */
export interface QuotaStats {
  readonly name: string;
  readonly mode: 'enforce' | 'shadow';
  /** Who counts now: this process alone (`memory`), Redis, or the stand-in for it. */
  readonly store: 'memory' | 'redis' | 'local';
  /** Live instances sharing the quota, as far as known. */
  readonly instances: number;
  readonly tiers: Readonly<Record<string, TierStats>>;
  /** Refusals answered from memory, without Redis. */
  readonly remembered: number;
  /** Requests Redis did not answer. */
  readonly unanswered: number;
  /** Counters found broken and put right. */
  readonly repaired: number;
  readonly busiest: readonly BusyKey[];
}

type Tally = { -readonly [K in keyof TierStats]: number };
type QuotaEvent = Extract<WarmpathEvent, { type: 'quota' }>;

const RESULTS: readonly QuotaResult[] = ['allowed', 'limited', 'shadow', 'local', 'error'];
const NEAR = 0.1;

/** Whether an admitted request leaves at most a tenth of the quota, and whether it is the one that crossed that line. */
export function nearLimit(decision: QuotaDecision): 'no' | 'near' | 'crossed' {
  if (decision.result !== 'allowed' && decision.result !== 'local') return 'no';
  const line = Math.floor(decision.policy.limit * NEAR);
  if (decision.remaining > line) return 'no';
  return decision.remaining + decision.cost > line ? 'crossed' : 'near';
}

/** Counts decisions and tells the event bus; allocates nothing per request. */
export class QuotaTallies {
  readonly events: EventBus;
  readonly #tiers = new Map<string, Tally>();
  readonly #announcements = new Map<string, Readonly<Record<QuotaResult, QuotaEvent>>>();
  readonly #busiest = new BusiestKeys();
  remembered = 0;
  unanswered = 0;
  repaired = 0;

  constructor(limiter: string, tiers: Iterable<string>, events = new EventBus()) {
    this.events = events;
    for (const tier of tiers) {
      this.#tiers.set(tier, { allowed: 0, limited: 0, shadow: 0, local: 0, error: 0, nearLimit: 0 });
      const event = (result: QuotaResult): [QuotaResult, QuotaEvent] => [
        result,
        Object.freeze({ type: 'quota', limiter, tier, result }),
      ];
      this.#announcements.set(tier, Object.fromEntries(RESULTS.map(event)) as Record<QuotaResult, QuotaEvent>);
    }
  }

  count(decision: QuotaDecision): void {
    const { tier } = decision.plan;
    const tally = this.#tiers.get(tier);
    const announcement = this.#announcements.get(tier)?.[decision.result];
    if (!tally || !announcement) return;
    tally[decision.result]++;
    if (decision.source === 'remembered') this.remembered++;
    if (nearLimit(decision) !== 'no') tally.nearLimit++;
    this.#busiest.count(decision.partition.digest, tier, decision.retryAfterMs > 0);
    this.events.emit(announcement);
  }

  /** A copy of the tallies; tiers keep their own names, whatever these are. */
  tiers(): Readonly<Record<string, TierStats>> {
    const copy = Object.create(null) as Record<string, TierStats>;
    for (const [tier, tally] of this.#tiers) copy[tier] = { ...tally };
    return copy;
  }

  busiest(most = 20): BusyKey[] {
    return this.#busiest.top(most);
  }
}
