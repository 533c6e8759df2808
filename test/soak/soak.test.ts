import { describe, expect, it } from 'vitest';
import { soak } from './soak.js';

const SECONDS = 30;

describe('a soak of half a minute, with a fault of Redis every four seconds', () => {
  it('fails nobody, serves nothing older than its bound, and mixes nothing up', { timeout: 120_000 }, async () => {
    const report = await soak({ seconds: SECONDS, faultEverySeconds: 4, instances: 2, perSecond: 40 });
    expect(report.failed).toEqual([]);
    expect(report.stale).toEqual([]);
    expect(report.wrong).toEqual([]);
    expect(report.requests).toBeGreaterThan(SECONDS * 10);
    expect(report.writes).toBeGreaterThan(20);
  });
});
