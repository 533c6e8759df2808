// tsx test/bench/scale.ts [--entries 1000000] [--seconds 6]: what grows with the number of entries, and what with the number of processes.
import { parseArgs } from 'node:util';
import { memoryPerEntry } from './figures.js';
import { LOAD_CORE, type RoundsOptions, Running, type Samples } from './harness/compare.js';
import { type Compiled, compile } from './harness/compile.js';
import type { LoadOrder, LoadResult, PlannedRequest } from './harness/messages.js';
import { PinnedProcess } from './harness/pinned-process.js';
import { startRedis } from './harness/redis-server.js';
import { table } from './harness/report.js';
import { measureAmong } from './many-entries.js';

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: '6' },
    node: { type: 'string' },
  },
});

const TITLES = 1000;
const RATE = 400;

/** Requests whose popularity follows Zipf's law: the n-th title is asked for 1/n as often as the first. */
function zipfRequests(count: number): PlannedRequest[] {
  const weights = Array.from({ length: TITLES }, (_, rank) => 1 / (rank + 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const bounds: number[] = [];
  let sum = 0;
  for (const weight of weights) {
    sum += weight / total;
    bounds.push(sum);
  }
  return Array.from({ length: count }, () => {
    const at = Math.random();
    const rank = bounds.findIndex((bound) => bound >= at);
    // One host for all, as behind a load balancer: it is part of what an answer is stored under.
    return { path: `/movies/${rank < 0 ? TITLES - 1 : rank}`, host: 'films.test' };
  });
}

interface Traffic {
  readonly perSecond: number;
  readonly runsPerSecond: number;
}

async function traffic(
  compiled: Compiled,
  options: RoundsOptions,
  variant: 'shared' | 'alone',
  processes: number,
): Promise<Traffic> {
  const env = { BENCH_NAMESPACE: `zipf-${variant}-${processes}` };
  const servers = Array.from(
    { length: processes },
    () => new Running({ name: variant, module: 'variants/zipf', requests: [], env }, compiled, options),
  );
  const loads = servers.map(() => new PinnedProcess(compiled.bench('harness/load'), { core: LOAD_CORE }));
  for (const server of servers) await server.ready();
  const run = (durationMs: number): Promise<LoadResult[]> =>
    Promise.all(
      servers.map((server, at) => {
        const requests = zipfRequests(20_000);
        const order: LoadOrder = {
          port: server.port,
          connections: 20,
          durationMs,
          ratePerSecond: RATE / processes,
          requests,
        };
        return loads[at]!.ask<LoadResult>(order);
      }),
    );
  const runs = async (): Promise<number> => {
    const counts = await Promise.all(servers.map((server) => server.question<number>('originRuns')));
    return counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
  };
  await run(8000);
  const before = await runs();
  const results = await run(options.durationMs);
  const ran = (await runs()) - before;
  await Promise.all([...loads.map((load) => load.stop()), ...servers.map((server) => server.process.stop())]);
  const seconds = options.durationMs / 1000;
  return {
    perSecond: results.reduce((sum, { completed }) => sum + completed, 0) / seconds,
    runsPerSecond: ran / seconds,
  };
}

async function byProcesses(compiled: Compiled, options: RoundsOptions): Promise<string[][]> {
  const rows: string[][] = [];
  for (const processes of [1, 2, 4, 8]) {
    const shared = await traffic(compiled, options, 'shared', processes);
    const alone = await traffic(compiled, options, 'alone', processes);
    const share = ({ perSecond, runsPerSecond }: Traffic): string =>
      `${(100 - (runsPerSecond / perSecond) * 100).toFixed(1)} %`;
    rows.push([
      String(processes),
      shared.perSecond.toFixed(0),
      shared.runsPerSecond.toFixed(0),
      share(shared),
      alone.runsPerSecond.toFixed(0),
      share(alone),
    ]);
  }
  return rows;
}

async function byEntries(compiled: Compiled, options: RoundsOptions, most: number): Promise<string[][]> {
  const counts = [1000, 10_000, 100_000, 1_000_000].filter((count) => count <= most);
  const samples: Samples = await measureAmong(counts, compiled, options);
  const rows: string[][] = [];
  for (const count of counts) {
    const own = samples.get(String(count)) ?? [];
    const sorted = own.map(({ cpuMicros }) => cpuMicros).sort((a, b) => a - b);
    const rates = own.map(({ perSecond }) => perSecond).sort((a, b) => a - b);
    const memory =
      count >= 10_000 ? await memoryPerEntry(compiled, options, 'ours', Math.min(count, 200_000)) : undefined;
    rows.push([
      count.toLocaleString('en'),
      (rates[rates.length >> 1] ?? 0).toFixed(0),
      (sorted[sorted.length >> 1] ?? 0).toFixed(1),
      memory ? memory.heapAndExternal.toFixed(0) : '–',
      memory ? memory.rss.toFixed(0) : '–',
    ]);
  }
  return rows;
}

const compiled = await compile({ library: true });
const redis = await startRedis(true);
const options: RoundsOptions = {
  rounds: 15,
  durationMs: Number(values.seconds) * 1000,
  warmUp: 10_000,
  env: { BENCH_REDIS: String(redis.port) },
  ...(values.node ? { node: values.node } : {}),
};
console.log(`Node ${values.node ?? process.version}\n\nHits among so many stored answers of 1 KB (incompressible):\n`);
const entries = await byEntries(compiled, { ...options, durationMs: 200 }, Number(values.entries));
console.log(table(['entries', 'req/s', 'CPU µs/req', 'bytes per entry', 'resident'], entries));
console.log(`\n${RATE} requests a second over ${TITLES} titles (Zipf), fresh for 5 s, handler 5 ms:\n`);
const head = ['processes', 'req/s', 'handler runs/s, Redis', 'spared', 'handler runs/s, memory only', 'spared'];
console.log(table(head, await byProcesses(compiled, { ...options, anyCore: true })));
redis.stop();
process.exit(0);
