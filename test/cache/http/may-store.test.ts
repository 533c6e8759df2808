import { describe, expect, it } from 'vitest';
import { freshnessOf } from '../../../lib/cache/http/freshness.js';
import type { HeaderFields } from '../../../lib/cache/http/header-fields.js';
import { mayStore, type StoreCandidate } from '../../../lib/cache/http/may-store.js';
import { NOT_STORED_REASONS, type NotStoredReason } from '../../../lib/cache/http/reasons.js';
import { ttlApplies } from '../../../lib/cache/http/statuses.js';
import { cachePolicy } from '../../../lib/cache/http/targeted.js';
import { parseVary } from '../../../lib/cache/http/vary.js';

interface Case extends Partial<StoreCandidate> {
  readonly ttlMs?: number;
  readonly heuristic?: boolean;
}

/** `true`, or the reason. */
function decide(fields: HeaderFields, { ttlMs, heuristic, ...rest }: Case = {}): true | NotStoredReason {
  const headers: HeaderFields = { 'cache-control': 'max-age=60', ...fields };
  const status = rest.status ?? 200;
  const policy = cachePolicy(headers);
  const decision = mayStore({
    method: 'GET',
    status,
    headers,
    policy,
    freshness: freshnessOf({ status, headers, policy, receivedAt: 0 }, { ttlMs, heuristic }),
    vary: parseVary(headers),
    authorized: false,
    requestNoStore: false,
    identityKeyed: false,
    allowAuthorized: false,
    ...rest,
  });
  return decision.store || decision.reason;
}

