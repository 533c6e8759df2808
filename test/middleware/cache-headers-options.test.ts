import { describe, expect, it } from 'vitest';
import { type CacheHeadersOptions, type CacheHeadersRules, cacheHeaders } from '../../lib/middleware/cache-headers.js';
import { resolveCacheHeadersOptions } from '../../lib/middleware/cache-headers-options.js';
import { resolveCacheHeadersRules } from '../../lib/middleware/cache-headers-rules.js';

const text = (options: CacheHeadersOptions) => resolveCacheHeadersOptions('cacheHeaders', options).cacheControl;

describe('directives of cacheHeaders', () => {
  it.each<[CacheHeadersOptions, string]>([
    [{ public: true, maxAge: '1m', sMaxAge: '6h' }, 'public, max-age=60, s-maxage=21600'],
    [{ private: true, maxAge: 30 }, 'private, max-age=30'],
    [{ noStore: true }, 'no-store'],
    [
      { noStore: true, private: true, noCache: true, mustRevalidate: true },
      'private, no-store, no-cache, must-revalidate',
    ],
    [{ mustUnderstand: true, noStore: true, maxAge: '1h' }, 'no-store, must-understand, max-age=3600'],
    [
      { maxAge: '1h', staleWhileRevalidate: '5m', staleIfError: '1d' },
      'max-age=3600, stale-while-revalidate=300, stale-if-error=86400',
    ],
    [{ public: true, maxAge: '365d', immutable: true }, 'public, immutable, max-age=31536000'],
    [{ noTransform: true, maxAge: 0 }, 'no-transform, max-age=0'],
    [{ public: false, maxAge: '1s' }, 'max-age=1'],
    [{}, ''],
  ])('%j are %j', (options, value) => {
    expect(text(options)).toBe(value);
  });

  it.each<[CacheHeadersOptions, RegExp]>([
    [{ public: true, private: true }, /'public' and 'private' contradict/],
    [{ private: true, sMaxAge: '1m' }, /'private' and 'sMaxAge' contradict/],
    [{ noStore: true, maxAge: '1m' }, /'noStore' and 'maxAge' contradict/],
    [{ noStore: true, public: true }, /'noStore' and 'public' contradict/],
    [{ noCache: true, staleWhileRevalidate: '1m' }, /'noCache' and 'staleWhileRevalidate' contradict/],
    [{ mustRevalidate: true, staleIfError: '1m' }, /'mustRevalidate' and 'staleIfError' contradict/],
    [{ noCache: true, maxAge: '1m', immutable: true }, /'noCache' and 'immutable' contradict/],
    [{ immutable: true }, /'immutable' needs a 'maxAge'/],
    [{ immutable: true, maxAge: 0 }, /'immutable' needs a 'maxAge'/],
    [{ cdn: { public: true, private: true } }, /cacheHeaders\.cdn: 'public' and 'private' contradict/],
    [{ cdn: {} }, /cacheHeaders\.cdn: expected at least one directive/],
    [{ maxAge: '1500ms' }, /cacheHeaders\.maxAge: expected a duration of whole seconds/],
    [{ maxAge: -1 }, /cacheHeaders\.maxAge/],
    [{ vary: 'a b' }, /cacheHeaders\.vary/],
    [{ vary: '*' }, /cacheHeaders\.vary/],
    [{ tags: ['movies'] }, /cacheHeaders\.tags: say 'surrogateKey: true'/],
    [{ surrogateKey: true, tags: ['movie:{id'] }, /cacheHeaders\.tags/],
    [{ etag: true } as unknown as CacheHeadersOptions, /cacheHeaders\.etag: expected 'weak', 'strong' or false/],
    [{ public: 'yes' } as unknown as CacheHeadersOptions, /cacheHeaders\.public: expected true or false/],
    [{ maxage: 1 } as unknown as CacheHeadersOptions, /unknown option 'maxage'\. Did you mean 'maxAge'/],
    [{ cdn: { vary: 'a' } } as unknown as CacheHeadersOptions, /cacheHeaders\.cdn: unknown option 'vary'/],
  ])('%j throw at construction', (options, message) => {
    expect(() => cacheHeaders(options)).toThrow(message);
  });
});

describe('rules of cacheHeaders', () => {
  const choose = resolveCacheHeadersRules({
    '/': { maxAge: 1 },
    '/api/movies': { maxAge: 2 },
    '/api/movies/secret/': 'private',
    '/Assets': 'immutable',
    '/login': 'no-store',
  });
  const chosen = (path: string) => choose(path)?.cacheControl;

  it.each([
    ['/', 'max-age=1'],
    ['/x', 'max-age=1'],
    ['/api/movies', 'max-age=2'],
    ['/api/movies/', 'max-age=2'],
    ['/api/movies/1', 'max-age=2'],
    ['/api/movies-old', 'max-age=1'],
    ['/api/movies/secret', 'private, no-cache'],
    ['/api/movies/secret/1', 'private, no-cache'],
    ['/assets/app.js', 'public, immutable, max-age=31536000'],
    ['/login', 'no-store'],
  ])('%s: the longest prefix decides, by whole segments', (path, value) => {
    expect(chosen(path)).toBe(value);
  });

  it.each(['/API/Movies/Secret', '/api/MOVIES/secret/1'])(
    'A2.12 %s matches without regard to case, as Express routes',
    (path) => {
      expect(chosen(path)).toBe('private, no-cache');
    },
  );

  it.each(['/api/movies/%73ecret', '/api/movies/%53ecret/1', '/api%2Fmovies/x', '/%6cogin'])(
    'A2.12 %s, spelled so that it falls under another rule, may not be stored',
    (path) => {
      expect(chosen(path)).toBe('no-store');
    },
  );

  it('leaves harmless percent-encoding alone', () => {
    expect(chosen('/api/movies/a%20b')).toBe('max-age=2');
    expect(chosen('/api/movies/%zz')).toBe('max-age=2');
  });

  it('says nothing where no prefix matches', () => {
    expect(resolveCacheHeadersRules({ '/a': 'private' })('/b')).toBeUndefined();
  });

  it.each<[CacheHeadersRules, RegExp]>([
    [{ movies: { maxAge: 1 } }, /literal path prefixes/],
    [{ '/movies/:id': { maxAge: 1 } }, /literal path prefixes/],
    [{ '/movies/*': { maxAge: 1 } }, /literal path prefixes/],
    [{ '/a': 'privat' as 'private' }, /one of 'immutable', 'no-store', 'private'/],
    [{ '/a': { public: true, private: true } }, /rules\['\/a'\]: 'public' and 'private' contradict/],
    [[] as unknown as CacheHeadersRules, /expected an object/],
  ])('%j throws at construction', (rules, message) => {
    expect(() => cacheHeaders.rules(rules)).toThrow(message);
  });
});
