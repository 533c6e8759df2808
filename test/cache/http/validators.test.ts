import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEntityTag, parseEntityTagList } from '../../../lib/cache/http/entity-tags.js';
import type { HeaderFields } from '../../../lib/cache/http/header-fields.js';
import {
  evaluatePreconditions,
  hasOriginPreconditions,
  ifRangeHolds,
  type StoredValidators,
  validationFields,
} from '../../../lib/cache/http/validators.js';
import { anyText } from './any-text.js';

const RECEIVED = Date.UTC(2026, 0, 15, 12);
const LM = 'Wed, 14 Jan 2026 10:00:00 GMT';
const EARLIER = 'Wed, 14 Jan 2026 09:59:59 GMT';
const LATER = 'Wed, 14 Jan 2026 10:00:01 GMT';

function stored(rest: Partial<StoredValidators> = {}): StoredValidators {
  return { status: 200, receivedAt: RECEIVED, ...rest };
}

function result(request: HeaderFields, rest: Partial<StoredValidators> = {}) {
  return evaluatePreconditions(request, stored({ etag: '"abc"', lastModified: LM, ...rest }));
}

describe('If-None-Match against a stored response (RFC 9110 §13.1.2)', () => {
  it.each([
    '"abc"',
    'W/"abc"',
    '"1", "abc", "2"',
    '"1","2",W/"abc"',
    ' , "abc" ,',
    '"a,b", "abc"',
    'garbage, "abc"',
    '*',
    ' * ',
  ])('A1.9 %s has it', (value) => {
    expect(result({ 'if-none-match': value })).toBe('not-modified');
  });

  it.each([
    '"abcd"',
    'abc',
    'w/"abc"',
    'W\\"abc"',
    'W"abc"',
    '',
    '"abc',
    'abc"',
    '"*"',
    '"x,"abc"',
    '*, "x"',
    'W/ "abc"',
  ])('A1.9 %s does not have it', (value) => {
    expect(result({ 'if-none-match': value })).toBe('modified');
  });

  it('compares weakly: either tag may be weak', () => {
    expect(result({ 'if-none-match': '"abc"' }, { etag: 'W/"abc"' })).toBe('not-modified');
  });

  it('reads several lines as one list', () => {
    expect(result({ 'if-none-match': ['"1"', '"abc"'] })).toBe('not-modified');
  });

  it('keeps obs-text and commas in tags', () => {
    expect(result({ 'if-none-match': '"abc\u00fc,"' }, { etag: '"abc\u00fc,"' })).toBe('not-modified');
  });

  it('matches no response without a tag, or with one that is none', () => {
    expect(result({ 'if-none-match': '"abc"' }, { etag: undefined })).toBe('modified');
    expect(result({ 'if-none-match': 'abc' }, { etag: 'abc' })).toBe('modified');
    expect(result({ 'if-none-match': '*' }, { etag: undefined })).toBe('not-modified');
  });

  it('goes before If-Modified-Since (§13.2.2)', () => {
    expect(result({ 'if-none-match': '"x"', 'if-modified-since': LM })).toBe('modified');
    expect(result({ 'if-none-match': '"abc"', 'if-modified-since': EARLIER })).toBe('not-modified');
  });

  it('A1.9 reads 10 kB of garbage in linear time', () => {
    for (const text of ['"'.repeat(10_240), 'W/'.repeat(5_120), ', '.repeat(5_120), '"a" '.repeat(2_560)]) {
      const startedAt = performance.now();
      for (let i = 0; i < 10; i++) result({ 'if-none-match': text.repeat(10) });
      expect(performance.now() - startedAt).toBeLessThan(1000);
    }
  });

  it('never throws', () => {
    fc.assert(fc.property(anyText, (value) => void result({ 'if-none-match': value, 'if-range': value })));
  });
});

describe('entity tags (RFC 9110 §8.8.3)', () => {
  it('are read back from a list of any valid ones', () => {
    const tag = fc
      .tuple(fc.boolean(), fc.string({ unit: fc.constantFrom(...'ab,!#\\W/\u00e9*') }))
      .map(([weak, text]) => `${weak ? 'W/' : ''}"${text}"`);
    fc.assert(
      fc.property(fc.array(tag, { minLength: 1 }), fc.constantFrom(',', ', ', ' ,\t'), (tags, separator) => {
        expect(parseEntityTagList(tags.join(separator))).toEqual(tags.map((text) => parseEntityTag(text)));
      }),
    );
  });

  it.each(['"a b"', '"a\nb"', '""a', 'W/"a" x'])('are not %j', (text) => {
    expect(parseEntityTag(text)).toBeUndefined();
  });
});

