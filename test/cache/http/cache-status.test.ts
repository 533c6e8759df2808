import fc from 'fast-check';
import { parseList, type Token } from 'structured-headers';
import { describe, expect, it } from 'vitest';
import { appendMember, forwardMember, hitMember } from '../../../lib/cache/http/cache-status.js';
import { anyText } from './any-text.js';

describe('Cache-Status (RFC 9211)', () => {
  it('of a hit', () => {
    expect(hitMember('warmpath', { ttl: 30.7 })).toBe('warmpath; hit; ttl=30');
    expect(hitMember('warmpath', { ttl: -2.5, detail: 'stale-if-error' })).toBe(
      'warmpath; hit; ttl=-3; detail=stale-if-error',
    );
    expect(hitMember('warmpath')).toBe('warmpath; hit');
  });

  it('of a forwarded request', () => {
    expect(forwardMember('warmpath', { fwd: 'uri-miss', stored: true })).toBe('warmpath; fwd=uri-miss; stored');
    expect(forwardMember('warmpath', { fwd: 'bypass', detail: 'set-cookie' })).toBe(
      'warmpath; fwd=bypass; detail=set-cookie',
    );
    expect(forwardMember('warmpath', { fwd: 'stale', fwdStatus: 304, ttl: 60, stored: true, collapsed: true })).toBe(
      'warmpath; fwd=stale; fwd-status=304; ttl=60; stored; collapsed',
    );
  });

  it('leaves out a ttl that no integer can hold', () => {
    for (const ttl of [Number.POSITIVE_INFINITY, Number.NaN, 1e15])
      expect(hitMember('warmpath', { ttl })).toBe('warmpath; hit');
  });

  it('is appended to what other caches said', () => {
    expect(appendMember(undefined, 'warmpath; hit')).toBe('warmpath; hit');
    expect(appendMember('', 'warmpath; hit')).toBe('warmpath; hit');
    expect(appendMember('"o"; fwd=miss', 'warmpath; hit')).toBe('"o"; fwd=miss, warmpath; hit');
    expect(appendMember(['a; hit', 'b; hit'], 'warmpath; hit')).toBe('a; hit, b; hit, warmpath; hit');
  });

  it('is a Structured Field whatever the detail and the name', () => {
    const text = fc.oneof(anyText, fc.constantFrom('a b', '"', '\\', '1', 'x/y:z', ''));
    fc.assert(
      fc.property(text, text, fc.integer(), (name, detail, ttl) => {
        const value = appendMember(hitMember(name, { ttl, detail }), forwardMember(name, { fwd: 'miss', detail }));
        const [first, second] = parseList(value) as [[unknown, Map<string, unknown>], [unknown, Map<string, unknown>]];
        expect(first[1].get('hit')).toBe(true);
        expect(first[1].get('ttl')).toBe(ttl);
        expect((second[1].get('fwd') as Token).toString()).toBe('miss');
      }),
    );
  });
});
