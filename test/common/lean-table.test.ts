import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LeanTable } from '../../lib/common/lean-table.js';

interface Named {
  readonly name: string;
  readonly value: number;
}

const step = fc.tuple(fc.constantFrom('put', 'put', 'use', 'remove', 'oldest'), fc.nat(40), fc.nat());

/** The table a step is taken in. */
function apply(table: LeanTable<Named>, what: string, name: string, value: number): void {
  const row = table.find(name);
  if (what === 'put' && row === -1) table.add(name, { name, value });
  if (what === 'put' && row !== -1) table.replaceAt(row, { name, value });
  if ((what === 'put' || what === 'use') && row !== -1) table.touch(row);
  if (what === 'remove' && row !== -1) table.remove(row);
  if (what === 'oldest' && table.oldest !== -1) table.remove(table.oldest);
}

/** A Map whose order is that of use. */
function applyToMap(map: Map<string, number>, what: string, name: string, value: number): void {
  const known = map.get(name);
  if (what !== 'oldest' && map.delete(name) && what === 'use') map.set(name, known as number);
  if (what === 'put') map.set(name, value);
  if (what === 'oldest') for (const first of [...map.keys()].slice(0, 1)) map.delete(first);
}

describe('a lean table', () => {
  it.each([
    ['a secret hash', undefined],
    ['a hash that is the same for all names', () => 7],
    ['a hash that is the same for many', (name: string) => name.length],
  ])('behaves like a Map in order of use with %s', (_, hash) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const table = new LeanTable<Named>(({ name }) => name, hash);
        const map = new Map<string, number>();
        for (const [what, id, value] of steps) {
          apply(table, what, `n${id}`, value);
          applyToMap(map, what, `n${id}`, value);
          const contents = [...table].map((row) => table.valueAt(row));
          expect(contents).toEqual([...map].reverse().map(([name, value]) => ({ name, value })));
          expect(table.size).toBe(map.size);
        }
        for (let id = 0; id <= 40; id++) expect(table.find(`n${id}`) !== -1).toBe(map.has(`n${id}`));
      }),
    );
  });

  it('is as new after clear', () => {
    const table = new LeanTable<string>((value) => value);
    table.add('a', 'a');
    table.clear();
    expect([table.size, table.oldest, table.find('a'), [...table]]).toEqual([0, -1, -1, []]);
    expect(table.add('b', 'b')).toBe(0);
  });
});
