import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HashIndex } from '../../lib/common/hash-index.js';

function rowsOf(index: HashIndex, hash: number): number[] {
  const rows: number[] = [];
  for (let row = index.first(hash); row !== -1; row = index.after(row)) rows.push(row);
  return rows.sort((a, b) => a - b);
}

// Few hashes, so that many rows share one; and any, so that buckets are divided in all ways.
const hash = fc.oneof(
  fc.constantFrom(0, 1, -1, 7, 2 ** 31 - 1, -(2 ** 31)),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
);

describe('a hash index', () => {
  it('finds all rows of a hash, and no other, while rows come, go and are used again', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(hash, fc.boolean(), fc.nat(100)), { maxLength: 150 }), (steps) => {
        const index = new HashIndex();
        const hashes: (number | undefined)[] = [];
        for (const [added, isRemoval, at] of steps) {
          if (isRemoval && hashes[at] !== undefined) {
            index.remove(at);
            hashes[at] = undefined;
            continue;
          }
          const free = hashes.indexOf(undefined);
          const row = free === -1 ? hashes.length : free;
          index.add(row, added);
          hashes[row] = added;
        }
        for (const [one] of steps) {
          const expected = hashes.flatMap((other, row) => (other === one ? [row] : []));
          expect(rowsOf(index, one)).toEqual(expected);
        }
      }),
    );
  });

  it('holds many, and nothing after clear', () => {
    const index = new HashIndex();
    for (let row = 0; row < 10_000; row++) index.add(row, Math.imul(row, 0x9e3779b1));
    for (let row = 0; row < 10_000; row++) expect(index.first(Math.imul(row, 0x9e3779b1))).toBe(row);
    index.clear();
    expect(index.first(0)).toBe(-1);
    index.add(0, 0);
    expect(index.first(0)).toBe(0);
  });
});
