// tsx test/bench/experiments/run.ts <experiment> [--rounds 5] [--ms 1000] [--node path] [--base name] [--only text]
import { parseArgs } from 'node:util';
import { interleavedRounds } from '../harness/compare.js';
import { compile } from '../harness/compile.js';
import { comparisonTable } from '../harness/report.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    ms: { type: 'string', default: '800' },
    node: { type: 'string' },
    base: { type: 'string' },
    only: { type: 'string' },
    library: { type: 'boolean', default: false },
  },
});
const module = `experiments/${positionals[0] ?? 'answer-variants'}`;
const compiled = await compile({ library: values.library });
const { names, requests } = (await import(compiled.bench(module))) as {
  names: readonly string[];
  requests?: readonly { path: string }[];
};
const base = values.base ?? names[0]!;
const chosen = names.filter((name) => name === base || !values.only || new RegExp(values.only).test(name));
const contenders = chosen.map((name) => ({
  name,
  module,
  requests: requests ?? Array.from({ length: 100 }, (_, i) => ({ path: `/movies/${i}` })),
}));
const samples = await interleavedRounds(contenders, compiled, {
  rounds: Number(values.rounds),
  durationMs: Number(values.ms),
  warmUp: 10_000,
  ...(values.node ? { node: values.node } : {}),
});
console.log(`node ${values.node ?? process.version}\n${comparisonTable(samples, base)}`);
process.exit(0);
