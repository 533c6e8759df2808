import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HotSlot, HotSlots } from '../../lib/store/hot-slots.js';

const slot = (name: string): HotSlot => ({ name, wasRead: false, isUsed: false, place: -1 });
const step = fc.tuple(fc.constantFrom('read', 'read', 'delete', 'clear'), fc.nat(20));

describe('hot slots', () => {
  it('are never more than their limit, and each is the one added last under its name', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(step, { maxLength: 200 }), (limit, steps) => {
        const hot = new HotSlots<HotSlot>(limit);
        const last = new Map<string, HotSlot>();
        for (const [what, id] of steps) {
          const name = `n${id}`;
          const found = hot.read(name);
          if (found !== undefined) expect([found, hot.at(found.place)]).toEqual([last.get(name), found]);
          for (const one of last.values()) expect(hot.at(one.place)).toBe(one.place === -1 ? undefined : one);
          if (what === 'delete') hot.delete(name);
          if (what === 'clear' && id === 0) hot.clear();
          if (what !== 'read' || found !== undefined) continue;
          last.set(name, slot(name));
          hot.add(last.get(name) as HotSlot);
          expect(hot.read(name)).toBe(last.get(name));
        }
        expect([...last.keys()].filter((name) => hot.read(name)).length).toBeLessThanOrEqual(limit);
      }),
    );
  });

  it('keep what is read while others come and go', () => {
    const hot = new HotSlots<HotSlot>(4);
    const busy = slot('busy');
    hot.add(busy);
    for (let id = 0; id < 100; id++) {
      expect(hot.read('busy')).toBe(busy);
      hot.add(slot(`n${id}`));
    }
  });

  it('take in what is offered while there is room, and then what is offered for the second time lately', () => {
    const hot = new HotSlots<HotSlot>(4);
    const offer = (id: number): boolean => {
      const one = slot(`n${id}`);
      hot.offer(one, id);
      return one.place !== -1;
    };
    expect([0, 1, 2, 3].map(offer)).toEqual([true, true, true, true]);
    // Each is asked for once in a while, more of them than there is room for.
    for (let turn = 0; turn < 3; turn++) expect([4, 5, 6, 7, 8, 9, 10, 11].map(offer)).toEqual(Array(8).fill(false));
    expect([20, 20].map(offer)).toEqual([false, true]);
    hot.delete('n20');
    expect(offer(21)).toBe(true);
    hot.clear();
    expect([4, 5, 6, 7, 8].map(offer)).toEqual([true, true, true, true, false]);
  });

  it('hold on to nothing that was deleted', () => {
    const hot = new HotSlots<HotSlot>(2);
    const gone = slot('a');
    hot.add(gone);
    const { place } = gone;
    hot.delete('a');
    expect([gone.place, hot.at(place)]).toEqual([-1, undefined]);
  });

  it('know nothing of a slot that was deleted, though its place is taken later', () => {
    const hot = new HotSlots<HotSlot>(2);
    hot.add(slot('a'));
    hot.delete('a');
    expect(hot.read('a')).toBeUndefined();
    const again = slot('a');
    hot.add(again);
    hot.add(slot('b'));
    expect(hot.read('a')).toBe(again);
  });
});
