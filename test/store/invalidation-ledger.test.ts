import { describe, expect, it } from 'vitest';
import { InvalidationLedger } from '../../lib/store/invalidation-ledger.js';

const order = (groups: readonly string[], soft = false) => ({ groups, prefixes: [], everything: false, soft });

describe('the ledger of invalidations', () => {
  it('ends what was fenced before, and nothing that was fenced after', () => {
    const ledger = new InvalidationLedger();
    const before = ledger.sequence;
    ledger.record(order(['a']), 0);
    expect(ledger.verdict(before, ['a'], '')).toBe('gone');
    expect(ledger.verdict(before, ['b'], '')).toBe('valid');
    expect(ledger.verdict(ledger.sequence, ['a'], '')).toBe('valid');
  });

  it('A3.6 stays bounded, and takes what it forgot for invalidated', () => {
    const ledger = new InvalidationLedger(10);
    const early = ledger.sequence;
    for (let i = 0; i < 100; i++) ledger.record(order([`group ${i}`]), 0);
    expect(ledger.verdict(early, ['group 5'], '')).toBe('gone');
    expect(ledger.verdict(early, ['never named'], '')).toBe('gone');
    expect(ledger.verdict(ledger.sequence, ['group 5'], '')).toBe('valid');
  });

  it('B24 takes everything fenced before a gap for invalidated', () => {
    const ledger = new InvalidationLedger();
    const before = ledger.sequence;
    ledger.forget();
    expect(ledger.verdict(before, [], '')).toBe('gone');
    expect(ledger.verdict(ledger.sequence, [], '')).toBe('valid');
  });

  it('tells the earliest instant of softness', () => {
    const ledger = new InvalidationLedger();
    const before = ledger.sequence;
    ledger.record(order(['a'], true), 100);
    ledger.record(order(['b'], true), 200);
    expect(ledger.verdict(before, ['a', 'b'], '')).toEqual({ softAt: 100 });
  });
});
