import { describe, expect, it } from 'vitest';
import { resolveQuotaPolicy } from '../../lib/quota/quota-policy.js';

describe('quota policy', () => {
  it('turns 5 per second with burst 10 into one token every 200 ms and a bucket that fills in 2 s', () => {
    expect(resolveQuotaPolicy('t', { rate: 5, burst: 10 })).toEqual({
      kind: 'bucket',
      name: '10-burst-5-per-1sec',
      limit: 10,
      sizeUs: 200_000,
      windowUs: 2_000_000,
    });
  });

  it('takes the rate for the burst when none is given, and at least one request', () => {
    expect(resolveQuotaPolicy('t', { rate: 7 }).limit).toBe(7);
    expect(resolveQuotaPolicy('t', { rate: 0.5 }).limit).toBe(1);
  });

  it('reads `per` as any duration', () => {
    expect(resolveQuotaPolicy('t', { rate: 60, per: '1m', burst: 5 }).sizeUs).toBe(1_000_000);
  });

  it('names a window as express-rate-limit does', () => {
    expect(resolveQuotaPolicy('t', { limit: 100, window: '1m' })).toMatchObject({
      kind: 'window',
      name: '100-in-1min',
      windowUs: 60e6,
    });
    expect(resolveQuotaPolicy('t', { limit: 1000, window: '1d' }).name).toBe('1000-in-1day');
  });

  it('accepts a limit of 0, which admits nothing', () => {
    expect(resolveQuotaPolicy('t', { limit: 0, window: '1m' }).limit).toBe(0);
  });

  it.each([
    [{}, /t: expected \{ rate, per\?, burst\? \} or \{ limit, window \}/],
    [null, /t: expected/],
    [[], /t: expected/],
    [{ rat: 5 }, /Did you mean 'rate'/],
    [{ rate: 5, brust: 10 }, /Did you mean 'burst'/],
    [{ rate: 0 }, /t\.rate: expected a number above 0, got 0/],
    [{ rate: -1 }, /t\.rate/],
    [{ rate: Number.NaN }, /t\.rate/],
    [{ rate: Number.POSITIVE_INFINITY }, /t\.rate/],
    [{ rate: 2_000_001 }, /1,000,000 requests a second/],
    [{ rate: 5, burst: 1.5 }, /t\.burst: expected a whole number/],
    [{ rate: 5, burst: 0 }, /t\.burst/],
    [{ rate: 1, per: '30d', burst: 1_000_000 }, /t\.burst/],
    [{ rate: 5, per: '1 s' }, /t\.per: expected a duration/],
    [{ limit: 5 }, /t\.window/],
    [{ limit: 5, window: 0 }, /t\.window/],
    [{ limit: -5, window: '1m' }, /t\.limit/],
    [{ limit: 5, window: '1m', name: 'a"b' }, /t\.name/],
    [{ limit: 5, window: '1m', name: 'ä' }, /t\.name/],
  ])('refuses %j, naming the option', (policy, message) => {
    expect(() => resolveQuotaPolicy('t', policy)).toThrow(message);
  });
});
