import type { RedisGuard, RedisReply } from '../redis/guard.js';
import type { Standing, Verdict } from './counting.js';
import { COUNT_SCRIPT, REFUND_SCRIPT } from './quota-script.js';
import { evalCommand, keyCommand } from './redis-script.js';
import type { TickBatch } from './tick-batch.js';
import type { TierPlan } from './tier-plan.js';

/** What the shared store said: a verdict, `repaired` when it had to put a counter right; or why there is none. */
export type SharedVerdict =
  | { readonly ok: true; readonly verdict: Verdict; readonly repaired: boolean }
  | { readonly ok: false; readonly reason: 'down' | 'timeout' | 'error' };

/** Counters in Redis. Every method answers within the guard's deadline and never rejects. */
export interface SharedQuotaStore {
  count(digest: string, plan: TierPlan, cost: number): Promise<SharedVerdict>;
  peek(digest: string, plan: TierPlan): Promise<SharedVerdict>;
  refund(digest: string, plan: TierPlan, cost: number, chargedAtUs: number): Promise<void>;
  /** Whether Redis confirmed that the counters are gone. */
  reset(digest: string): Promise<boolean>;
}

interface Asked {
  readonly key: string;
  readonly cost: number;
  readonly settle: (verdict: SharedVerdict) => void;
}

// Bounds how long one script holds Redis: 100 requests take it well under a millisecond.
const MAX_PER_CALL = 100;

/**
 * All policies of a request in one script on Redis' own clock. Requests of one turn of the event loop with the same
 * tier share one call; on a cluster, where their keys live on different nodes, each has its own.
 */
export class ScriptQuotaStore implements SharedQuotaStore {
  readonly #guard: RedisGuard;
  readonly #batch: TickBatch;
  readonly #keyOf: (digest: string) => string;
  readonly #deadlineMs: number;
  readonly #asked = new Map<TierPlan, Asked[]>();
  readonly #handOver = (): void => this.#sendAsked();

  constructor(guard: RedisGuard, batch: TickBatch, keyOf: (digest: string) => string, deadlineMs: number) {
    this.#guard = guard;
    this.#batch = batch;
    this.#keyOf = keyOf;
    this.#deadlineMs = deadlineMs;
  }

  count(digest: string, plan: TierPlan, cost: number): Promise<SharedVerdict> {
    return new Promise((settle) => {
      const asked = { key: this.#keyOf(digest), cost, settle };
      if (this.#guard.isCluster) return void this.#send(plan, [asked]);
      const group = this.#asked.get(plan);
      if (group) group.push(asked);
      else this.#asked.set(plan, [asked]);
      this.#batch.collect(this.#handOver);
    });
  }

  peek(digest: string, plan: TierPlan): Promise<SharedVerdict> {
    return this.count(digest, plan, 0);
  }

  async refund(digest: string, plan: TierPlan, cost: number, chargedAtUs: number): Promise<void> {
    const key = this.#keyOf(digest);
    await this.#batch.send(evalCommand(REFUND_SCRIPT, [key], [...shapeArguments(plan), cost, chargedAtUs]));
  }

  async reset(digest: string): Promise<boolean> {
    const key = this.#keyOf(digest);
    return (await this.#batch.send(keyCommand('DEL', key))).ok;
  }

  #sendAsked(): void {
    for (const [plan, group] of this.#asked) {
      for (let start = 0; start < group.length; start += MAX_PER_CALL) {
        void this.#send(plan, group.slice(start, start + MAX_PER_CALL));
      }
    }
    this.#asked.clear();
  }

  async #send(plan: TierPlan, group: readonly Asked[]): Promise<void> {
    const keys = group.map((asked) => asked.key);
    const args = [...shapeArguments(plan), ...group.map((asked) => asked.cost)];
    const reply = await this.#batch.send(evalCommand(COUNT_SCRIPT, keys, args), this.#deadlineMs);
    for (const [index, asked] of group.entries()) asked.settle(verdictOf(reply, index));
  }
}

const argumentsOf = new WeakMap<TierPlan, readonly (string | number)[]>();

function shapeArguments(plan: TierPlan): readonly (string | number)[] {
  let known = argumentsOf.get(plan);
  if (!known) {
    known = [
      plan.shapes.length,
      ...plan.shapes.flatMap(({ field, cap }, index) => [field, plan.limits[index] ?? -1, cap]),
    ];
    argumentsOf.set(plan, known);
  }
  return known;
}

function verdictOf(reply: RedisReply<unknown>, index: number): SharedVerdict {
  if (!reply.ok) return { ok: false, reason: reply.reason };
  const answer: unknown = Array.isArray(reply.value) ? reply.value[index] : undefined;
  if (!isNumbers(answer) || answer.length < 3) return { ok: false, reason: 'error' };
  const [atUs = 0, admitted, repaired, ...rest] = answer;
  return {
    ok: true,
    verdict: { admitted: admitted === 1, standings: standingsOf(rest), atUs },
    repaired: repaired === 1,
  };
}

const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'number');

function standingsOf(numbers: readonly number[]): Standing[] {
  const standings: Standing[] = [];
  for (let index = 0; index + 2 < numbers.length; index += 3) {
    const retryUs = numbers[index + 2] as number;
    standings.push({
      fits: retryUs < 0,
      remaining: numbers[index] as number,
      resetUs: numbers[index + 1] as number,
      retryUs: Math.max(0, retryUs),
    });
  }
  return standings;
}
