import { parse as parseQuery } from 'node:querystring';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type QueryOptions, resolveQueryPolicy } from '../../../lib/cache/http/query-policy.js';
import { normalizedPath, urlKey } from '../../../lib/cache/http/url-key.js';
import { anyText } from './any-text.js';

const DEFAULTS = resolveQueryPolicy('query');

function keyOf(url: string, host = 'a.test', options?: QueryOptions): string {
  return urlKey(host, url, options ? resolveQueryPolicy('query', options) : DEFAULTS).key;
}

function visible(url: string, options?: QueryOptions): string {
  return urlKey('a.test', url, options ? resolveQueryPolicy('query', options) : DEFAULTS).strippedUrl ?? url;
}

describe('primary key (RFC 9111 §2)', () => {
  it('A1.12 holds the host with its port, in lower case', () => {
    expect(keyOf('/p', 'A.TEST')).toBe(keyOf('/p', 'a.test'));
    expect(keyOf('/p', 'a.test:1337')).not.toBe(keyOf('/p', 'a.test'));
    expect(keyOf('/p', '')).not.toBe(keyOf('/p', 'a.test'));
  });

  it('A1.13 takes path and query of an absolute-form target, and shows the handler no more', () => {
    expect(keyOf('http://evil.test/p?a=1')).toBe(keyOf('/p?a=1'));
    expect(visible('http://evil.test/p?a=1')).toBe('/p?a=1');
    expect(visible('http://evil.test')).toBe('/');
    expect(visible('HTTPS://evil.test?x=1')).toBe('/?x=1');
  });

  it('A1.14 leaves a fragment out, and shows the handler none', () => {
    expect(keyOf('/p#x.css')).toBe(keyOf('/p'));
    expect(keyOf('/p#?a=1')).toBe(keyOf('/p'));
    expect(visible('/p?a=1#x.css')).toBe('/p?a=1');
  });

  it.each([
    ['/p?a=1&a=2', '/p?a=2&a=1'],
    ['/p?a[]=1', '/p?a=1'],
    ['/p?a=1;b=2', '/p?a=1&b=2'],
    ['/p?a=1;b=2', '/p?b=2;a=1'],
    ['/p?%61=1', '/p?a=1'],
    ['/p?%61=1&a=2', '/p?a=2&%61=1'],
    ['/p?a[]=1&a=2', '/p?a=2&a[]=1'],
    ['/p?a[0]=1&a[1]=2', '/p?a[1]=2&a[0]=1'],
    ['/p?a.b=1&a=2', '/p?a=2&a.b=1'],
    ['/p?a=1&A=2', '/p?A=2&a=1'],
    ['/p?a', '/p?a='],
    ['/p?a=%zz', '/p?a=zz'],
    ['/p?a=x+y', '/p?a=x%20y'],
    ['/p?', '/p'],
    ['/p/', '/p'],
    ['/P', '/p'],
    ['//p', '/p'],
    ['/%70', '/p'],
    ['/p;x', '/p'],
    ['/p%3Fa=1', '/p?a=1'],
    ['*', '/*'],
  ])('A1.10, A1.15 tells %s from %s', (one, other) => {
    expect(keyOf(one)).not.toBe(keyOf(other));
  });

  it('A1.10 sorts by name, and by nothing else', () => {
    expect(keyOf('/p?b=2&a=1')).toBe(keyOf('/p?a=1&b=2'));
    expect(keyOf('/p?b=2&a=1&b=1')).toBe(keyOf('/p?a=1&b=2&b=1'));
    expect(urlKey('h', '/p?b=2&a=1', DEFAULTS).strippedUrl).toBeUndefined();
  });

  it('does not sort what a parser might cut off', () => {
    const many = Array.from({ length: 65 }, (_, index) => `p${index}=1`);
    expect(keyOf(`/p?${many.join('&')}`)).not.toBe(keyOf(`/p?${many.reverse().join('&')}`));
  });

  it('A1.11 leaves tracking parameters out, and shows the handler none', () => {
    expect(keyOf('/p?utm_source=x&a=1&fbclid=y')).toBe(keyOf('/p?a=1'));
    expect(visible('/p?utm_source=x&b=2&a=1&fbclid=y')).toBe('/p?b=2&a=1');
    expect(keyOf('/p?gclid=1')).toBe(keyOf('/p'));
    expect(visible('/p?gclid=1')).toBe('/p');
    expect(visible('/p?utm%5Fsource=x')).toBe('/p?utm%5Fsource=x');
    expect(keyOf('/p?utm%5Fsource=x')).not.toBe(keyOf('/p'));
  });

  it('follows allow and ignore', () => {
    expect(visible('/p?a=1&b=2&a[]=3&utm_x=1', undefined)).toBe('/p?a=1&b=2&a[]=3');
    expect(visible('/p?a=1&b=2&a[]=3', { allow: ['a'] })).toBe('/p?a=1');
    expect(visible('/p?a=1&filter_x=2&b=3', { allow: ['filter_*'] })).toBe('/p?filter_x=2');
    expect(visible('/p?a=1&b=3', { allow: [] })).toBe('/p');
    expect(visible('/p?a=1&utm_source=3', { ignore: [] })).toBe('/p?a=1&utm_source=3');
    expect(visible('/p?a=1&b=3', { ignore: ['*'] })).toBe('/p');
  });

  it('throws for options that cannot be meant', () => {
    expect(() => resolveQueryPolicy('responseCache.query', { alow: [] } as QueryOptions)).toThrow(/allow/);
    expect(() => resolveQueryPolicy('responseCache.query', { ignore: ['a*b'] })).toThrow(
      /responseCache\.query\.ignore/,
    );
    expect(() => resolveQueryPolicy('responseCache.query', { allow: 'a' as unknown as string[] })).toThrow(/allow/);
  });

  it('A1.16 takes names of the prototype as names', () => {
    expect(visible('/p?__proto__[x]=1&constructor=2', { allow: ['constructor'] })).toBe('/p?constructor=2');
    expect(keyOf('/p?__proto__=1')).not.toBe(keyOf('/p'));
  });

  it('A1.17 is injective: equal keys mean the same host, the same path, and the same parameters to any parser', () => {
    const char = fc.constantFrom(...'ab:/?&=%2;#1[]');
    const host = fc.string({ unit: fc.constantFrom(...'ab:.12'), maxLength: 4 });
    const url = fc.string({ unit: char, maxLength: 8 }).map((text) => `/${text}`);
    fc.assert(
      fc.property(host, url, host, url, (hostOne, one, hostTwo, two) => {
        if (keyOf(one, hostOne) !== keyOf(two, hostTwo)) return;
        expect(hostOne).toBe(hostTwo);
        expect(meaning(one)).toEqual(meaning(two));
      }),
      { numRuns: 5000 },
    );
  });

  it('A1.10 is the same for every order of plain parameters of different names', () => {
    const parameters = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z]{1,3}$/), fc.stringMatching(/^[a-z]{0,3}$/)), {
      selector: ([name]) => name,
    });
    fc.assert(
      fc.property(parameters, fc.nat(), (pairs, turn) => {
        const texts = pairs.map(([name, value]) => `${name}=${value}`);
        const turned = [...texts.slice(turn % (texts.length || 1)), ...texts.slice(0, turn % (texts.length || 1))];
        expect(keyOf(`/p?${turned.join('&')}`)).toBe(keyOf(`/p?${texts.join('&')}`));
      }),
    );
  });

  it('never throws, and what the handler sees has the same key', () => {
    fc.assert(
      fc.property(anyText, anyText, (host, url) => {
        const { key, strippedUrl } = urlKey(host, url, DEFAULTS);
        if (strippedUrl !== undefined) expect(urlKey(host, strippedUrl, DEFAULTS).key).toBe(key);
      }),
      { numRuns: 1000 },
    );
  });
});

/** Path and parsed query of what a handler would see. */
function meaning(url: string): unknown {
  const [path, ...query] = visible(url).split('?');
  return [path, { ...parseQuery(query.join('?')) }, query.length > 0];
}

describe('the path by which entries are grouped', () => {
  it.each([
    ['/Movies/1/', '/movies/1'],
    ['/movies/%31', '/movies/1'],
    ['/', '/'],
    ['//', '/'],
    ['/a%2Fb', '/a/b'],
    ['/a%zz', '/a%zz'],
  ])('A1.15 of %s is %s', (path, normalized) => {
    expect(normalizedPath(path)).toBe(normalized);
  });

  it('reads a million slashes in linear time', () => {
    const startedAt = performance.now();
    normalizedPath('/'.repeat(1_000_000));
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });
});
