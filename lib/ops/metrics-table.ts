import { METRICS } from '../metrics/metric-catalog.js';

/** The README's table of metrics. */
export function metricsTable(): string {
  const rows = Object.entries(METRICS).map(([name, { type, labels, help }]) => {
    return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`;
  });
  return ['| metric | type | labels | meaning |', '|---|---|---|---|', ...rows].join('\n');
}
