import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Counter } from '../../lib/quota/counting.js';
import { countRequest, refundRequest, tightest } from '../../lib/quota/counting.js';
import type { TierPlan } from '../../lib/quota/tier-plan.js';
import { resolveTiers } from '../../lib/quota/tier-plan.js';

const NOW = 1_800_000_000_000_000;
const MS = 1000;
const planOf = (tiers: Record<string, unknown>, tier = Object.keys(tiers)[0] as string): TierPlan =>
  resolveTiers('t', tiers).byName.get(tier) as TierPlan;
const fresh = (plan: TierPlan): Counter[] => plan.shapes.map(() => ({ at: 0, used: 0 }));

describe('a token bucket', () => {
  const plan = planOf({ a: { rate: 5, burst: 10 } });

  it('admits exactly the burst at once, then one every 200 ms', () => {
    const counters = fresh(plan);
    const admittedAt: number[] = [];
    for (let ms = 0; ms <= 1000; ms++) {
      for (let tries = 0; tries < 20; tries++) {
        if (countRequest(plan, counters, 1, NOW + ms * MS).admitted) admittedAt.push(ms);
      }
    }
    expect(admittedAt).toEqual([...Array<number>(10).fill(0), 200, 400, 600, 800, 1000]);
  });

  it('tells remaining, reset and retry', () => {
    const counters = fresh(plan);
    expect(countRequest(plan, counters, 4, NOW).standings[0]).toEqual({
      fits: true,
      remaining: 6,
      resetUs: 800 * MS,
      retryUs: 0,
    });
    countRequest(plan, counters, 6, NOW);
    expect(countRequest(plan, counters, 1, NOW + 50 * MS).standings[0]).toEqual({
      fits: false,
      remaining: 0,
      resetUs: 1950 * MS,
      retryUs: 150 * MS,
    });
  });

  it('refuses a cost above what is left without charging it', () => {
    const counters = fresh(plan);
    countRequest(plan, counters, 8, NOW);
    expect(countRequest(plan, counters, 3, NOW)).toMatchObject({
      admitted: false,
      standings: [{ remaining: 2, retryUs: 200 * MS }],
    });
    expect(countRequest(plan, counters, 2, NOW).admitted).toBe(true);
  });

  it('refuses a cost above the burst for ever, and says when the bucket is full', () => {
    const counters = fresh(plan);
    expect(countRequest(plan, counters, 11, NOW).admitted).toBe(false);
    countRequest(plan, counters, 5, NOW);
    expect(countRequest(plan, counters, 11, NOW).standings[0]?.retryUs).toBe(1000 * MS);
  });

  it('never admits more than burst + elapsed × rate, however requests arrive', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 500_000 }), fc.integer({ min: 1, max: 5 })), { maxLength: 100 }),
        (rate, burst, steps) => {
          const bucket = planOf({ a: { rate, burst } });
          const counters = fresh(bucket);
          const sizeUs = bucket.shapes[0]?.sizeUs as number;
          let [elapsed, admitted] = [0, 0];
          for (const [step, cost] of steps) {
            elapsed += step;
            if (countRequest(bucket, counters, cost, NOW + elapsed).admitted) admitted += cost;
            expect(admitted).toBeLessThanOrEqual(burst + Math.floor(elapsed / sizeUs));
          }
        },
      ),
    );
  });

  it('forgets an instant impossibly far ahead, as after a failover to a slow clock (A5.12)', () => {
    const counters = [{ at: NOW + 3600_000 * MS, used: 0 }];
    expect(countRequest(plan, counters, 1, NOW).standings[0]?.retryUs).toBe(200 * MS);
  });
});

describe('a fixed window', () => {
  const plan = planOf({ a: { limit: 3, window: '1m' } });

  it('starts with the first request and opens again when it ends', () => {
    const counters = fresh(plan);
    const results = [0, 10_000, 59_999, 59_999, 60_000].map(
      (ms) => countRequest(plan, counters, 1, NOW + ms * MS).admitted,
    );
    expect(results).toEqual([true, true, true, false, true]);
  });

  it('tells remaining and reset', () => {
    const counters = fresh(plan);
    countRequest(plan, counters, 1, NOW);
    expect(countRequest(plan, counters, 1, NOW + 1000 * MS).standings[0]).toMatchObject({
      remaining: 1,
      resetUs: 59_000 * MS,
    });
  });

  it('admits nothing with a limit of 0', () => {
    const none = planOf({ a: { limit: 0, window: '1m' } });
    expect(countRequest(none, fresh(none), 1, NOW).admitted).toBe(false);
  });
});

