import { describe, expect, it } from 'vitest';
import { fakeClock, gate } from '../../lib/testing/index.js';

describe('gate', () => {
  it('holds those who wait until it opens, and nobody after', async () => {
    const door = gate();
    let passed = 0;
    const walkers = [door.wait(), door.wait()].map((walk) => walk.then(() => (passed += 1)));
    await door.arrived(2);
    expect([passed, door.arrivals, door.isOpen]).toEqual([0, 2, false]);
    door.open();
    await Promise.all(walkers);
    await door.wait();
    expect([passed, door.arrivals]).toEqual([2, 3]);
  });

  it('can be shut again', async () => {
    const door = gate();
    door.open();
    await door.wait();
    door.shut();
    let passed = false;
    const walk = door.wait().then(() => {
      passed = true;
    });
    await Promise.resolve();
    expect(passed).toBe(false);
    door.open();
    await walk;
  });
});

describe('fakeClock', () => {
  it('moves only when told, the wall clock also by itself', () => {
    const clock = fakeClock(1000);
    clock.advance(500);
    clock.jumpWall(-3_600_000);
    expect([clock.now(), clock.wallNow()]).toEqual([1500, 1500 - 3_600_000]);
  });
});
