import { describe, expect, it } from 'vitest';
import { MAX_GROWTH_BYTES, soak } from './soak.js';

const SECONDS = 60;

describe('a soak of a minute, with a fault of Redis every four seconds', () => {
  it('fails nobody, serves nothing older than its bound, mixes nothing up, and keeps its memory', {
    timeout: 180_000,
  }, async () => {
    const report = await soak({ seconds: SECONDS, faultEverySeconds: 4, instances: 2, perSecond: 40 });
    expect(report.failed).toEqual([]);
    expect(report.stale).toEqual([]);
    expect(report.wrong).toEqual([]);
    expect(report.requests).toBeGreaterThan(SECONDS * 10);
    expect(report.writes).toBeGreaterThan(40);
    // Promised are two seconds, which `npm run soak` prints; a test runs where other things run, too.
    expect(report.slowestReturnMs).toBeLessThan(10_000);
    expect(report.growth.filter((bytes) => bytes > MAX_GROWTH_BYTES)).toEqual([]);
  });
});
