// tsx cold.ts [--entries 20000] [--rounds 9] [--node path] [--library name=entry …]: hits spread evenly over many entries, most of them
// not asked for in a while, beside hits on a few. `--library`: the entry of another compiled copy of the package.
import { parseArgs } from 'node:util';
import { Field } from '../harness/compare.js';
import { compile } from '../harness/compile.js';
import { comparisonTable } from '../harness/report.js';

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '9' },
    node: { type: 'string' },
    library: { type: 'string', multiple: true, default: [] },
  },
});
const entries = Number(values.entries);
const compiled = await compile({ library: true });
const libraries = [['', compiled.library], ...values.library.map((text) => text.split('='))];

function contender(variant: string, asked: number, name: string, library?: string) {
  return {
    name,
    variant,
    module: 'variants/filled',
    nodeArguments: ['--max-old-space-size=12000'],
    requests: Array.from({ length: asked }, (_, at) => ({ path: `/movies/${(at * 7919) % asked}` })),
    ...(library ? { env: { WARMPATH_ENTRY: library } } : {}),
  };
}

const contenders = [
  ...libraries.flatMap(([name, library]) => [
    contender('ours', 1000, `ours${name}, 1,000 asked for`, library),
    contender('ours', entries, `ours${name}, all asked for`, library),
  ]),
  contender('apicache', 1000, 'apicache, 1,000 asked for'),
  contender('apicache', entries, 'apicache, all asked for'),
];
const field = await Field.start(contenders, compiled, {
  rounds: Number(values.rounds),
  durationMs: 300,
  warmUp: 3000,
  ...(values.node ? { node: values.node } : {}),
});
for (const running of field.running)
  await running.question('fill', { from: 0, to: entries, host: `127.0.0.1:${running.port}` });
console.log(comparisonTable(await field.rounds(), contenders[0]?.name ?? ''));
await field.stop();
process.exit(0);
