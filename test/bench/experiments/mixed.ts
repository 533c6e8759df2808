// tsx mixed.ts 'module:variant[@library]' … [--rounds 11] [--starts 3] [--ms 200] [--node path]: variants of any modules side by side in one
// run, the first as the base. `@library`: the entry of another compiled copy of the package, so that a lever is proven first.
// npx tsx test/bench/experiments/mixed.ts 'variants/baselines:raw http' 'variants/ours:fast lane hit'
import { parseArgs } from 'node:util';
import { interleavedRounds, type Sample } from '../harness/compare.js';
import { compile } from '../harness/compile.js';
import { comparisonTable } from '../harness/report.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '11' },
    ms: { type: 'string', default: '200' },
    starts: { type: 'string', default: '3' },
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
const samples = new Map<string, Sample[]>(contenders.map(({ name }) => [name, []]));
for (let start = 0; start < Number(values.starts); start++) {
  const more = await interleavedRounds(contenders, compiled, {
    rounds: Math.ceil(Number(values.rounds) / Number(values.starts)),
    durationMs: Number(values.ms),
    warmUp: 15_000,
    ...(values.node ? { node: values.node } : {}),
  });
  for (const [name, ones] of more) samples.get(name)?.push(...ones);
}
console.log(`node ${values.node ?? process.version}\n${comparisonTable(samples, contenders[0]?.name ?? '')}`);
process.exit(0);
