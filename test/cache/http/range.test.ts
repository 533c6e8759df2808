import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRange, requestedRange } from '../../../lib/cache/http/range.js';

describe('a single byte range (RFC 9110 §14.1.2)', () => {
  it.each([
    ['bytes=0-1', 0, 1],
    ['bytes=1-', 1, 9],
    ['bytes=-1', 9, 9],
    ['bytes=-100', 0, 9],
    ['bytes=5-99999999999999999999', 5, 9],
    ['BYTES=0-0', 0, 0],
    [' bytes=9-9 ', 9, 9],
  ])('%s of ten bytes', (value, start, end) => {
    expect(parseRange(value, 10)).toEqual({ kind: 'range', start, end, contentRange: `bytes ${start}-${end}/10` });
  });

  it.each(['bytes=10-', 'bytes=10-20', 'bytes=-0', 'bytes=99999999999999999999-'])(
    '%s cannot be satisfied',
    (value) => {
      expect(parseRange(value, 10)).toEqual({ kind: 'unsatisfiable', contentRange: 'bytes */10' });
    },
  );

  it.each([
    'bytes=0-1,3-4',
    'bytes=',
    'bytes=-',
    'bytes=5-2',
    'items=0-1',
    'bytes=a-b',
    'bytes 0-1',
    'bytes= 0-1',
    'bytes=0--1',
    'bytes=0x0-1',
    '',
    'bytes=0-1;',
  ])('ignores %j (§14.2)', (value) => {
    expect(parseRange(value, 10)).toBeUndefined();
  });

  it('of nothing is nothing', () => {
    expect(parseRange('bytes=-5', 0)).toBeUndefined();
    expect(parseRange('bytes=0-', 0)).toMatchObject({ kind: 'unsatisfiable' });
  });

  it('is taken from one line only', () => {
    expect(requestedRange({}, 10)).toBeUndefined();
    expect(requestedRange({ range: ['bytes=0-1', 'bytes=2-3'] }, 10)).toBeUndefined();
    expect(requestedRange({ range: 'bytes=0-1' }, 10)).toMatchObject({ start: 0, end: 1 });
  });

  it('always lies within the body', () => {
    const text = fc.oneof(
      fc.string(),
      fc.tuple(fc.option(fc.nat()), fc.option(fc.nat())).map(([a, b]) => `bytes=${a ?? ''}-${b ?? ''}`),
    );
    fc.assert(
      fc.property(text, fc.nat(1000), (value, length) => {
        const range = parseRange(value, length);
        if (range?.kind !== 'range') return;
        expect(range.start >= 0 && range.start <= range.end && range.end < length).toBe(true);
      }),
    );
  });
});
