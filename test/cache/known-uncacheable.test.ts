import { describe, expect, it } from 'vitest';
import { ENOUGH_IN_A_ROW, KnownUncacheable, LEFT_ALONE_MS } from '../../lib/cache/known-uncacheable.js';
import type { RequestKey } from '../../lib/cache/resource-lookup.js';

function request(text: string, headers: Record<string, string> = {}): RequestKey {
  return { text, label: text, groups: [], headers };
}

function refuse(known: KnownUncacheable, times: number, about: Partial<Refusal> = {}): void {
  const { key = request('r:a'), reason = 'no-store', status = 200, fields = [], now = 0 } = about;
  for (let i = 0; i < times; i++) known.refused(key, reason, status, fields, now);
}

interface Refusal {
  readonly key: RequestKey;
  readonly reason: string;
  readonly status: number;
  readonly fields: readonly string[];
  readonly now: number;
}

function leaves(known: KnownUncacheable, key: RequestKey, now: number): boolean {
  return known.leavesKeyAlone(key, now) || known.leavesVariantAlone(key, now);
}

describe('what is known of uncacheable keys', () => {
  it('leaves a key alone after enough answers in a row, and no other', () => {
    const known = new KnownUncacheable();
    refuse(known, ENOUGH_IN_A_ROW - 1);
    expect(leaves(known, request('r:a'), 0)).toBe(false);
    refuse(known, 1);
    expect(leaves(known, request('r:a'), 0)).toBe(true);
    expect(leaves(known, request('r:b'), 0)).toBe(false);
  });

  it('lets one request a second through, and the others not meanwhile', () => {
    const known = new KnownUncacheable();
    refuse(known, ENOUGH_IN_A_ROW);
    const key = request('r:a');
    expect(leaves(known, key, LEFT_ALONE_MS - 1)).toBe(true);
    expect(leaves(known, key, LEFT_ALONE_MS)).toBe(false);
    expect(leaves(known, key, LEFT_ALONE_MS)).toBe(true);
    refuse(known, 1, { now: LEFT_ALONE_MS + 500 });
    expect(leaves(known, key, 2 * LEFT_ALONE_MS + 400)).toBe(true);
    expect(leaves(known, key, 2 * LEFT_ALONE_MS + 500)).toBe(false);
  });

  it('forgets a key that was stored, and one that nothing was heard of for ten seconds', () => {
    const known = new KnownUncacheable();
    refuse(known, ENOUGH_IN_A_ROW);
    known.stored(request('r:a'), [], 0);
    expect(leaves(known, request('r:a'), 0)).toBe(false);
    refuse(known, ENOUGH_IN_A_ROW - 1);
    refuse(known, 1, { now: 10_000 });
    expect(leaves(known, request('r:a'), 10_000)).toBe(false);
    refuse(known, ENOUGH_IN_A_ROW - 1, { now: 10_000 });
    expect(leaves(known, request('r:a'), 10_001)).toBe(true);
    expect(leaves(known, request('r:a'), 20_000)).toBe(false);
    // Cold keys are filled once: those who come together wait for it.
    expect(leaves(known, request('r:a'), 20_000)).toBe(false);
  });

  it.each([
    ['an error', { status: 500, reason: 'no-lifetime' }],
    ['a 404', { status: 404, reason: 'no-lifetime' }],
    ['what the request carried', { reason: 'authorization' }],
    ['the route', { reason: 'route' }],
    ['an invalidation', { reason: 'overtaken' }],
    ['a client that left', { reason: 'closed' }],
    ['a handler that took too long', { reason: 'timeout' }],
  ])('learns nothing from %s', (_what, about) => {
    const known = new KnownUncacheable();
    refuse(known, 2 * ENOUGH_IN_A_ROW, about);
    expect(leaves(known, request('r:a'), 0)).toBe(false);
    expect(known.size).toBe(0);
  });

  it('tells apart requests that differ in a field which selects the answer', () => {
    const known = new KnownUncacheable();
    const html = request('r:a', { accept: 'text/html' });
    const json = request('r:a', { accept: 'application/json' });
    refuse(known, ENOUGH_IN_A_ROW, { key: html, fields: ['accept'] });
    expect([leaves(known, html, 0), leaves(known, json, 0)]).toEqual([true, false]);
    // An answer that does not say what it was selected by does not make the two one again.
    refuse(known, ENOUGH_IN_A_ROW, { key: html });
    expect([leaves(known, html, 0), leaves(known, json, 0)]).toEqual([true, false]);
    known.stored(json, ['accept'], 0);
    expect([leaves(known, html, 0), leaves(known, json, 0)]).toEqual([true, false]);
  });

  it('learns from what was stored how requests are told apart', () => {
    const known = new KnownUncacheable();
    const html = request('r:a', { accept: 'text/html' });
    const json = request('r:a', { accept: 'application/json' });
    refuse(known, ENOUGH_IN_A_ROW, { key: html });
    known.stored(json, ['accept'], 0);
    refuse(known, ENOUGH_IN_A_ROW, { key: html });
    expect([leaves(known, html, 0), leaves(known, json, 0)]).toEqual([true, false]);
  });

  it('is bounded in keys and in the length of each', () => {
    const known = new KnownUncacheable();
    refuse(known, ENOUGH_IN_A_ROW);
    for (let i = 0; i < 10_000; i++) refuse(known, 1, { key: request(`r:${i}`) });
    expect(known.size).toBeLessThanOrEqual(10_000);
    expect(leaves(known, request('r:a'), 0)).toBe(false);
    const long = request(`r:${'x'.repeat(2000)}`);
    refuse(known, ENOUGH_IN_A_ROW, { key: long });
    expect(leaves(known, long, 0)).toBe(false);
  });
});
