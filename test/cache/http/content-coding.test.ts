import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ContentCoding, negotiateCoding } from '../../../lib/cache/http/content-coding.js';
import { anyText } from './any-text.js';

const ALL: readonly ContentCoding[] = ['br', 'gzip', 'identity'];

describe('A2.9 choice of a content coding (RFC 9110 §12.5.3)', () => {
  it.each<[string | undefined, ContentCoding | undefined]>([
    [undefined, 'identity'],
    ['', 'identity'],
    ['gzip', 'gzip'],
    ['GZip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['gzip, br', 'br'],
    ['gzip;q=1.0, br;q=0.9', 'gzip'],
    ['gzip;q=0', 'identity'],
    ['gzip;q=0.001', 'gzip'],
    ['br;q=0, *', 'gzip'],
    ['*', 'br'],
    ['*;q=0', undefined],
    ['identity;q=0', undefined],
    ['identity;q=0, gzip', 'gzip'],
    ['*;q=0, identity', 'identity'],
    ['identity, gzip;q=0.5', 'identity'],
    ['deflate', 'identity'],
    ['gzip;q=x', 'identity'],
    ['gzip;q=2', 'identity'],
    ['gzip;q=-1', 'identity'],
    ['gzip;level=9', 'identity'],
    ['gzip, gzip;q=0', 'identity'],
  ])('for %j is %s', (acceptEncoding, coding) => {
    expect(negotiateCoding(acceptEncoding, ALL)).toBe(coding);
  });

  it('is among what is available', () => {
    expect(negotiateCoding('br', ['gzip', 'identity'])).toBe('identity');
    expect(negotiateCoding(undefined, ['gzip'])).toBeUndefined();
    expect(negotiateCoding('br', ['gzip'])).toBeUndefined();
  });

  it('never is one that was refused by name', () => {
    const member = fc
      .tuple(
        fc.constantFrom('gzip', 'br', 'identity', '*', 'x'),
        fc.constantFrom('', ';q=0', ';q=0.5', ';q=1', '; q=0.000', ';q=?'),
      )
      .map(([name, weight]) => name + weight);
    fc.assert(
      fc.property(fc.array(member), (members) => {
        const coding = negotiateCoding(members.join(','), ALL);
        for (const refused of members.filter((text) => /q=(0|0\.000)$/.test(text)))
          expect(refused.split(';')[0]).not.toBe(coding);
      }),
    );
  });

  it('never throws', () => {
    fc.assert(fc.property(anyText, (value) => void negotiateCoding(value, ALL)));
  });
});
