import type { Clock } from '../common/clock.js';
import { RecentMap } from '../common/recent-map.js';
import type { Counter, Verdict } from './counting.js';
import { countRequest, refundRequest } from './counting.js';
import type { TierPlan } from './tier-plan.js';

/** Counters in this process: the store without Redis, and the stand-in while Redis is away. Synchronous and bounded. */
export class MemoryQuotaStore {
  readonly #clock: Clock;
  readonly #counters: RecentMap<Counter[]>;

  constructor(clock: Clock, maxKeys: number) {
    this.#clock = clock;
    this.#counters = new RecentMap(maxKeys);
  }

  /** How many partition keys are remembered. */
  get size(): number {
    return this.#counters.size;
  }

  /** Checks and charges one request; `cost` 0 only looks. */
  count(digest: string, plan: TierPlan, cost: number): Verdict {
    let counters = this.#counters.get(digest);
    if (counters === undefined) {
      counters = plan.shapes.map(() => ({ at: 0, used: 0 }));
      if (cost > 0) this.#counters.set(digest, counters);
    }
    return countRequest(plan, counters, cost, this.#nowUs());
  }

  refund(digest: string, plan: TierPlan, cost: number, chargedAtUs: number): void {
    const counters = this.#counters.get(digest);
    if (counters) refundRequest(plan, counters, cost, chargedAtUs, this.#nowUs());
  }

  reset(digest: string): void {
    this.#counters.delete(digest);
  }

  // Whole microseconds on a line that never jumps, so a changed wall clock moves no quota.
  #nowUs(): number {
    return Math.floor(this.#clock.now() * 1000);
  }
}
