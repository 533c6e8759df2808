import { interleavedRounds } from '../harness/compare.js';
import { compile } from '../harness/compile.js';
import { comparisonTable } from '../harness/report.js';

const requests = Array.from({ length: 100 }, (_, i) => ({ path: `/movies/${i}` }));
const compiled = await compile({ library: true });
const list: [string, string, Record<string, string>?][] = JSON.parse(process.argv[2]!);
const contenders = list.map(([module, name, env], i) => ({
  name: `${name}${i ? '' : ''}${env?.TAG ?? ''}`,
  variant: name,
  module,
  requests,
  statuses: [200, 429],
  ...(env ? { env } : {}),
}));
const samples = await interleavedRounds(contenders, compiled, {
  rounds: Number(process.argv[4] ?? 9),
  durationMs: 200,
  warmUp: 15000,
  node: process.argv[3]!,
});
console.log(comparisonTable(samples, contenders[0]!.name));
process.exit(0);
