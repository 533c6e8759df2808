import type { Samples } from './compare.js';
import { cpuRatio, medianOf, type Ratio, throughputRatio } from './statistics.js';

/** Rows of text as a markdown table, padded so that it also reads well in a terminal. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (column ? (cells[column] ?? '').padStart(width) : (cells[0] ?? '').padEnd(width))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column ? `${'-'.repeat(width + 1)}:` : '-'.repeat(width + 2))).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

export function ratioText({ median, low, high }: Ratio): string {
  return `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}

/** All variants against one of them. */
export function comparisonTable(samples: Samples, base: string): string {
  const rows = [...samples.keys()].map((name) => [
    name,
    medianOf(samples, name, (sample) => sample.perSecond).toFixed(0),
    ratioText(throughputRatio(samples, name, base)),
    medianOf(samples, name, (sample) => sample.cpuMicros).toFixed(1),
    ratioText(cpuRatio(samples, name, base)),
    medianOf(samples, name, (sample) => sample.p99Ms).toFixed(2),
  ]);
  return table(['variant', 'req/s', `req/s ÷ ${base}`, 'CPU µs/req', 'work per CPU ÷ base', 'p99 ms'], rows);
}
