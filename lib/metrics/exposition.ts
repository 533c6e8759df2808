import type { MetricFamily } from './collectors.js';
import type { MetricValue } from './tally.js';

/** Media type of Prometheus' text format. */
export const TEXT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
/** Media type of OpenMetrics. */
export const OPENMETRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/**
 * Whether a scraper prefers OpenMetrics. The registry's own setting is left alone: prom-client keeps one format per
 * registry and renames its counters when it is switched.
 */
export function prefersOpenMetrics(accept: string | undefined): boolean {
  if (!accept) return false;
  const quality = (type: string) =>
    Math.max(...accept.split(',').map((range) => (range.trim().toLowerCase().startsWith(type) ? qualityOf(range) : 0)));
  const wanted = quality('application/openmetrics-text');
  return wanted > 0 && wanted >= quality('text/plain');
}

function qualityOf(range: string): number {
  const value = /;\s*q=([\d.]+)/i.exec(range)?.[1];
  return value === undefined ? 1 : Number(value) || 0;
}

/** Prometheus text format 0.0.4. */
export function formatText(families: readonly MetricFamily[]): string {
  return families.map((family) => formatFamily(family, family.name, false)).join('\n');
}

/** OpenMetrics 1.0: counters lose `_total` in their family's name, exemplars are shown, an end mark closes it. */
export function formatOpenMetrics(families: readonly MetricFamily[]): string {
  const texts = families.map((family) => {
    const name = family.type === 'counter' ? family.name.replace(/_total$/, '') : family.name;
    return formatFamily(family, name, true);
  });
  return `${texts.join('')}# EOF\n`;
}

function formatFamily(family: MetricFamily, name: string, openMetrics: boolean): string {
  const sampleName = openMetrics && family.type === 'counter' ? `${name}_total` : family.name;
  const help = openMetrics ? escapeLabel(family.help) : family.help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
  let text = `# HELP ${name} ${help}\n# TYPE ${name} ${family.type}\n`;
  for (const value of family.values) {
    const line = `${value.metricName ?? sampleName}${formatLabels(value.labels)} ${formatNumber(value.value)}`;
    text += `${line}${openMetrics ? formatExemplar(value) : ''}\n`;
  }
  return text;
}

function formatExemplar({ exemplar }: MetricValue): string {
  if (!exemplar) return '';
  return ` # ${formatLabels(exemplar.labelSet) || '{}'} ${formatNumber(exemplar.value)} ${exemplar.timestamp.toFixed(3)}`;
}

function formatLabels(labels: Readonly<Record<string, string | number>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(String(value))}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const escapeLabel = (text: string): string => text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"');

function formatNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}
