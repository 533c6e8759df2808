import { EXAMPLE_METRICS, METRICS } from '../metrics/metric-catalog.js';

type Declared = keyof typeof METRICS | keyof typeof EXAMPLE_METRICS;
const ALL: Readonly<Record<string, { readonly type: string; readonly labels: readonly string[] }>> = {
  ...METRICS,
  ...EXAMPLE_METRICS,
};

/** A window of a rate: Grafana's own, or a fixed one for rules. */
export type Window = '$__rate_interval' | '5m' | '15m';

/** The name of a metric, checked against the catalogue when this is compiled and when it runs. */
export function metric(name: Declared, suffix: '' | '_bucket' | '_sum' | '_count' = '', matchers = ''): string {
  const declared = ALL[name];
  if (!declared) throw new Error(`no metric ${name}`);
  if (suffix !== '' && declared.type !== 'histogram') throw new Error(`${name} is no histogram`);
  for (const [, label] of matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)) {
    if (label !== undefined && !declared.labels.includes(label) && !['job', 'instance'].includes(label)) {
      throw new Error(`${name} has no label ${label}`);
    }
  }
  return `${name}${suffix}${matchers === '' ? '' : `{${matchers}}`}`;
}

/** Increase per second, added up; by labels, if any. */
export function rate(selector: string, window: Window, by: readonly string[] = []): string {
  const grouping = by.length === 0 ? '' : ` by (${by.join(', ')})`;
  return `sum${grouping} (rate(${selector}[${window}]))`;
}

/** A quantile of a histogram; by labels, if any. */
export function quantileOf(q: number, buckets: string, window: Window, by: readonly string[] = []): string {
  return `histogram_quantile(${q}, ${rate(buckets, window, ['le', ...by])})`;
}

/** Share of lookups answered from the cache; by labels, if any. Nothing while there is no traffic. */
export function hitRatio(window: Window, matchers = '', by: readonly string[] = []): string {
  const join = (selector: string) => (matchers === '' ? selector : `${selector},${matchers}`);
  const served = rate(metric('cache_requests_total', '', join('result=~"hit|stale"')), window, by);
  const looked = rate(metric('cache_requests_total', '', join('result=~"hit|stale|miss"')), window, by);
  return `${served} / (${looked} > 0)`;
}

/** The expression, or zero where it has no data: for counters of things that rarely or never happen. */
export const orZero = (expression: string): string => `${expression} or vector(0)`;
