import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cacheGroups, groupInvalidation, parseGroups, serializeGroups } from '../../../lib/cache/http/groups.js';
import { anyText } from './any-text.js';

describe('Cache-Groups and Cache-Group-Invalidation (RFC 9875)', () => {
  it('are lists of strings', () => {
    expect(cacheGroups({ 'cache-groups': '"movies", "movie:1";x=1, "movies"' })).toEqual({
      groups: ['movies', 'movie:1'],
      complete: true,
    });
    expect(groupInvalidation({ 'cache-group-invalidation': ['"a"', '"b"'] }).groups).toEqual(['a', 'b']);
    expect(cacheGroups({}).groups).toEqual([]);
  });

  it.each(['movies', '"a", b', '1', '"a", 1', '"a", ("b")', '"a",', '"\u00e9"', '"a'])(
    'are ignored when they are %s',
    (value) => {
      expect(parseGroups(value)).toEqual({ groups: [], complete: true });
    },
  );

  it('hold at least 32 groups of 32 characters (§2)', () => {
    const groups = Array.from({ length: 32 }, (_, index) => String(index).padStart(32, 'x'));
    expect(parseGroups(serializeGroups(groups))).toEqual({ groups, complete: true });
  });

  it('are bounded, and say so', () => {
    const many = Array.from({ length: 2000 }, (_, index) => `"${index}"`).join(',');
    expect(parseGroups(many)).toMatchObject({ complete: false });
    expect(parseGroups(many).groups).toHaveLength(1024);
    expect(parseGroups(`"${'x'.repeat(2000)}", "a"`)).toEqual({ groups: ['a'], complete: false });
  });

  it('are written so that no two groups look alike', () => {
    expect(serializeGroups([])).toBeUndefined();
    expect(serializeGroups(['a"b\\', 'f\u00fcr', '50%'])).toBe('"a\\"b\\\\", "f%C3%BCr", "50%25"');
    fc.assert(
      fc.property(anyText, anyText, (one, other) => {
        fc.pre(one !== other && !/\p{Surrogate}/u.test(one + other));
        expect(parseGroups(serializeGroups([one, other])).groups).toHaveLength(2);
      }),
    );
  });

  it('never throw', () => {
    fc.assert(fc.property(anyText, (value) => void parseGroups(value)));
  });
});
