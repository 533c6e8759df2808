import type { CounterShape, TierPlan } from './tier-plan.js';

/**
 * One counter: of a bucket, the instant at which it is full again (`at`, the theoretical arrival time of GCRA);
 * of a window, its end (`at`) and what was used in it (`used`). Microseconds on one clock; an instant in the past means empty.
 */
export interface Counter {
  at: number;
  used: number;
}

/** How one policy stands after a request was checked. */
export interface Standing {
  readonly fits: boolean;
  readonly remaining: number;
  /** Until the whole quota is back. */
  readonly resetUs: number;
  /** Until the same request would fit; 0 when it does. */
  readonly retryUs: number;
}

/** What checking a request against all policies of its tier gave. `standings[i]` belongs to `policies[i]`. */
export interface Verdict {
  readonly admitted: boolean;
  readonly standings: readonly Standing[];
  /** When it was judged, on the clock that judged it. */
  readonly atUs: number;
}

/**
 * Checks a request of `cost` against every policy of its tier and, when all of them admit it, charges every counter.
 * The same arithmetic as the Redis script, for counters in this process. Whole microseconds, so no sum is rounded.
 */
export function countRequest(plan: TierPlan, counters: readonly Counter[], cost: number, nowUs: number): Verdict {
  const standings: Standing[] = [];
  let admitted = true;
  for (let index = 0; index < plan.counters.length; index++) {
    const position = plan.counters[index] as number;
    const shape = plan.shapes[position] as CounterShape;
    const standing = standingOf(shape, plan.limits[position] as number, counters[position] as Counter, cost, nowUs);
    standings.push(standing);
    admitted &&= standing.fits;
  }
  if (admitted && cost > 0) {
    for (let index = 0; index < counters.length; index++) {
      charge(plan.shapes[index] as CounterShape, counters[index] as Counter, cost, nowUs);
    }
  }
  return { admitted, standings, atUs: nowUs };
}

function standingOf(shape: CounterShape, limit: number, counter: Counter, cost: number, nowUs: number): Standing {
  return shape.kind === 'bucket'
    ? bucketStanding(shape, limit, counter, cost, nowUs)
    : windowStanding(shape, limit, counter, cost, nowUs);
}

function bucketStanding(
  { sizeUs, cap }: CounterShape,
  limit: number,
  { at }: Counter,
  cost: number,
  nowUs: number,
): Standing {
  const span = limit * sizeUs;
  const fullAt = Math.min(Math.max(at, nowUs), nowUs + cap * sizeUs);
  const next = fullAt + cost * sizeUs;
  const fits = next <= nowUs + span;
  const remaining = Math.max(0, Math.floor((nowUs + span - (fits ? next : fullAt)) / sizeUs));
  // A cost above the burst never fits; the nearest truth is "when the bucket is full".
  const retryUs = cost > limit ? Math.max(fullAt - nowUs, sizeUs) : next - nowUs - span;
  return { fits, remaining, resetUs: (fits ? next : fullAt) - nowUs, retryUs: fits ? 0 : retryUs };
}

function windowStanding(
  { sizeUs }: CounterShape,
  limit: number,
  counter: Counter,
  cost: number,
  nowUs: number,
): Standing {
  const running = isRunning(counter, nowUs);
  const used = running ? counter.used : 0;
  const resetUs = running ? Math.min(counter.at - nowUs, sizeUs) : sizeUs;
  const fits = used + cost <= limit;
  return { fits, remaining: Math.max(0, limit - used - (fits ? cost : 0)), resetUs, retryUs: fits ? 0 : resetUs };
}

function charge(shape: CounterShape, counter: Counter, cost: number, nowUs: number): void {
  const { sizeUs, cap } = shape;
  if (shape.kind === 'bucket') {
    const fullAt = Math.min(Math.max(counter.at, nowUs), nowUs + cap * sizeUs);
    counter.at = Math.min(fullAt + cost * sizeUs, nowUs + cap * sizeUs);
  } else if (isRunning(counter, nowUs)) {
    counter.at = Math.min(counter.at, nowUs + sizeUs);
    counter.used += cost;
  } else {
    counter.at = nowUs + sizeUs;
    counter.used = cost;
  }
}

const isRunning = (counter: Counter, nowUs: number): boolean => counter.at > nowUs;

/** Gives back what a request was charged at `chargedAtUs`, where its window is still running. */
export function refundRequest(
  plan: TierPlan,
  counters: readonly Counter[],
  cost: number,
  chargedAtUs: number,
  nowUs: number,
): void {
  for (const [index, shape] of plan.shapes.entries()) {
    const counter = counters[index] as Counter;
    if (!isRunning(counter, nowUs)) continue;
    if (shape.kind === 'bucket') counter.at = Math.max(nowUs, counter.at - cost * shape.sizeUs);
    else if (counter.at - shape.sizeUs <= chargedAtUs) counter.used = Math.max(0, counter.used - cost);
  }
}

/** Index of the policy to report: refused, the one that lasts longest; admitted, the one with least left. */
export function tightest(verdict: Verdict): number {
  let best = 0;
  for (let index = 1; index < verdict.standings.length; index++) {
    if (tighter(verdict.standings[index] as Standing, verdict.standings[best] as Standing)) best = index;
  }
  return best;
}

function tighter(a: Standing, b: Standing): boolean {
  if (a.fits !== b.fits) return !a.fits;
  if (!a.fits) return a.retryUs > b.retryUs;
  return a.remaining === b.remaining ? a.resetUs > b.resetUs : a.remaining < b.remaining;
}
