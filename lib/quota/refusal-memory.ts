import { RecentMap } from '../common/recent-map.js';
import type { QuotaDecision, QuotaSubject } from './quota-decision.js';

interface Refusal {
  readonly decision: QuotaDecision;
  readonly untilMs: number;
}

/**
 * Refusals Redis has pronounced, kept until they end: asking again before would give the same answer. Bounded; what is
 * forgotten under pressure costs one call to Redis, nothing else.
 */
export class RefusalMemory {
  readonly #refusals: RecentMap<Refusal>;
  readonly #longestMs: number;

  /** @param longestMs ends every refusal early, for limiters that give quota back */
  constructor(maxEntries: number, longestMs: number) {
    this.#refusals = new RecentMap(maxEntries);
    this.#longestMs = longestMs;
  }

  keep(decision: QuotaDecision, nowMs: number): void {
    const forMs = Math.min(decision.retryAfterMs, this.#longestMs);
    if (forMs > 0) this.#refusals.set(decision.partition.digest, { decision, untilMs: nowMs + forMs });
  }

  /** The refusal that still holds for this subject: same tier, and no smaller cost, which might fit. */
  find(subject: QuotaSubject, nowMs: number): QuotaDecision | undefined {
    const refusal = this.#refusals.get(subject.partition.digest);
    if (refusal === undefined) return undefined;
    const { decision, untilMs } = refusal;
    if (nowMs >= untilMs) {
      this.#refusals.delete(subject.partition.digest);
      return undefined;
    }
    if (decision.plan !== subject.plan || subject.cost < decision.cost) return undefined;
    const leftMs = untilMs - nowMs;
    return { ...decision, cost: subject.cost, source: 'remembered', resetMs: leftMs, retryAfterMs: leftMs };
  }

  forget(digest: string): void {
    this.#refusals.delete(digest);
  }

  clear(): void {
    this.#refusals.clear();
  }
}
