import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cachePolicy, targetedDirectives } from '../../../lib/cache/http/targeted.js';
import { anyText } from './any-text.js';

describe('targeted fields (RFC 9213)', () => {
  it('put CDN-Cache-Control in the place of Cache-Control', () => {
    const policy = cachePolicy({ 'cdn-cache-control': 'max-age=600', 'cache-control': 'no-store' });
    expect(policy.targeted).toBe(true);
    expect(policy.directives).toMatchObject({ maxAgeSeconds: 600, noStore: false });
  });

  it.each([
    '',
    '  ',
    'max-age=',
    'Max-Age=600',
    'max-age=600,,',
    '=',
    'max-age=9999999999999999',
    'no-store;',
    '\u00e9',
  ])('ignore the invalid or empty %j (§2.1)', (value) => {
    const policy = cachePolicy({ 'cdn-cache-control': value, 'cache-control': 'max-age=5' });
    expect(policy.targeted).toBe(false);
    expect(policy.directives.maxAgeSeconds).toBe(5);
  });

  it('combine several lines into one dictionary', () => {
    const { directives } = cachePolicy({ 'cdn-cache-control': ['max-age=600', 'must-revalidate'] });
    expect(directives).toMatchObject({ maxAgeSeconds: 600, mustRevalidate: true });
  });

  it('ignore parameters, and take ?0 as absent', () => {
    expect(targetedDirectives('max-age=600;x=1, no-store=?0')).toMatchObject({ maxAgeSeconds: 600, noStore: false });
  });

  it.each(['max-age=-1', 'max-age=1.5', 'max-age="x"', 'max-age', 'max-age=(1 2)', 'max-age=:aGk=:'])(
    'take %s as stale',
    (value) => {
      expect(targetedDirectives(value)?.maxAgeSeconds).toBe(0);
    },
  );

  it.each(['private', 'private="set-cookie"', 'private=(a)', 'no-store, private=1'])(
    'A2.4 take %s as private',
    (value) => {
      expect(targetedDirectives(value)?.private).toBe(true);
    },
  );

  it('name the fields of a qualified no-cache', () => {
    expect(targetedDirectives('no-cache="a, b"')).toMatchObject({ noCache: false, noCacheFields: ['a', 'b'] });
    expect(targetedDirectives('no-cache')).toMatchObject({ noCache: true });
    expect(targetedDirectives('no-cache=a')).toMatchObject({ noCache: true });
  });

  it('never throw', () => {
    fc.assert(
      fc.property(anyText, (value) => void targetedDirectives(value)),
      { numRuns: 1000 },
    );
  });
});
