// npm run profile [-- <variant of ours>] [--node path]: a CPU profile of a hit, and our functions in it by what they cost.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LOAD_CORE, type RoundsOptions, Running } from './harness/compare.js';
import { compile, packageRoot } from './harness/compile.js';
import { PinnedProcess } from './harness/pinned-process.js';
import { readProfile } from './harness/profile-reading.js';
import { startRedis } from './harness/redis-server.js';
import { table } from './harness/report.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    node: { type: 'string' },
    seconds: { type: 'string', default: '4' },
    lines: { type: 'string', default: '10' },
  },
});
const variant = positionals[0] ?? 'memory hit';
const seconds = Number(values.seconds);
const compiled = await compile({ library: true });
const redis = await startRedis(true);
const options: RoundsOptions = {
  rounds: 1,
  durationMs: seconds * 1000,
  warmUp: 10_000,
  env: { BENCH_REDIS: String(redis.port) },
  ...(values.node ? { node: values.node } : {}),
};
const module = variant.startsWith('express') || variant === 'raw http' ? 'variants/baselines' : 'variants/ours';
const requests = Array.from({ length: 100 }, (_, id) => ({ path: `/movies/${id}` }));
const load = new PinnedProcess(compiled.bench('harness/load'), { core: LOAD_CORE });
const running = new Running({ name: variant, module, requests, statuses: [200, 429] }, compiled, options);
await running.ready();
await running.warmUp(load, options.warmUp);
await running.question('startProfile');
const sample = await running.measure(load, options.durationMs);
mkdirSync(join(packageRoot, 'test/bench/results'), { recursive: true });
const file = join(packageRoot, 'test/bench/results', `${variant.replaceAll(/[^\w]+/g, '-')}.cpuprofile`);
await running.question('stopProfile', file);
await Promise.all([load.stop(), running.process.stop()]);
redis.stop();

const reading = readProfile(JSON.parse(readFileSync(file, 'utf8')), (url) => url.includes('.warmpath-bench/'));
const share = (ms: number): string => `${((ms / reading.busyMs) * 100).toFixed(1)} %`;
console.log(`${variant}: ${sample.cpuMicros.toFixed(0)} µs of CPU per request (sampled), ${file}\n`);
console.log(
  table(
    ['where', 'self'],
    [...reading.places]
      .sort((a, b) => b[1] - a[1])
      .slice(0, 12)
      .map(([place, ms]) => [place, share(ms)]),
  ),
);
console.log(
  `\nOurs, by own time:\n${table(
    ['function', 'file', 'self', 'with callees'],
    reading.functions
      .slice(0, Number(values.lines))
      .map((cost) => [cost.name, cost.file, share(cost.selfMs), share(cost.totalMs)]),
  )}`,
);
const byTotal = [...reading.functions].sort((a, b) => b.totalMs - a.totalMs).slice(0, Number(values.lines));
console.log(
  `\nOurs, with what they call:\n${table(
    ['function', 'file', 'self', 'with callees'],
    byTotal.map((cost) => [cost.name, cost.file, share(cost.selfMs), share(cost.totalMs)]),
  )}`,
);
const calls = [...reading.calls].sort((a, b) => b[1] - a[1]).slice(0, Number(values.lines));
console.log(
  `\nCalls that leave our code:\n${table(
    ['call', 'time'],
    calls.map(([call, ms]) => [call, share(ms)]),
  )}`,
);
process.exit(0);
