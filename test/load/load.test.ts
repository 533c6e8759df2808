import { describe, expect, it } from 'vitest';
import { flood, hotKey, slowReaders, streams } from './load-runs.js';

const MB = 2 ** 20;

describe('under load', { timeout: 90_000 }, () => {
  it('B39 serves a thousand connections on one hot key, with Redis up and then hung, from one run', async () => {
    const { volley, paced } = await hotKey(1000, 1, 1);
    for (const { plain, up, hung } of [volley, paced]) {
      expect([plain.failed, up.failed, hung.failed]).toEqual([0, 0, 0]);
      expect(up.runs).toBe(0);
      // Every process for itself while Redis is away: once, and once more when what stands in has aged.
      expect(hung.runs).toBeLessThan(5);
      // However busy this machine is: no worse than the same app without a cache.
      expect(up.lagMs).toBeLessThan(2 * plain.lagMs + 50);
      expect(hung.lagMs).toBeLessThan(2 * plain.lagMs + 100);
    }
    expect(volley.hung.p50Ms).toBeLessThan(10 * volley.up.p50Ms + 500);
  });

  it('A3.5 B38 keeps within half of a small heap in a flood of distinct URLs, and keeps the hot key', async () => {
    const figures = await flood(5000, '32mb', ['--max-old-space-size=64']);
    expect(figures.failed).toBe(0);
    expect(figures.bytes).toBeLessThanOrEqual(32 * MB);
    expect(figures.isHotKept).toBe(true);
    expect(figures.peak - figures.earlyRss).toBeLessThan(120 * MB);
  });

  it('A3.10 lets two hundred slow readers of one megabyte share one buffer', async () => {
    const { addedBuffers } = await slowReaders(200);
    expect(addedBuffers).toBeLessThan(20 * MB);
  });

  it('A3.7 lets ten bodies of 30 MB pass without keeping them', async () => {
    const { peak, before, received } = await streams(10, 30);
    expect(received).toBe(300_000_000);
    expect(peak - before).toBeLessThan(150 * MB);
  });
});
