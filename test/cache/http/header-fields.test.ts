import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fieldLines,
  fieldValue,
  type HeaderFields,
  hasField,
  listMembers,
} from '../../../lib/cache/http/header-fields.js';

describe('header fields', () => {
  it('are lines, or one value joined by commas', () => {
    const headers = { a: 'x', b: ['x', 'y'], c: '', d: [] };
    expect(['a', 'b', 'c', 'd', 'e'].map((name) => fieldLines(headers, name))).toEqual([
      ['x'],
      ['x', 'y'],
      [''],
      [],
      [],
    ]);
    expect(['a', 'b', 'c', 'd', 'e'].map((name) => fieldValue(headers, name))).toEqual([
      'x',
      'x, y',
      '',
      undefined,
      undefined,
    ]);
    expect(['a', 'b', 'c', 'd', 'e'].map((name) => hasField(headers, name))).toEqual([true, true, true, false, false]);
  });

  it('take numbers, as setHeader() does', () => {
    expect(fieldLines({ age: 5 } as unknown as HeaderFields, 'age')).toEqual(['5']);
    expect(fieldValue({ age: 5 } as unknown as HeaderFields, 'age')).toBe('5');
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('A1.16 do not inherit %s', (name) => {
    expect(fieldLines({}, name)).toEqual([]);
    expect(fieldValue({}, name)).toBeUndefined();
  });
});

describe('list members (RFC 9110 §5.6.1)', () => {
  it.each([
    ['', []],
    [' , ,', []],
    ['a', ['a']],
    [' a , b ,c', ['a', 'b', 'c']],
    ['"a, b", c', ['"a, b"', 'c']],
    ['"a\\", b", c', ['"a\\", b"', 'c']],
    ['a="x,y";q=1,b', ['a="x,y";q=1', 'b']],
    ['a, "b, c', ['a', '"b, c']],
    ['a, "b\\', ['a', '"b\\']],
  ])('of %j are %j', (value, members) => {
    expect(listMembers(value)).toEqual(members);
  });

  it('lose no text but commas and space', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab,"\\ ;=') }), (value) => {
        expect(listMembers(value).join('').replace(/[, ]/g, '')).toBe(value.replace(/[, ]/g, ''));
      }),
    );
  });
});
