// tsx steady.ts [--library name=folder …] [--only text] [--node path]: variants by the steady measure of in-process.ts, each in
// several fresh processes, the least of each.
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { compile } from '../harness/compile.js';
import { table } from '../harness/report.js';

const { values } = parseArgs({
  options: {
    library: { type: 'string', multiple: true, default: [] },
    variant: { type: 'string', multiple: true, default: [] },
    times: { type: 'string', default: '3' },
    node: { type: 'string' },
    base: { type: 'string', default: 'express route' },
    module: { type: 'string' },
    only: { type: 'string' },
  },
});
const compiled = await compile({ library: true });
const libraries = [['now', compiled.library], ...values.library.map((text) => text.split('='))];
const file = (module: string): string => compiled.bench(`variants/${module}`);

interface Row {
  readonly label: string;
  readonly module: string;
  readonly variant: string;
  readonly entry: string;
}
const baselines: Row[] = [values.base, 'minimal cache', 'raw http'].map((variant) => ({
  label: variant,
  module: file('baselines'),
  variant,
  entry: '',
}));
const ours: Row[] = (values.variant.length ? values.variant : ['memory hit']).flatMap((variant) =>
  libraries.map(([name, entry = '']) => ({
    label: `${variant} [${name}]`,
    module: file('ours'),
    variant,
    entry: entry.endsWith('.js') ? entry : `${entry}/index.js`,
  })),
);

/** All variants of an experiment. */
async function experiment(name: string): Promise<Row[]> {
  const module = compiled.bench(`experiments/${name}`);
  const { names } = (await import(module)) as { names: readonly string[] };
  const only = values.only ? new RegExp(values.only) : undefined;
  return names
    .filter((variant) => variant === values.base || !only || only.test(variant))
    .map((variant) => ({ label: variant, module, variant, entry: '' }));
}

const rows = values.module ? await experiment(values.module) : [...baselines, ...ours];
const least = new Map<string, { min: number; quarter: number }>();
for (let time = 0; time < Number(values.times); time++) {
  for (const { label, module, variant, entry } of rows) {
    const env = { ...process.env, NODE_ENV: 'production', WARMPATH_ENTRY: entry };
    const out = execFileSync(
      values.node ?? process.execPath,
      [compiled.bench('experiments/in-process'), module, variant],
      { env, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [min = 0, quarter = 0] = out.toString().trim().split('\n').at(-1)!.split(' ').map(Number);
    const known = least.get(label);
    least.set(label, { min: Math.min(min, known?.min ?? min), quarter: Math.min(quarter, known?.quarter ?? quarter) });
  }
}
const base = least.get(values.base)!;
console.log(`node ${values.node ?? process.version}`);
console.log(
  table(
    ['variant', 'µs (least)', 'µs (quarter)', 'base ÷ it'],
    rows.map(({ label }) => {
      const { min, quarter } = least.get(label)!;
      return [label, min.toFixed(1), quarter.toFixed(1), (base.quarter / quarter).toFixed(2)];
    }),
  ),
);
