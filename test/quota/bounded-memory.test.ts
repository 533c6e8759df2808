import { describe, expect, it } from 'vitest';
import { RecentMap } from '../../lib/common/recent-map.js';
import { BusiestKeys } from '../../lib/quota/busiest-keys.js';
import { MemoryQuotaStore } from '../../lib/quota/memory-quota-store.js';
import type { TierPlan } from '../../lib/quota/tier-plan.js';
import { resolveTiers } from '../../lib/quota/tier-plan.js';
import { fakeClock } from '../../lib/testing/fake-clock.js';

const plan = resolveTiers('t', { a: { rate: 5, burst: 10 } }).strictest as TierPlan;

describe('a recent map', () => {
  it('never holds more than it may, and keeps what is used (A3.5)', () => {
    const map = new RecentMap<number>(100);
    map.set('hot', 1);
    for (let index = 0; index < 10_000; index++) {
      map.set(`k${index}`, index);
      if (index % 10 === 0) expect(map.get('hot')).toBe(1);
      expect(map.size).toBeLessThanOrEqual(100);
    }
    expect(map.get('k0')).toBeUndefined();
    map.delete('hot');
    expect(map.get('hot')).toBeUndefined();
    map.clear();
    expect(map.size).toBe(0);
  });

  it('holds one value per key', () => {
    const map = new RecentMap<number>(4);
    for (const key of ['a', 'b', 'c', 'a']) map.set(key, key === 'c' ? 3 : map.size);
    expect(map.size).toBe(3);
  });
});

describe('the memory store', () => {
  it('stays bounded under a flood of clients and still limits a steady one (A3.5)', () => {
    const store = new MemoryQuotaStore(fakeClock(), 1000);
    let admitted = 0;
    for (let index = 0; index < 50_000; index++) {
      store.count(`c${index}`, plan, 1);
      if (index % 100 === 0 && store.count('steady', plan, 1).admitted) admitted++;
      expect(store.size).toBeLessThanOrEqual(1000);
    }
    expect(admitted).toBe(10);
  });

  it('is not moved by a jump of the wall clock (A5.12)', () => {
    const clock = fakeClock();
    const store = new MemoryQuotaStore(clock, 10);
    for (let index = 0; index < 10; index++) store.count('c', plan, 1);
    clock.jumpWall(3_600_000);
    expect(store.count('c', plan, 1).admitted).toBe(false);
    clock.jumpWall(-7_200_000);
    expect(store.count('c', plan, 1).standings[0]?.retryUs).toBe(200_000);
    clock.advance(200);
    expect(store.count('c', plan, 1).admitted).toBe(true);
  });

  it('only looks when the cost is 0', () => {
    const store = new MemoryQuotaStore(fakeClock(), 10);
    expect(store.count('c', plan, 0).standings[0]?.remaining).toBe(10);
    expect(store.size).toBe(0);
  });
});

describe('the busiest keys', () => {
  it('finds the heavy ones among a flood of light ones in constant space', () => {
    const busiest = new BusiestKeys();
    for (let index = 0; index < 20_000; index++) {
      busiest.count(`light${index}`, 'a', false);
      if (index % 10 === 0) busiest.count('heavy', 'a', index % 20 === 0);
    }
    const [first] = busiest.top(5);
    expect(first).toMatchObject({ key: 'heavy', tier: 'a' });
    expect(first?.requests).toBeGreaterThanOrEqual(2000);
    expect(busiest.top(1000).length).toBeLessThanOrEqual(128);
  });
});
