import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FreshnessOptions, freshnessOf } from '../../../lib/cache/http/freshness.js';
import type { HeaderFields } from '../../../lib/cache/http/header-fields.js';
import { cachePolicy } from '../../../lib/cache/http/targeted.js';

const NOW = Date.UTC(2026, 0, 15, 12, 0, 0, 400);
const HOUR = 3_600_000;
const STALE_AGE = 2 ** 31 * 1000;

function of(headers: HeaderFields, options: FreshnessOptions = {}, status = 200) {
  return freshnessOf({ status, headers, policy: cachePolicy(headers), receivedAt: NOW }, options);
}

function at(offsetSeconds: number): string {
  return new Date(NOW + offsetSeconds * 1000).toUTCString();
}

describe('freshness lifetime (RFC 9111 §4.2.1)', () => {
  it.each<[HeaderFields, number]>([
    [{ 'cache-control': 'max-age=60' }, 60_000],
    [{ 'cache-control': 'max-age=60, s-maxage=5' }, 5_000],
    [{ 'cache-control': 'max-age=1, s-maxage=60', expires: at(-10) }, 60_000],
    [{ 'cache-control': 'max-age=60', expires: '0', date: at(0) }, 60_000],
    [{ 'cache-control': 'max-age=0', expires: at(3600), date: at(0) }, 0],
    [{ expires: at(3600), date: at(0) }, HOUR],
    [{ expires: at(300), date: at(400) }, 0],
    [{ expires: '0', date: at(0) }, 0],
    [{ expires: [at(60), at(120)], date: at(0) }, 0],
    [{ expires: at(-5), date: at(0) }, 0],
    [{ 'cdn-cache-control': 'max-age=9', 'cache-control': 'max-age=60', expires: at(100) }, 9_000],
    [{ 'cache-control': 'max-age=99999999999' }, STALE_AGE],
  ])('of %j is %d ms', (headers, lifetimeMs) => {
    expect(of(headers)).toMatchObject({ lifetimeMs, explicit: true });
  });

  it('counts Expires from receipt when Date is missing or unreadable', () => {
    expect(of({ expires: at(10), date: 'foo' }).lifetimeMs).toBeCloseTo(10_000, -3);
    expect(of({ expires: at(10) }).lifetimeMs).toBeCloseTo(10_000, -3);
  });

  it('is not explicit, and nothing, without any of them', () => {
    expect(of({})).toMatchObject({ lifetimeMs: 0, explicit: false });
    expect(of({ 'cdn-cache-control': 'public', expires: at(60) })).toMatchObject({ lifetimeMs: 0, explicit: false });
  });

  it('is nothing under no-cache, whatever else is said', () => {
    expect(of({ 'cache-control': 'no-cache, max-age=60' }, { ttlMs: HOUR })).toMatchObject({
      lifetimeMs: 0,
      mustRevalidate: true,
    });
  });
});

describe('an explicit ttl', () => {
  it('replaces every lifetime of the response', () => {
    for (const headers of [
      { 'cache-control': 'max-age=0, s-maxage=1' },
      { expires: '0' },
      { 'cdn-cache-control': 'max-age=1' },
      {},
    ]) {
      expect(of(headers, { ttlMs: HOUR })).toMatchObject({ lifetimeMs: HOUR, explicit: true });
    }
  });

  it('runs from receipt: an age the response came with is added', () => {
    const freshness = of({ age: '100' }, { ttlMs: HOUR });
    expect(freshness).toMatchObject({ initialAgeMs: 100_000, lifetimeMs: HOUR + 100_000 });
  });

  it('leaves a garbage age at nothing instead of making the response stale', () => {
    expect(of({ age: 'abc' }, { ttlMs: HOUR })).toMatchObject({ initialAgeMs: 0, lifetimeMs: HOUR });
  });
});

describe('heuristic freshness (RFC 9111 §4.2.2)', () => {
  const dated = { 'last-modified': at(-1000), date: at(0) };

  it('is off unless asked for', () => {
    expect(of(dated).lifetimeMs).toBe(0);
  });

  it('is a tenth of the time since the last change, a day at most', () => {
    expect(of(dated, { heuristic: true })).toMatchObject({ lifetimeMs: 100_000, explicit: false });
    expect(of({ 'last-modified': at(-1e8), date: at(0) }, { heuristic: true }).lifetimeMs).toBe(24 * HOUR);
    expect(of({ 'last-modified': at(50), date: at(0) }, { heuristic: true }).lifetimeMs).toBe(0);
    expect(of({ 'last-modified': 'garbage' }, { heuristic: true }).lifetimeMs).toBe(0);
  });

  it.each([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501])('applies to %d', (status) => {
    expect(of(dated, { heuristic: true }, status).lifetimeMs).toBe(100_000);
  });

  it.each([201, 202, 302, 307, 403, 500, 502, 503, 504, 599])('does not apply to %d, unless it is public', (status) => {
    expect(of(dated, { heuristic: true }, status).lifetimeMs).toBe(0);
    expect(of({ ...dated, 'cache-control': 'public' }, { heuristic: true }, status).lifetimeMs).toBe(100_000);
  });

  it('gives way to any stated lifetime', () => {
    expect(of({ ...dated, 'cache-control': 'max-age=0' }, { heuristic: true }).lifetimeMs).toBe(0);
  });
});

