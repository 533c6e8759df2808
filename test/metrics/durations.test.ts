import { describe, expect, it } from 'vitest';
import { Durations, durationsSince, quantile, sumDurations } from '../../lib/metrics/durations.js';

const of = (...seconds: number[]) => {
  const durations = new Durations([0.1, 1, 10]);
  for (const one of seconds) durations.observe(one);
  return durations;
};

describe('durations', () => {
  it('counts an observation in the first bucket whose bound it does not exceed', () => {
    const durations = of(0.1, 0.100001, 1, 10, 11);
    expect(durations.counts).toEqual([1, 2, 1, 1]);
    expect(durations.count).toBe(5);
    expect(durations.sum).toBeCloseTo(22.200001);
  });

  it('interpolates quantiles inside a bucket, as histogram_quantile does', () => {
    expect(quantile(of(...Array<number>(10).fill(0.5)), 0.5)).toBeCloseTo(0.1 + 0.9 * 0.5);
    expect(quantile(of(), 0.5)).toBeUndefined();
    expect(quantile(of(100), 0.99)).toBe(10);
  });

  it('subtracts an earlier reading, and starts anew when the counter went back', () => {
    const later = of(0.05, 0.5, 0.5);
    expect(durationsSince(later, of(0.05)).counts).toEqual([0, 2, 0, 0]);
    expect(durationsSince(of(0.5), of(0.5, 0.5, 0.5)).count).toBe(1);
  });

  it('adds several up without touching them', () => {
    const one = of(0.05);
    const total = sumDurations([one, undefined, of(5)]);
    expect(total?.counts).toEqual([1, 0, 1, 0]);
    expect(one.count).toBe(1);
    expect(sumDurations([])).toBeUndefined();
  });
});
