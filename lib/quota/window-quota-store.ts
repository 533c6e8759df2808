import type { Options } from 'express-rate-limit';
import type { RedisStore } from 'rate-limit-redis';
import type { RedisReply } from '../redis/guard.js';
import type { Verdict } from './counting.js';
import { rateLimitRedis } from './express-rate-limit.js';
import { DECREMENT_WINDOW_SCRIPT, REPAIR_WINDOW_SCRIPT } from './quota-script.js';
import type { SharedQuotaStore, SharedVerdict } from './redis-quota-store.js';
import { evalCommand, keyCommand, parseCommand, redisScript } from './redis-script.js';
import type { TickBatch } from './tick-batch.js';
import type { TierPlan } from './tier-plan.js';

/**
 * Fixed windows counted by rate-limit-redis, for limiters whose tiers all count in one and the same window.
 * What it lacks is added around it: script loading that cannot get stuck, a deadline, counters repaired, a decrement
 * that leaves no key without expiry.
 */
export class WindowQuotaStore implements SharedQuotaStore {
  readonly #batch: TickBatch;
  readonly #keyOf: (digest: string) => string;
  readonly #windowMs: number;
  readonly #deadlineMs: number;
  readonly #counters: RedisStore;

  constructor(batch: TickBatch, keyOf: (digest: string) => string, windowMs: number, deadlineMs: number) {
    this.#batch = batch;
    this.#keyOf = keyOf;
    this.#windowMs = windowMs;
    this.#deadlineMs = deadlineMs;
    const { RedisStore } = rateLimitRedis();
    this.#counters = new RedisStore({ prefix: '', sendCommand: (...command: string[]) => this.#sendCommand(command) });
    // Reads nothing but the window, and sends nothing: loading is answered here.
    void this.#counters.init({ windowMs } as Options);
  }

  async count(digest: string, plan: TierPlan, cost: number): Promise<SharedVerdict> {
    if (cost === 0) return this.peek(digest, plan);
    try {
      const { totalHits, resetTime } = await this.#counters.increment(this.#keyOf(digest));
      const ttlMs = resetTime ? resetTime.getTime() - Date.now() : 0;
      if (totalHits >= 1 && ttlMs <= this.#windowMs + 1000) return this.#answer(plan, totalHits, ttlMs, false);
      return await this.#repair(digest, plan, 0);
    } catch (error) {
      // The increment was refused because the value is none: nothing was counted yet.
      const refused = error instanceof StoreUnavailable && (error.word === 'WRONGTYPE' || error.word === 'ERR');
      return refused ? this.#repair(digest, plan, 1) : unavailable(error);
    }
  }

  async peek(digest: string, plan: TierPlan): Promise<SharedVerdict> {
    try {
      const found = await this.#counters.get(this.#keyOf(digest));
      const used = Number.isFinite(found?.totalHits) ? Math.max(0, found?.totalHits ?? 0) : 0;
      const ttlMs = found?.resetTime ? found.resetTime.getTime() - Date.now() : 0;
      return this.#answer(plan, used, ttlMs > 0 ? ttlMs : this.#windowMs, false, 0);
    } catch (error) {
      return unavailable(error);
    }
  }

  async refund(digest: string): Promise<void> {
    const key = this.#keyOf(digest);
    await this.#batch.send(evalCommand(DECREMENT_WINDOW_SCRIPT, [key], []));
  }

  async reset(digest: string): Promise<boolean> {
    const key = this.#keyOf(digest);
    return (await this.#batch.send(keyCommand('DEL', key))).ok;
  }

  async #repair(digest: string, plan: TierPlan, add: 0 | 1): Promise<SharedVerdict> {
    const key = this.#keyOf(digest);
    const reply = await this.#batch.send(
      evalCommand(REPAIR_WINDOW_SCRIPT, [key], [this.#windowMs, add]),
      this.#deadlineMs,
    );
    if (!reply.ok) return { ok: false, reason: reply.reason };
    const [used, ttlMs] = reply.value as [number, number];
    return this.#answer(plan, used, ttlMs, true);
  }

  #answer(plan: TierPlan, used: number, ttlMs: number, repaired: boolean, cost = 1): SharedVerdict {
    const limit = plan.policies[0]?.limit ?? 0;
    const fits = cost === 0 ? true : used <= limit;
    const resetUs = Math.max(1, Math.min(ttlMs, this.#windowMs)) * 1000;
    const standing = { fits, remaining: Math.max(0, limit - used), resetUs, retryUs: fits ? 0 : resetUs };
    const verdict: Verdict = { admitted: fits, standings: [standing], atUs: 0 };
    return { ok: true, verdict, repaired };
  }

  // rate-limit-redis keeps the promise of its first SCRIPT LOAD for ever, even a rejected one, and on a cluster loads
  // into a random node. So loading is answered here, and the batch sends the text when a node does not know it.
  async #sendCommand(command: string[]): Promise<number | string | (number | string)[]> {
    if (command[0] === 'SCRIPT' && command[1] === 'LOAD') return redisScript(command[2] ?? '').sha;
    const reply = await this.#batch.send(parseCommand(command), this.#deadlineMs);
    if (!reply.ok) throw new StoreUnavailable(reply);
    return reply.value as number | string | (number | string)[];
  }
}

class StoreUnavailable extends Error {
  readonly reason: 'down' | 'timeout' | 'error';
  /** First word of Redis' error reply. */
  readonly word: string | undefined;

  constructor(reply: Exclude<RedisReply<unknown>, { ok: true }>) {
    super('the quota store did not answer');
    this.reason = reply.reason;
    this.word = reply.reason === 'error' ? reply.error : undefined;
  }
}

const unavailable = (error: unknown): SharedVerdict => ({
  ok: false,
  reason: error instanceof StoreUnavailable ? error.reason : 'error',
});
