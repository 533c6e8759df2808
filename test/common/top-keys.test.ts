import { describe, expect, it } from 'vitest';
import { TopKeys } from '../../lib/common/top-keys.js';

describe('top keys', () => {
  it('counts exactly while there is room and every use is looked at', () => {
    const keys = new TopKeys({ capacity: 10, sampleEvery: 1 });
    for (const key of ['a', 'b', 'a', 'a']) keys.record(key);
    expect(keys.top()).toEqual([
      { key: 'a', count: 3, error: 0 },
      { key: 'b', count: 1, error: 0 },
    ]);
  });

  it('keeps a hot key among a million cold ones, in bounded memory (A3.5)', () => {
    const keys = new TopKeys({ capacity: 128 });
    for (let i = 0; i < 1_000_000; i++) keys.record(i % 20 === 0 ? 'hot' : `cold-${i}`);
    expect(keys.size).toBeLessThanOrEqual(128);
    const [first] = keys.top(1);
    expect(first?.key).toBe('hot');
    // 50,000 uses; a sixteenth is looked at, so the estimate is good to a few per cent plus its stated error.
    expect(first!.count).toBeGreaterThan(42_000);
    expect(first!.count - first!.error).toBeLessThan(58_000);
  });

  it('is not blinded by a pattern in the traffic', () => {
    const keys = new TopKeys();
    for (let i = 0; i < 160_000; i++) keys.record(`k${i % 16}`);
    const counts = keys.top(16).map(({ count }) => count);
    expect(counts).toHaveLength(16);
    expect(Math.min(...counts)).toBeGreaterThan(7000);
    expect(Math.max(...counts)).toBeLessThan(13_000);
  });

  it('cuts a key that is too long and takes names of Object.prototype as keys (A1.16)', () => {
    const keys = new TopKeys({ sampleEvery: 1 });
    keys.record('x'.repeat(100_000));
    keys.record('__proto__');
    keys.record('constructor');
    expect(keys.top().map(({ key }) => key.length)).toContain(512);
    expect(keys.size).toBe(3);
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  it('halves counts when asked, so that old fame fades', () => {
    const keys = new TopKeys({ sampleEvery: 1 });
    for (let i = 0; i < 8; i++) keys.record('old');
    keys.record('once');
    keys.decay();
    expect(keys.top()).toEqual([{ key: 'old', count: 4, error: 0 }]);
  });
});
