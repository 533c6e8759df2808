import { METHODS } from 'node:http';
import { describe, expect, it } from 'vitest';
import { MAX_LABEL_VALUES } from '../../lib/metrics/metric-catalog.js';
import { RequestDurations } from '../../lib/metrics/request-durations.js';

const count = (durations: RequestDurations): number => [...durations.series()].length;

describe('request durations', () => {
  it('keeps the number of series under 100,000 made-up methods and statuses (A3.15)', () => {
    const durations = new RequestDurations();
    for (let i = 0; i < 100_000; i++) {
      durations.record({ method: `FOO${i}`, route: '/a', status: 200 + (i % 799), seconds: 0.001 });
    }
    const before = count(durations);
    for (let i = 0; i < 100_000; i++) {
      durations.record({ method: `BAR${i}`, route: '/a', status: 200 + (i % 799), seconds: 0.001 });
    }
    expect(count(durations)).toBe(before);
    expect(before).toBeLessThan(70);
    expect([...durations.series()].reduce((sum, one) => sum + one.durations.count, 0)).toBe(200_000);
  });

  it('counts routes beyond the limit under `other`', () => {
    const durations = new RequestDurations();
    for (let i = 0; i < MAX_LABEL_VALUES + 500; i++)
      durations.record({ method: 'GET', route: `/r${i}`, status: 200, seconds: 0 });
    const others = [...durations.series()].find(({ route }) => route === 'other');
    expect(others?.durations.count).toBe(500);
    expect(count(durations)).toBe(MAX_LABEL_VALUES + 1);
  });

  it('knows the methods people use and folds the rest into OTHER', () => {
    const durations = new RequestDurations();
    for (const method of METHODS) durations.record({ method, route: '/', status: 200, seconds: 0 });
    const methods = new Set([...durations.series()].map(({ method }) => method));
    expect(methods).toContain('GET');
    expect(methods).toContain('OTHER');
    expect(methods.size).toBeLessThanOrEqual(11);
  });

  it('keeps the last exemplar of each bucket', () => {
    const durations = new RequestDurations();
    for (const id of ['a', 'b']) {
      durations.record({ method: 'GET', route: '/', status: 200, seconds: 0.003, exemplar: { trace_id: id } });
    }
    const [one] = [...durations.series()];
    expect([...(one?.exemplars.values() ?? [])].map(({ labels }) => labels)).toEqual([{ trace_id: 'b' }]);
  });
});
