import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHUNK_ROWS, UseOrder } from '../../lib/common/use-order.js';

const step = fc.tuple(fc.constantFrom('add', 'add', 'touch', 'remove', 'remove oldest'), fc.nat(30));

describe('an order of use', () => {
  it('is that of a list in which what is used moves to the front', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const order = new UseOrder();
        let expected: number[] = [];
        for (const [what, at] of steps) {
          const row = what === 'remove oldest' ? expected.at(-1) : expected[at];
          if (what === 'add') expected.unshift(order.add());
          if (row === undefined || what === 'add') continue;
          expected = expected.filter((other) => other !== row);
          if (what !== 'touch') order.remove(row);
          else {
            order.touch(row);
            expected.unshift(row);
          }
          expect([...order]).toEqual(expected);
          expect([order.size, order.oldest]).toEqual([expected.length, expected.at(-1) ?? -1]);
        }
        expect(new Set(expected).size).toBe(expected.length);
      }),
    );
  });

  it('numbers rows without gaps, over any number of chunks, and gives removed numbers again', () => {
    const order = new UseOrder();
    const rows = Array.from({ length: CHUNK_ROWS * 3 }, () => order.add());
    expect(rows).toEqual(rows.map((_, at) => at));
    order.remove(5);
    order.remove(CHUNK_ROWS + 5);
    expect([order.add(), order.add(), order.add()]).toEqual([CHUNK_ROWS + 5, 5, CHUNK_ROWS * 3]);
  });

  it('begins anew after clear', () => {
    const order = new UseOrder();
    order.add();
    order.clear();
    expect([order.size, order.oldest, ...order]).toEqual([0, -1]);
    expect(order.add()).toBe(0);
  });
});
