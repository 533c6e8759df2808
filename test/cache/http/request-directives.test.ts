import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRequestDirectives } from '../../../lib/cache/http/request-directives.js';
import { anyText } from './any-text.js';

describe('Cache-Control of a request (RFC 9111 §5.2.1)', () => {
  it('reads every directive', () => {
    const directives = parseRequestDirectives({
      'cache-control': 'no-cache, no-store, no-transform, only-if-cached, max-age=5, max-stale=10, min-fresh=20',
    });
    expect(directives).toEqual({
      noStore: true,
      noCache: true,
      noTransform: true,
      onlyIfCached: true,
      maxAgeSeconds: 5,
      maxStaleSeconds: 10,
      minFreshSeconds: 20,
    });
  });

  it('takes max-stale without a value as any staleness, and a malformed one as none', () => {
    expect(parseRequestDirectives({ 'cache-control': 'max-stale' }).maxStaleSeconds).toBe(Number.POSITIVE_INFINITY);
    expect(parseRequestDirectives({ 'cache-control': 'max-stale=x' }).maxStaleSeconds).toBe(0);
    expect(parseRequestDirectives({ 'cache-control': 'max-stale, max-stale=3' }).maxStaleSeconds).toBe(3);
  });

  it('takes malformed limits as the fresher answer', () => {
    expect(parseRequestDirectives({ 'cache-control': 'max-age=x' }).maxAgeSeconds).toBe(0);
    expect(parseRequestDirectives({ 'cache-control': 'min-fresh=x' }).minFreshSeconds).toBe(2 ** 31);
  });

  it('heeds Pragma only where there is no Cache-Control (§5.4)', () => {
    expect(parseRequestDirectives({ pragma: 'No-Cache' }).noCache).toBe(true);
    expect(parseRequestDirectives({ pragma: 'foo' }).noCache).toBe(false);
    expect(parseRequestDirectives({ pragma: 'no-cache', 'cache-control': 'max-age=5' }).noCache).toBe(false);
  });

  it('never throws', () => {
    fc.assert(
      fc.property(anyText, fc.string(), (cacheControl, pragma) => {
        parseRequestDirectives({ 'cache-control': cacheControl });
        parseRequestDirectives({ pragma });
      }),
    );
  });
});
