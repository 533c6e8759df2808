import { describe, expect, it } from 'vitest';
import type { TierPlan } from '../../lib/quota/tier-plan.js';
import { resolveTiers, shareOf } from '../../lib/quota/tier-plan.js';

const plan = (tiers: unknown, tier: string): TierPlan => resolveTiers('tiers', tiers).byName.get(tier) as TierPlan;

describe('tiers', () => {
  it('finds the strictest by sustained rate, then by limit', () => {
    expect(resolveTiers('t', { a: { rate: 5, burst: 10 }, b: { rate: 2, burst: 100 } }).strictest.tier).toBe('b');
    expect(resolveTiers('t', { a: { rate: 5, burst: 10 }, b: { rate: 5, burst: 4 } }).strictest.tier).toBe('b');
    expect(resolveTiers('t', { a: { rate: 5 }, b: [{ rate: 50 }, { limit: 100, window: '1d' }] }).strictest.tier).toBe(
      'b',
    );
  });

  it('charges every tier’s counters and checks its own (A5.7)', () => {
    const free = plan({ free: { limit: 100, window: '1h' }, paid: { rate: 10, burst: 20 } }, 'free');
    expect(free.shapes.map(({ field }) => field)).toEqual(['w3600000000', 'b100000']);
    expect(free.limits).toEqual([100, -1]);
  });

  it('shares one counter between tiers of the same speed or window', () => {
    const { shapes } = resolveTiers('t', { a: { rate: 5, burst: 10 }, b: { rate: 5, burst: 30 } });
    expect(shapes).toEqual([{ field: 'b200000', kind: 'bucket', sizeUs: 200_000, cap: 30 }]);
  });

  it('keeps tiers named like parts of Object.prototype (A1.16)', () => {
    const tiers = JSON.parse('{"__proto__":{"rate":5},"constructor":{"rate":6},"toString":{"rate":7}}') as unknown;
    expect([...resolveTiers('t', tiers).byName.keys()]).toEqual(['__proto__', 'constructor', 'toString']);
    expect(resolveTiers('t', { a: { rate: 5 } }).byName.get('__proto__')).toBeUndefined();
  });

  it('divides a quota among instances, leaving each at least one request', () => {
    const share = shareOf(
      plan(
        {
          a: [
            { rate: 10, burst: 20 },
            { limit: 3, window: '1m' },
          ],
        },
        'a',
      ),
      4,
    );
    expect(share.limits).toEqual([5, 1]);
    expect(share.shapes[0]?.sizeUs).toBe(400_000);
    expect(share.shapes[1]?.sizeUs).toBe(60e6);
  });

  it.each([
    [{}],
    [null],
    [[]],
    ['a'],
    [{ a: [] }],
    [
      {
        a: [
          { limit: 1, window: '1m' },
          { limit: 2, window: '60s' },
        ],
      },
    ],
    [Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`t${index}`, { rate: 1 }]))],
  ])('refuses %j', (tiers) => {
    expect(() => resolveTiers('rateLimiter.tiers', tiers)).toThrow(/rateLimiter\.tiers/);
  });
});
