import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HeaderFields } from '../../../lib/cache/http/header-fields.js';
import { parseVary, secondaryKey, selectingFields, unionOfNames } from '../../../lib/cache/http/vary.js';
import { anyText } from './any-text.js';

describe('Vary (RFC 9110 §12.5.5)', () => {
  it.each<[string | string[], readonly string[]]>([
    ['Foo', ['foo']],
    ['Foo, Bar', ['bar', 'foo']],
    ['bar,FOO,foo', ['bar', 'foo']],
    [
      ['b', 'a, c'],
      ['a', 'b', 'c'],
    ],
    [', ,', []],
    ['', []],
    ['__proto__, constructor', ['__proto__', 'constructor']],
  ])('%j names %j', (vary, names) => {
    expect(parseVary({ vary })).toEqual({ wildcard: false, names });
  });

  it.each([
    { vary: '*' },
    { vary: ' * ' },
    { vary: '*, *' },
    { vary: ', *' },
    { vary: '*, Foo' },
    { vary: 'Foo, *' },
    { vary: ['a', '*'] },
  ])('A2.5 takes $vary as anything', (headers) => {
    expect(parseVary(headers).wildcard).toBe(true);
  });

  it.each(['foo bar', 'foo;q=1', '"foo"', 'f\u00e9', 'a\tb'])('takes %j, which names no field, as anything', (vary) => {
    expect(parseVary({ vary }).wildcard).toBe(true);
  });

  it('never throws, is sorted, and has each name once', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (vary) => {
        const { names } = parseVary({ vary });
        expect(names).toEqual([...new Set(names)].sort());
      }),
    );
  });

  it('A2.8 adds Origin to a response that allows one origin', () => {
    const origin = 'https://a.test';
    expect(selectingFields({ 'access-control-allow-origin': origin }).names).toEqual(['origin']);
    expect(selectingFields({ 'access-control-allow-origin': origin, vary: 'Accept' }).names).toEqual([
      'accept',
      'origin',
    ]);
    expect(selectingFields({ 'access-control-allow-origin': '*', vary: 'Accept' }).names).toEqual(['accept']);
    expect(selectingFields({ 'access-control-allow-origin': origin, vary: '*' }).wildcard).toBe(true);
    expect(selectingFields({}).names).toEqual([]);
  });

  it('unites two lists', () => {
    expect(unionOfNames(['b'], ['a', 'b'])).toEqual(['a', 'b']);
    expect(unionOfNames(['a', 'b'], ['b'])).toEqual(['a', 'b']);
  });
});

function same(names: string, one: HeaderFields, other: HeaderFields): boolean {
  const list = names.split(',');
  return secondaryKey(list, one) === secondaryKey(list, other);
}

describe('secondary key (RFC 9111 §4.1)', () => {
  it('ignores fields that Vary does not name', () => {
    expect(same('foo', { foo: '1', other: '2' }, { foo: '1', other: '3' })).toBe(true);
    expect(same('foo', { foo: '1' }, { foo: '2' })).toBe(false);
  });

  it('tells an absent field from an empty one', () => {
    expect(same('foo', {}, { foo: '' })).toBe(false);
    expect(same('bar,foo', { foo: '1' }, { bar: '1' })).toBe(false);
    expect(same('bar,foo', { foo: '1' }, { foo: '1' })).toBe(true);
  });

  it.each<[string | string[], string | string[]]>([
    ['1, 2', ['1', '2']],
    ['1,2', ' 1, 2 '],
    ['1,2', '1 ,\t2,'],
    ['a;q="x, y",b', 'a;q="x, y" , b'],
  ])('compares lists without space: %j is %j', (one, other) => {
    expect(same('foo', { foo: one }, { foo: other })).toBe(true);
  });

  it.each([
    ['1, 2', '2, 1'],
    ['a b', 'ab'],
    ['A', 'a'],
    ['"a, b"', '"a,b"'],
    ['"a,b"', 'a,b'],
  ])('keeps the order, case and quoted text of unknown lists: %j is not %j', (one, other) => {
    expect(same('foo', { foo: one }, { foo: other })).toBe(false);
  });

  it('takes commas in fields that are no lists as text', () => {
    for (const name of ['user-agent', 'cookie', 'referer', 'origin']) {
      expect(same(name, { [name]: 'a, b' }, { [name]: 'a,b' })).toBe(false);
      expect(same(name, { [name]: ' a ' }, { [name]: 'a' })).toBe(true);
    }
  });

  it.each([
    ['en, de', 'eN, De'],
    ['en, de', ' en ,   de'],
    ['de, en;q=0.5', 'en; q=0.5,de'],
    ['de;q=1.0, en;q=0.50', 'en;q=0.50 , de;q=1.0'],
  ])('compares Accept-Language by meaning: %j is %j', (one, other) => {
    expect(same('accept-language', { 'accept-language': one }, { 'accept-language': other })).toBe(true);
  });

  it.each([
    ['en, de', 'en'],
    ['en, de', 'de, en'],
    ['en;q=0.5, de', 'en, de;q=0.5'],
    ['de, en, fr;q=0.5', 'en, de, fr;q=0.5'],
    ['en;q=x, de', 'de, en;q=x'],
  ])('keeps what negotiators look at in Accept-Language: %j is not %j', (one, other) => {
    expect(same('accept-language', { 'accept-language': one }, { 'accept-language': other })).toBe(false);
  });

  it('compares Accept-Encoding without case and space', () => {
    expect(
      same('accept-encoding', { 'accept-encoding': 'GZIP;q = 0.5, br' }, { 'accept-encoding': 'gzip;q=0.5,br' }),
    ).toBe(true);
  });

  it('A1.17 is equal exactly when the values are', () => {
    const value = fc.option(fc.string({ unit: fc.constantFrom(...'ab:;=0123') }), { nil: undefined });
    const fields = fc.record({ 'user-agent': value, origin: value, referer: value });
    const trimmed = (headers: HeaderFields) =>
      JSON.stringify(['origin', 'referer', 'user-agent'].map((name) => headers[name] ?? null));
    fc.assert(
      fc.property(fields, fields, (one, other) => {
        expect(same('origin,referer,user-agent', one, other)).toBe(trimmed(one) === trimmed(other));
      }),
      { numRuns: 2000 },
    );
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(anyText), (name, lines) => {
        secondaryKey([name, 'accept-language'], { [name]: lines, 'accept-language': lines });
      }),
    );
  });
});
