import { describe, expect, it } from 'vitest';
import type { MetricFamily } from '../../lib/metrics/collectors.js';
import { formatOpenMetrics, formatText, prefersOpenMetrics } from '../../lib/metrics/exposition.js';

const counter: MetricFamily = {
  name: 'cache_requests_total',
  help: 'Look-ups\nby "name"',
  type: 'counter',
  aggregator: 'sum',
  values: [{ labels: { cache: 'a"b\\c\nd' }, value: 3 }],
};

describe('exposition', () => {
  it('escapes names and values so that no label can end its line (A6.5)', () => {
    expect(formatText([counter])).toBe(
      '# HELP cache_requests_total Look-ups\\nby "name"\n# TYPE cache_requests_total counter\ncache_requests_total{cache="a\\"b\\\\c\\nd"} 3\n',
    );
  });

  it('drops _total from the family of a counter in OpenMetrics only, and ends with its mark', () => {
    const text = formatOpenMetrics([counter]);
    expect(text).toContain('# TYPE cache_requests counter\n');
    expect(text).toContain('cache_requests_total{');
    expect(text.endsWith('# EOF\n')).toBe(true);
  });

  it('shows exemplars in OpenMetrics only', () => {
    const exemplar = { labelSet: { trace_id: 'abc' }, value: 0.2, timestamp: 12.5 };
    const family: MetricFamily = {
      name: 'x_seconds',
      help: 'x',
      type: 'histogram',
      aggregator: 'sum',
      values: [{ metricName: 'x_seconds_bucket', labels: { le: 1 }, value: 1, exemplar }],
    };
    expect(formatOpenMetrics([family])).toContain('x_seconds_bucket{le="1"} 1 # {trace_id="abc"} 0.2 12.500');
    expect(formatText([family])).not.toContain('abc');
  });

  it.each([
    [undefined, false],
    ['*/*', false],
    ['text/plain', false],
    ['application/openmetrics-text; version=1.0.0', true],
    ['application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1', true],
    ['application/openmetrics-text;q=0.1,text/plain;q=0.9', false],
    ['application/openmetrics-text;q=0', false],
  ])('chooses the format a scraper asks for: %s', (accept, expected) => {
    expect(prefersOpenMetrics(accept)).toBe(expected);
  });
});