describe('If-Modified-Since against a stored response (RFC 9110 §13.1.3)', () => {
  const since = (value: string | string[], rest?: Partial<StoredValidators>) =>
    result({ 'if-modified-since': value }, { etag: undefined, ...rest });

  it('holds when the response is not younger', () => {
    expect(since(LM)).toBe('not-modified');
    expect(since(LATER)).toBe('not-modified');
    expect(since(EARLIER)).toBe('modified');
  });

  it('is read in all three date forms', () => {
    expect(since('Wednesday, 14-Jan-26 10:00:00 GMT')).toBe('not-modified');
    expect(since('Wed Jan 14 10:00:00 2026')).toBe('not-modified');
  });

  it('compares with Date, then with the time of receipt, where Last-Modified is missing (RFC 9111 §4.3.2)', () => {
    expect(since(LM, { lastModified: undefined, date: LM })).toBe('not-modified');
    expect(since(LM, { lastModified: undefined, date: LATER })).toBe('modified');
    expect(since(LM, { lastModified: undefined })).toBe('modified');
    expect(since(new Date(RECEIVED).toUTCString(), { lastModified: undefined })).toBe('not-modified');
  });

  it('is ignored when it is no date, or several', () => {
    expect(since('garbage')).toBe('none');
    expect(since([LM, LM])).toBe('none');
  });
});

describe('preconditions', () => {
  it('are not evaluated where there are none', () => {
    expect(result({})).toBe('none');
  });

  it('do not apply to stored responses that a 304 cannot stand for (RFC 9110 §13.2.1, §15.4.5)', () => {
    for (const status of [204, 301, 404, 500]) expect(result({ 'if-none-match': '*' }, { status })).toBe('none');
  });

  it('of the origin are told apart, for they must be forwarded (RFC 9111 §4.3.2)', () => {
    expect(hasOriginPreconditions({ 'if-match': '"a"' })).toBe(true);
    expect(hasOriginPreconditions({ 'if-unmodified-since': LM })).toBe(true);
    expect(hasOriginPreconditions({ 'if-none-match': '"a"' })).toBe(false);
  });
});

describe('If-Range (RFC 9110 §13.1.5)', () => {
  const holds = (ifRange: string | string[] | undefined, rest: Partial<StoredValidators> = {}) =>
    ifRangeHolds(
      { 'if-range': ifRange },
      stored({ etag: '"abc"', lastModified: LM, date: 'Thu, 15 Jan 2026 12:00:00 GMT', ...rest }),
    );

  it('holds when it is absent, the same strong tag, or the very date', () => {
    expect(holds(undefined)).toBe(true);
    expect(holds('"abc"')).toBe(true);
    expect(holds(LM)).toBe(true);
  });

  it.each(['"abcd"', 'W/"abc"', 'abc', '*', '', LATER, EARLIER, 'garbage', 'Wed Jan 14 10:00:00 2026'])(
    'does not hold for %j',
    (value) => {
      expect(holds(value)).toBe(false);
    },
  );

  it('compares strongly', () => {
    expect(holds('W/"abc"', { etag: 'W/"abc"' })).toBe(false);
    expect(holds('"abc"', { etag: 'W/"abc"' })).toBe(false);
  });

  it('does not trust a date within its own second (§8.8.2.2)', () => {
    expect(holds(LM, { date: LM })).toBe(false);
    expect(holds('garbage', { lastModified: 'garbage' })).toBe(false);
    expect(holds([LM, LM])).toBe(false);
  });
});

describe('validating a stored response (RFC 9111 §4.3.1)', () => {
  it('asks by the entity tag and by the date', () => {
    expect(validationFields(stored({ etag: 'W/"abc"', lastModified: LM }))).toEqual({
      'if-none-match': 'W/"abc"',
      'if-modified-since': LM,
    });
    expect(validationFields(stored({ lastModified: LM }))).toEqual({ 'if-modified-since': LM });
    expect(validationFields(stored({ etag: 'abc', lastModified: 'x' }))).toEqual({});
  });
});