describe('age on receipt (RFC 9111 §4.2.3)', () => {
  it.each<[HeaderFields, number]>([
    [{}, 0],
    [{ age: '7200' }, 7_200_000],
    [{ age: ' 30 ' }, 30_000],
    [{ date: at(-7200) }, 7_200_000],
    [{ date: at(-10), age: '25' }, 25_000],
    [{ date: at(10), age: '25' }, 25_000],
    [{ date: at(0) }, 0],
    [{ date: at(3600) }, 0],
    [{ date: 'garbage' }, 0],
    [{ age: '99999999999' }, STALE_AGE],
  ])('of %j is %d ms', (headers, initialAgeMs) => {
    expect(of(headers).initialAgeMs).toBe(initialAgeMs);
  });

  it.each(['abc', '-7200', '7200.0', '7200,0', '0,7200', '0, 0', '', '7200;foo=bar', '1e3', '0x10'])(
    'A4.9 makes a response with the unreadable Age %j stale',
    (age) => {
      const { initialAgeMs, lifetimeMs } = of({ 'cache-control': 'max-age=3600', age });
      expect(initialAgeMs).toBeGreaterThan(lifetimeMs);
    },
  );

  it('makes a response with two Age lines stale', () => {
    expect(of({ age: ['0', '0'] }).initialAgeMs).toBe(STALE_AGE);
  });
});

describe('stale windows (RFC 5861, RFC 9111 §4.2.4)', () => {
  const windows = 'max-age=1, stale-while-revalidate=30, stale-if-error=60';

  it('come from the response, or from the options in its place', () => {
    expect(of({ 'cache-control': windows })).toMatchObject({ staleWhileRevalidateMs: 30_000, staleIfErrorMs: 60_000 });
    const options = { staleWhileRevalidateMs: 5, staleIfErrorMs: 0 };
    expect(of({ 'cache-control': windows }, options)).toMatchObject(options);
    expect(of({ 'cache-control': 'max-age=1' })).toMatchObject({ staleWhileRevalidateMs: 0, staleIfErrorMs: 0 });
  });

  it.each(['must-revalidate', 'proxy-revalidate', 's-maxage=5', 'no-cache'])(
    'are forbidden by %s, options included',
    (directive) => {
      const freshness = of(
        { 'cache-control': `${windows}, ${directive}` },
        { staleWhileRevalidateMs: 99, staleIfErrorMs: 99 },
      );
      expect(freshness).toMatchObject({ mustRevalidate: true, staleWhileRevalidateMs: 0, staleIfErrorMs: 0 });
    },
  );

  it('are allowed beside an s-maxage that an explicit ttl replaced, and still not beside must-revalidate', () => {
    const options = { ttlMs: HOUR, staleWhileRevalidateMs: 99 };
    expect(of({ 'cache-control': 's-maxage=5' }, options)).toMatchObject({
      mustRevalidate: false,
      staleWhileRevalidateMs: 99,
    });
    expect(of({ 'cache-control': 'must-revalidate' }, options)).toMatchObject({
      mustRevalidate: true,
      staleWhileRevalidateMs: 0,
    });
  });

  it('are ignored in Cache-Control when a targeted field speaks', () => {
    const freshness = of({ 'cache-control': windows, 'cdn-cache-control': 'max-age=1' });
    expect(freshness).toMatchObject({ staleWhileRevalidateMs: 0, mustRevalidate: false });
  });
});

describe('freshness of any response', () => {
  it('A4.9 is never negative, infinite or NaN', () => {
    const value = fc.oneof(
      fc.string(),
      fc.integer().map(String),
      fc.constant(at(-5)),
      fc.constant('max-age=1e9'),
      fc.constant('s-maxage=99999999999'),
    );
    const headers = fc.record(
      {
        age: value,
        date: value,
        expires: value,
        'last-modified': value,
        'cache-control': value,
        'cdn-cache-control': value,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(headers, fc.boolean(), (fields, heuristic) => {
        for (const amount of Object.values(of(fields, { heuristic }))) {
          if (typeof amount === 'number') expect(Number.isFinite(amount) && amount >= 0).toBe(true);
        }
      }),
    );
  });
});