describe('what a shared cache may store (RFC 9111 §3)', () => {
  it('stores a GET with an explicit lifetime', () => {
    expect(decide({})).toBe(true);
    expect(decide({ 'cache-control': undefined, expires: 'Thu, 01 Jan 2037 00:00:00 GMT' })).toBe(true);
    expect(decide({ 'cache-control': undefined }, { ttlMs: 1000 })).toBe(true);
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY', 'HEAD', 'get', 'FOO'])(
    'A1.5, A1.6 does not store an answer to %s',
    (method) => {
      expect(decide({}, { method })).toBe('method');
    },
  );

  it.each([100, 101, 103, 304, 416, 199, 600, 0, 200.5])('A1.7 does not store status %d', (status) => {
    expect(decide({}, { status })).toBe('status');
  });

  it('A1.7 does not store partial content under any status', () => {
    expect(decide({}, { status: 206 })).toBe('partial');
    expect(decide({ 'content-range': 'bytes 0-9/100' })).toBe('partial');
    expect(decide({ 'content-range': 'bytes=0-9/*' })).toBe('partial');
    expect(decide({ 'content-range': 'bytes */100' })).toBe('partial');
    expect(decide({ 'content-range': ['x', 'items 0-9/20'] })).toBe('partial');
  });

  it('ignores a Content-Range that is none, where the field means nothing (RFC 9110 §14.4)', () => {
    expect(decide({ 'content-range': 'ANANAN' })).toBe(true);
  });

  it.each([200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 504, 599])(
    'stores %d when the handler gave it a lifetime',
    (status) => {
      expect(decide({}, { status })).toBe(true);
    },
  );

  it('stores must-understand only with a status it knows, and then against the no-store beside it (§5.2.2.3)', () => {
    expect(decide({ 'cache-control': 'max-age=60, must-understand' }, { status: 599 })).toBe('must-understand');
    expect(decide({ 'cache-control': 'max-age=60, must-understand, no-store' }, { status: 599 })).toBe(
      'must-understand',
    );
    expect(decide({ 'cache-control': 'max-age=60, must-understand, no-store' })).toBe(true);
  });

  it.each(['no-store', 'no-store, max-age=60', 'max-age=60, No-Store'])(
    'A2.4 does not store %s, with a ttl either',
    (value) => {
      expect(decide({ 'cache-control': value }, { ttlMs: 1000 })).toBe('no-store');
    },
  );

  it.each(['private', 'private, max-age=60', 'max-age=60, private="set-cookie"', 'private=""'])(
    'A2.4 does not store %s, with a ttl either',
    (value) => {
      expect(decide({ 'cache-control': value }, { ttlMs: 1000 })).toBe('private');
      expect(decide({ 'cdn-cache-control': value.replace('private=""', 'private=x') }, { ttlMs: 1000 })).toBe(
        'private',
      );
    },
  );

  it('keeps a private response under the key of its one identity', () => {
    expect(decide({ 'cache-control': 'private, max-age=60' }, { identityKeyed: true })).toBe(true);
    expect(decide({ 'cache-control': 'no-store' }, { identityKeyed: true })).toBe('no-store');
  });

  it('obeys a targeted no-store, and a targeted lifetime before Cache-Control (RFC 9213)', () => {
    expect(decide({ 'cdn-cache-control': 'no-store' }, { ttlMs: 1000 })).toBe('no-store');
    expect(decide({ 'cdn-cache-control': 'max-age=5', 'cache-control': 'no-store' })).toBe(true);
  });

  it('A2.3 does not store an answer to Authorization (§3.5)', () => {
    expect(decide({}, { authorized: true })).toBe('authorization');
    expect(decide({}, { authorized: true, allowAuthorized: true })).toBe('authorization');
    expect(decide({ 'cache-control': 'max-age=5, public' }, { authorized: true })).toBe('authorization');
  });

  it.each(['public, max-age=5', 's-maxage=5', 'max-age=5, must-revalidate'])(
    'A2.3 lets %s share it where the route allows that',
    (value) => {
      expect(decide({ 'cache-control': value }, { authorized: true, allowAuthorized: true })).toBe(true);
    },
  );

  it('keeps an answer to Authorization under the key of its one identity', () => {
    expect(decide({}, { authorized: true, identityKeyed: true })).toBe(true);
  });

  it('A2.1 does not store a response that sets a cookie, for nobody', () => {
    expect(decide({ 'set-cookie': ['a=b'] }, { ttlMs: 1000 })).toBe('set-cookie');
    expect(decide({ 'set-cookie': '' })).toBe('set-cookie');
    expect(decide({ 'set-cookie': ['a=b'] }, { identityKeyed: true })).toBe('set-cookie');
  });

  it.each(['*', ' * ', 'Accept, *', '*, Foo', ', *'])('A2.5 does not store Vary: %s', (vary) => {
    expect(decide({ vary })).toBe('vary-wildcard');
  });

  it('A2.5 does not store a star on another line', () => {
    expect(decide({ vary: ['a', '*'] })).toBe('vary-wildcard');
  });

  it.each(['Cookie', 'Accept, authorization'])('A2.6 does not store Vary: %s, except for one identity', (vary) => {
    expect(decide({ vary })).toBe('vary-identity');
    expect(decide({ vary }, { identityKeyed: true })).toBe(true);
  });

  it('A2.7 does not store more than eight Vary names', () => {
    expect(decide({ vary: 'a,b,c,d,e,f,g,h' })).toBe(true);
    expect(decide({ vary: 'a,b,c,d,e,f,g,h,i' })).toBe('vary-limit');
  });

  it('does not store without a lifetime, or only a guessed one that is off', () => {
    expect(decide({ 'cache-control': undefined, etag: '"a"' })).toBe('no-lifetime');
    expect(decide({ 'cache-control': 'public' })).toBe('no-lifetime');
    expect(
      decide({ 'cache-control': undefined, 'last-modified': 'Mon, 01 Jan 1900 00:00:00 GMT' }, { heuristic: true }),
    ).toBe(true);
  });

  it('does not store what could never be used', () => {
    expect(decide({ 'cache-control': 'max-age=0' })).toBe('uninteresting');
    expect(decide({ 'cache-control': 'max-age=60', age: '61' })).toBe('uninteresting');
    expect(decide({ 'cache-control': 'no-cache' })).toBe('uninteresting');
  });

  it('stores what is stale at once for its validator or its window', () => {
    expect(decide({ 'cache-control': 'max-age=0', etag: '"a"' })).toBe(true);
    expect(decide({ 'cache-control': 'no-cache', etag: '"a"' })).toBe(true);
    expect(decide({ 'cache-control': 'max-age=0, stale-while-revalidate=5' })).toBe(true);
  });

  it("obeys a request's no-store where that is to be obeyed (§5.2.1.5)", () => {
    expect(decide({}, { requestNoStore: true })).toBe('request-no-store');
  });

  it('gives reasons from a closed set', () => {
    expect(new Set(NOT_STORED_REASONS).size).toBe(NOT_STORED_REASONS.length);
  });
});

describe('statuses an explicit ttl applies to', () => {
  it('are 200, 203, 301 and 308 by default', () => {
    const applies = Array.from({ length: 500 }, (_, index) => index + 100).filter((status) => ttlApplies(status));
    expect(applies).toEqual([200, 203, 301, 308]);
  });

  it('never include an error, even a listed one, except that a URL has nothing', () => {
    const listed = [200, 400, 401, 403, 404, 410, 429, 500, 503];
    expect(listed.filter((status) => ttlApplies(status, listed))).toEqual([200, 404, 410]);
  });
});
