import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LruTable } from '../../lib/common/lru-table.js';

type Step = readonly ['put' | 'use' | 'remove' | 'oldest', number];

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom('put' as const, 'put' as const, 'use' as const, 'remove' as const, 'oldest' as const),
  fc.integer({ min: 0, max: 40 }),
);

/** What the table is to behave like: a Map whose order is that of use. */
function model(): { apply(step: Step): void; order(): [string, number][] } {
  const map = new Map<string, number>();
  const again = (name: string, value: number): void => {
    map.delete(name);
    map.set(name, value);
  };
  return {
    apply([what, number]) {
      const name = `n${number}`;
      if (what === 'put') again(name, number);
      if (what === 'use' && map.has(name)) again(name, map.get(name) as number);
      if (what === 'remove') map.delete(name);
      if (what === 'oldest') for (const first of [...map.keys()].slice(0, 1)) map.delete(first);
    },
    order: () => [...map].reverse(),
  };
}

function apply(table: LruTable<number>, [what, number]: Step): void {
  const row = table.find(`n${number}`);
  if (what === 'put' && row === -1) table.add(`n${number}`, number);
  if ((what === 'put' || what === 'use') && row !== -1) table.touch(row);
  if (what === 'remove' && row !== -1) table.remove(row);
  if (what === 'oldest' && table.oldest !== -1) table.remove(table.oldest);
}

const contents = (table: LruTable<number>): [string, number][] =>
  [...table].map((row) => [table.nameAt(row), table.valueAt(row)]);

describe('an LRU table', () => {
  it('keeps names, values and the order of use through any sequence of steps', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const table = new LruTable<number>();
        const expected = model();
        for (const one of steps) {
          apply(table, one);
          expected.apply(one);
          expect(contents(table)).toEqual(expected.order());
          expect(table.size).toBe(expected.order().length);
        }
      }),
    );
  });

  it('grows over many chunks and uses rows again', () => {
    const table = new LruTable<number>();
    for (let id = 0; id < 5000; id++) table.add(`n${id}`, id);
    for (let id = 0; id < 5000; id += 2) table.remove(table.find(`n${id}`));
    for (let id = 0; id < 2500; id++) expect(table.add(`m${id}`, id)).toBeLessThan(5000);
    expect(table.size).toBe(5000);
    expect(table.valueAt(table.find('n4999'))).toBe(4999);
    expect(table.nameAt(table.oldest)).toBe('n1');
  });

  it('is as new after clear', () => {
    const table = new LruTable<string>();
    table.add('a', 'A');
    table.clear();
    expect([table.size, table.oldest, table.find('a'), [...table]]).toEqual([0, -1, -1, []]);
    expect(table.add('b', 'B')).toBe(0);
  });
});