describe('several policies', () => {
  const plan = planOf({
    a: [
      { rate: 10, burst: 5 },
      { limit: 8, window: '1m' },
      { limit: 100, window: '1d' },
    ],
  });

  it('charges none when one refuses', () => {
    const counters = fresh(plan);
    for (let index = 0; index < 5; index++) countRequest(plan, counters, 1, NOW);
    const before = structuredClone(counters);
    expect(countRequest(plan, counters, 1, NOW).admitted).toBe(false);
    expect(counters).toEqual(before);
  });

  it('reports the tightest: least left while admitted, longest wait when refused', () => {
    const counters = fresh(plan);
    expect(tightest(countRequest(plan, counters, 1, NOW))).toBe(0);
    countRequest(plan, counters, 4, NOW);
    const later = NOW + 1_000_000;
    expect(tightest(countRequest(plan, counters, 1, later))).toBe(1);
    countRequest(plan, counters, 2, later);
    const refused = countRequest(plan, counters, 5, later);
    expect(refused.standings.map(({ fits }) => fits)).toEqual([false, false, true]);
    expect(tightest(refused)).toBe(1);
  });
});

describe('changing tiers', () => {
  const tiers = {
    free: { limit: 10, window: '1h' },
    paid: { rate: 10, burst: 20 },
    other: { limit: 12, window: '1h' },
  };

  it('finds what was used before in the new tier, too (A5.7)', () => {
    const [free, paid, other] = ['free', 'paid', 'other'].map((tier) => planOf(tiers, tier)) as [
      TierPlan,
      TierPlan,
      TierPlan,
    ];
    const counters = fresh(free);
    for (let index = 0; index < 10; index++) expect(countRequest(free, counters, 1, NOW).admitted).toBe(true);
    expect(countRequest(free, counters, 1, NOW).admitted).toBe(false);
    expect(countRequest(paid, counters, 1, NOW).standings[0]?.remaining).toBe(9);
    expect(countRequest(other, counters, 1, NOW).standings[0]?.remaining).toBe(0);
    expect(countRequest(other, counters, 1, NOW).admitted).toBe(false);
  });

  it('never lets a tier owe more than its own cap because of another', () => {
    const wide = { slow: { rate: 1, burst: 2 }, fast: { rate: 100, burst: 100 } };
    const [slow, fast] = [planOf(wide, 'slow'), planOf(wide, 'fast')];
    const counters = fresh(fast);
    for (let index = 0; index < 100; index++) countRequest(fast, counters, 1, NOW);
    expect(countRequest(slow, counters, 1, NOW).standings[0]?.retryUs).toBe(1_000_000);
  });
});

describe('refunds', () => {
  it('give back what was charged, never below zero, and only in the same window', () => {
    const plan = planOf({
      a: [
        { rate: 5, burst: 10 },
        { limit: 20, window: '1s' },
      ],
    });
    const counters = fresh(plan);
    countRequest(plan, counters, 4, NOW);
    refundRequest(plan, counters, 4, NOW, NOW);
    expect(countRequest(plan, counters, 0, NOW).standings.map(({ remaining }) => remaining)).toEqual([10, 20]);
    refundRequest(plan, counters, 4, NOW, NOW);
    expect(countRequest(plan, counters, 0, NOW).standings.map(({ remaining }) => remaining)).toEqual([10, 20]);
    countRequest(plan, counters, 4, NOW);
    const next = NOW + 1_500_000;
    countRequest(plan, counters, 1, next);
    refundRequest(plan, counters, 4, NOW, next);
    expect(countRequest(plan, counters, 0, next).standings[1]?.remaining).toBe(19);
  });
});
