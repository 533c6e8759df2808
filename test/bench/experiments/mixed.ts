// tsx mixed.ts 'module:variant[@library]' … [--rounds 11] [--ms 200] [--node path]: variants of any modules side by side in one
// run, the first as the base. `@library`: the entry of another compiled copy of the package, so that a lever is proven first.
// npx tsx test/bench/experiments/mixed.ts 'variants/baselines:raw http' 'variants/ours:fast lane hit'
import { parseArgs } from 'node:util';
import { interleavedRounds } from '../harness/compare.js';
import { compile } from '../harness/compile.js';
import { comparisonTable } from '../harness/report.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '11' },
    ms: { type: 'string', default: '200' },
    node: { type: 'string' },
  },
});
const compiled = await compile({ library: true });
const contenders = positionals.map((text) => {
  const [module = '', rest = ''] = text.split(/:(.*)/);
  const [variant = '', library] = rest.split('@');
  return {
    name: text,
    variant,
    module,
    requests: Array.from({ length: 100 }, (_, id) => ({ path: `/movies/${id}` })),
    statuses: [200, 429],
    ...(library ? { env: { WARMPATH_ENTRY: library } } : {}),
  };
});
const samples = await interleavedRounds(contenders, compiled, {
  rounds: Number(values.rounds),
  durationMs: Number(values.ms),
  warmUp: 15_000,
  ...(values.node ? { node: values.node } : {}),
});
console.log(`node ${values.node ?? process.version}\n${comparisonTable(samples, contenders[0]?.name ?? '')}`);
process.exit(0);
