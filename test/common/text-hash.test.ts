import { describe, expect, it } from 'vitest';
import { secretTextHash } from '../../lib/common/text-hash.js';

const names = Array.from({ length: 20_000 }, (_, id) => `r:9:localhost13:/movies/${id}`);

describe('a secret text hash', () => {
  it('is the same for the same text, and another with each secret', () => {
    const [one, other] = [secretTextHash(), secretTextHash()];
    expect(names.map(one)).toEqual(names.map(one));
    expect(names.filter((name) => one(name) === other(name)).length).toBeLessThan(10);
  });

  it('spreads names that differ in a few digits over all low bits', () => {
    const hash = secretTextHash();
    const counts = new Array<number>(1024).fill(0);
    for (const name of names) counts[hash(name) & 1023]! += 1;
    // About 20 each; by chance alone, 50 in one place is less likely than one in a million runs.
    expect(Math.max(...counts)).toBeLessThan(50);
  });

  it('tells texts apart whose polynomials are one whatever the factor', () => {
    // Thue–Morse words and their opposites: with a product alone, modulo a power of two, all of these collide.
    let words = ['a', 'b'] as [string, string];
    for (let doubling = 0; doubling < 10; doubling++) words = [words[0] + words[1], words[1] + words[0]];
    const hash = secretTextHash();
    expect(hash(words[0])).not.toBe(hash(words[1]));
  });
});
