// npm run bench [-- --quick] [--only text] [--node path] [--no-library]: all variants, interleaved, and the budgets they are held to.
// With --figures 'among|memory|invalidation|import' only those budgets that are no ratio of variants.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { judgeRefusalBytes, judgeSamples, quickEntrants, type Verdict } from './budgets.js';
import { judgeFigures } from './figures.js';
import { Field, type RoundsOptions, type Sample, type Samples } from './harness/compare.js';
import { type Compiled, compile, packageRoot } from './harness/compile.js';
import { isInstalled } from './harness/programs.js';
import { startRedis } from './harness/redis-server.js';
import { comparisonTable, table } from './harness/report.js';
import { recordHits } from './recording.js';
import { type Entrant, groups, recordings } from './suite.js';

const { values: chosen } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
    node: { type: 'string' },
    figures: { type: 'string' },
    'no-library': { type: 'boolean', default: false },
  },
});

const rounds = Number(chosen.rounds ?? (chosen.quick ? 4 : 31));
const durationMs = chosen.quick ? 100 : 250;
// Two processes of the same variant differ by up to a tenth, by where their code and memory happen to lie.
const starts = chosen.quick ? 1 : 3;

type Recorded = Awaited<ReturnType<typeof recordHits>>;

/** The groups of this run, each with the baseline of the table first; one that has nothing else is left out. */
function chosenGroups(recorded: Recorded | undefined): readonly (readonly Entrant[])[] {
  const only = chosen.only ? new RegExp(chosen.only) : undefined;
  return groups(recorded?.etags)
    .map((entrants) =>
      entrants
        .filter(({ module }) => recorded || module !== 'variants/ours')
        .filter(({ needs }) => needs === undefined || isInstalled(needs))
        .filter(({ name }) => name === BASE || !only || only.test(name))
        .filter(({ name }) => name === BASE || !chosen.quick || quickEntrants.has(name)),
    )
    .filter((entrants) => entrants.length > 1);
}

async function compare(
  entrants: readonly Entrant[],
  recorded: Recorded | undefined,
  compiled: Compiled,
  options: RoundsOptions,
): Promise<Samples> {
  const all = entrants.map((entrant, index) => ({
    ...entrant,
    env: { ...environment(entrant, recorded?.files[entrant.recording]), BENCH_REDIS_DB: String(index) },
  }));
  const samples = new Map<string, Sample[]>(all.map(({ name }) => [name, []]));
  for (let start = 0; start < starts; start++) {
    const field = await Field.start(all, compiled, options);
    try {
      for (const [name, more] of await measure(field, all)) samples.get(name)?.push(...more);
    } finally {
      await field.stop();
    }
  }
  return samples;
}

async function measure(field: Field, all: readonly Entrant[]): Promise<Samples> {
  const before = await originRuns(field);
  const calls = await redisBytes(field);
  const samples = await field.rounds();
  callsPerRefusal = ((await redisBytes(field)) - calls) / requestsOf(samples, REFUSED);
  checkHits(all, before, await originRuns(field));
  return samples;
}

const BASE = 'express route';
const REFUSED = 'our limiter on Redis, over the limit';
let callsPerRefusal = 0;

/** Bytes the refusing limiter sent to Redis so far. */
async function redisBytes(field: Field): Promise<number> {
  const refusing = field.running.find((one) => one.contender.name === REFUSED);
  return (await refusing?.question<number>('redisBytes')) ?? 0;
}

function requestsOf(samples: Samples, name: string): number {
  const rates = samples.get(name) ?? [];
  return Math.max(
    1,
    rates.reduce((sum, { perSecond }) => sum + (perSecond * durationMs) / 1000, 0),
  );
}

function environment({ recording }: Entrant, file: string | undefined): Record<string, string> {
  return { BENCH_BODY: String(recordings[recording].bytes), ...(file ? { BENCH_RECORDED: file } : {}) };
}

async function originRuns(field: Field): Promise<(number | undefined)[]> {
  return Promise.all(field.running.map((one) => one.question<number>('originRuns')));
}

// A "hit" whose handler ran is no hit: such a row would compare something else.
function checkHits(all: readonly Entrant[], before: (number | undefined)[], after: (number | undefined)[]): void {
  for (const [i, { name, isHit }] of all.entries()) {
    const ran = (after[i] ?? 0) - (before[i] ?? 0);
    if (isHit && ran > 0) console.error(`! ${name}: the handler ran ${ran} times while hits were measured`);
  }
}

function printVerdicts(verdicts: readonly Verdict[]): void {
  const rows = verdicts.map(({ what, budget, reached, detail, isMet }) => [
    what,
    budget,
    reached,
    isMet === undefined ? '–' : isMet ? 'met' : 'MISSED',
    detail,
  ]);
  console.log(`\n${table(['budget', 'at least', 'reached', '', 'spread (middle half of the rounds)'], rows)}`);
}

async function judgeRounds(): Promise<Verdict[]> {
  const recorded = chosen['no-library'] ? undefined : await recordHits(compiled, options);
  console.log(
    `Node ${chosen.node ?? process.version}, ${rounds} rounds of ${durationMs} ms, 50 connections, one process each, started ${starts} times`,
  );
  const verdicts: Verdict[] = [];
  for (const entrants of chosenGroups(recorded)) {
    const samples = await compare(entrants, recorded, compiled, options);
    console.log(`\n${comparisonTable(samples, BASE)}`);
    verdicts.push(...judgeSamples(samples));
    if (samples.has(REFUSED)) verdicts.push(judgeRefusalBytes(callsPerRefusal));
  }
  return verdicts;
}

if (!existsSync(join(packageRoot, 'test/bench/node_modules/apicache'))) {
  console.error('The peers are not installed: npm install --prefix test/bench');
  process.exit(2);
}
const startedAt = Date.now();
const compiled = await compile({ library: !chosen['no-library'] });
const redis = await startRedis(true);
const options: RoundsOptions = {
  rounds: Math.ceil(rounds / starts),
  durationMs,
  warmUp: chosen.quick ? 6000 : 20_000,
  ...(chosen.quick ? { warmUpLimitMs: 2000, settleMs: 50 } : {}),
  env: { BENCH_REDIS: String(redis.port) },
  redisPid: redis.pid,
  ...(chosen.node ? { node: chosen.node } : {}),
};
const verdicts = chosen.figures === undefined ? await judgeRounds() : [];
if (!chosen.only && !chosen['no-library']) {
  const figures = new RegExp(chosen.figures ?? '.');
  verdicts.push(...(await judgeFigures(compiled, options, chosen.quick, figures)));
}
redis.stop();
printVerdicts(verdicts);
console.log(`\n${((Date.now() - startedAt) / 1000).toFixed(0)} s`);
process.exit(verdicts.some(({ isMet }) => isMet === false) ? 1 : 0);
