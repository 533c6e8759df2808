// tsx compare-libraries.ts --library name=folder … [--variant 'memory hit'] [--base 'express route']: one variant of ours on several
// compiled copies of the library (a patched copy beside the original proves or refutes a lever).
import { parseArgs } from 'node:util';
import { interleavedRounds } from '../harness/compare.js';
import { compile } from '../harness/compile.js';
import { startRedis } from '../harness/redis-server.js';
import { comparisonTable } from '../harness/report.js';

const { values } = parseArgs({
  options: {
    library: { type: 'string', multiple: true, default: [] },
    variant: { type: 'string', default: 'memory hit' },
    base: { type: 'string', default: 'express route' },
    rounds: { type: 'string', default: '30' },
    ms: { type: 'string', default: '120' },
    node: { type: 'string' },
  },
});
const compiled = await compile({ library: true });
const redis = await startRedis(true);
const requests = Array.from({ length: 100 }, (_, id) => ({ path: `/movies/${id}` }));
const module = 'variants/ours';
const libraries = [
  ['now', compiled.library],
  ['now again', compiled.library],
  ...values.library.map((text) => text.split('=')),
];
const contenders = [
  { name: values.base, module: values.base.startsWith('hand') ? 'variants/peers' : 'variants/baselines', requests },
  ...libraries.map(([name = '', path = ''], index) => ({
    name,
    variant: values.variant,
    module,
    requests,
    statuses: [200, 429],
    env: { WARMPATH_ENTRY: path.endsWith('.js') ? path : `${path}/index.js`, BENCH_REDIS_DB: String(index + 1) },
  })),
];
const samples = await interleavedRounds(contenders, compiled, {
  rounds: Number(values.rounds),
  durationMs: Number(values.ms),
  warmUp: 10_000,
  env: { BENCH_REDIS: String(redis.port) },
  ...(values.node ? { node: values.node } : {}),
});
redis.stop();
console.log(`node ${values.node ?? process.version}\n${comparisonTable(samples, 'now')}`);
process.exit(0);
