// The budgets, each with how it is read from the samples.
import type { Samples } from './harness/compare.js';
import { isInstalled } from './harness/programs.js';
import { cpuRatio, medianOf, type Ratio, throughputRatio, wholeCpuRatio } from './harness/statistics.js';
import { peers } from './suite.js';

/** A budget with what was reached. */
export interface Verdict {
  readonly what: string;
  readonly budget: string;
  readonly reached: string;
  readonly detail: string;
  /** `undefined`: not measured in this run. */
  readonly isMet: boolean | undefined;
}

interface RatioBudget {
  readonly what: string;
  readonly ours: string;
  readonly base: string | readonly string[];
  readonly atLeast: number;
  /** The program whose absence explains why it is not measured. */
  readonly needs?: string;
  /** What Redis works for a request counts as well. */
  readonly withRedis?: boolean;
}

/** The mean of work per CPU second over those it is compared with that needs the least CPU time: the fastest of them. */
function fastest(samples: Samples, names: readonly string[]): string {
  const measured = names.filter((name) => samples.has(name));
  return measured.reduce((best, name) => (cpu(samples, name) < cpu(samples, best) ? name : best), measured[0] ?? '');
}

function cpu(samples: Samples, name: string): number {
  return medianOf(samples, name, (sample) => sample.cpuMicros);
}

const at20 = (names: readonly string[]): string[] => names.map((name) => `${name}, 20 KB`);

const ratioBudgets: readonly RatioBudget[] = [
  { what: 'memory hit ÷ bare route, 1 KB', ours: 'memory hit', base: 'express route', atLeast: 1 },
  { what: 'memory hit ÷ bare route, 20 KB', ours: 'memory hit, 20 KB', base: 'express route, 20 KB', atLeast: 1 },
  { what: 'memory hit ÷ fastest peer, 1 KB', ours: 'memory hit', base: peers, atLeast: 1.15 },
  { what: 'memory hit ÷ fastest peer, 20 KB', ours: 'memory hit, 20 KB', base: at20(peers), atLeast: 1.15 },
  { what: 'fast lane ÷ raw http, 1 KB', ours: 'fast lane hit', base: 'raw http', atLeast: 0.95 },
  { what: 'fast lane ÷ raw http, 20 KB', ours: 'fast lane hit, 20 KB', base: 'raw http, 20 KB', atLeast: 0.95 },
  {
    what: 'fast lane ÷ Varnish in front of Node',
    ours: 'fast lane hit',
    base: 'varnish',
    atLeast: 1,
    needs: 'varnishd',
  },
  { what: 'Redis hit ÷ hand-written getBuffer', ours: 'Redis hit', base: 'hand-written Redis', atLeast: 0.9 },
  {
    what: 'near-cache hit ÷ memory hit',
    ours: 'near-cache hit',
    base: 'memory hit on a route, with tags',
    atLeast: 0.95,
  },
  { what: '304 ÷ the same hit with body, 1 KB', ours: '304', base: 'memory hit', atLeast: 1.1 },
  { what: '304 ÷ the same hit with body, 20 KB', ours: '304, 20 KB', base: 'memory hit, 20 KB', atLeast: 1.1 },
  {
    what: 'gzip hit 20 KB ÷ compression',
    ours: 'memory hit, 20 KB gzip',
    base: 'express + compression, 20 KB gzip',
    atLeast: 5,
  },
  {
    what: 'gzip hit 20 KB ÷ bare route, stored bytes',
    ours: 'memory hit, 20 KB gzip',
    base: 'express route, 20 KB gzip',
    atLeast: 1,
  },
  { what: 'skipped ÷ bare Express', ours: 'skipped', base: 'express origin', atLeast: 0.95 },
  { what: 'uncacheable ÷ bare Express', ours: 'uncacheable', base: 'express origin', atLeast: 0.95 },
  { what: 'limiter in memory ÷ express-rate-limit', ours: 'our limiter', base: 'express-rate-limit', atLeast: 1 },
  {
    what: 'limiter on Redis ÷ rate-limit-redis',
    ours: 'our limiter on Redis',
    base: 'express-rate-limit on Redis',
    atLeast: 1.1,
  },
  {
    what: 'refused on Redis ÷ admitted',
    ours: 'our limiter on Redis, over the limit',
    base: 'our limiter on Redis',
    atLeast: 2,
    withRedis: true,
  },
];

// Slow to warm up, and known not to be the fastest.
const TOO_SLOW_TO_BE_QUICK = new Set(at20(peers.slice(1)));

/**
 * The entrants of a quick run: what ratios speak of, without what takes its time. What a miss adds to a millisecond cannot be
 * told in a few seconds: its code has to be compiled first.
 */
export const quickEntrants: ReadonlySet<string> = new Set(
  ratioBudgets.flatMap(({ ours, base }) => [ours, ...[base].flat()]).filter((name) => !TOO_SLOW_TO_BE_QUICK.has(name)),
);

function judge(samples: Samples, budget: RatioBudget): Verdict | undefined {
  const base = typeof budget.base === 'string' ? budget.base : fastest(samples, budget.base);
  if (!samples.has(budget.ours)) return undefined;
  if (!samples.has(base))
    return budget.needs && !isInstalled(budget.needs) ? notMeasured(budget, budget.needs) : undefined;
  const own = cpuRatio(samples, budget.ours, base);
  const work = budget.withRedis ? wholeCpuRatio(samples, budget.ours, base) : own;
  const throughput = throughputRatio(samples, budget.ours, base);
  return {
    what: typeof budget.base === 'string' ? budget.what : `${budget.what} (${base.replace(/,.*/, '')})`,
    budget: `≥ ${budget.atLeast}`,
    reached: work.median.toFixed(2),
    detail: `${spread(work)} by CPU${budget.withRedis ? ` (${own.median.toFixed(2)} without that of Redis)` : ''}, ${throughput.median.toFixed(2)} ${spread(throughput)} by req/s`,
    isMet: roundedUp(work.median) >= budget.atLeast,
  };
}

function notMeasured({ what, atLeast }: RatioBudget, program: string): Verdict {
  const detail = `not measured: ${program} is not installed`;
  return { what, budget: `≥ ${atLeast}`, reached: '–', detail, isMet: undefined };
}

// Two digits are shown, so two digits are judged.
function roundedUp(value: number): number {
  return Math.round(value * 100) / 100;
}

function spread({ low, high }: Ratio): string {
  return `${low.toFixed(2)}–${high.toFixed(2)}`;
}

const MISS = ['express origin', 'express origin, 1 ms', 'miss, 1 ms handler'] as const;

/** What a miss adds to a handler of about a millisecond. */
function judgeMiss(samples: Samples): Verdict | undefined {
  if (MISS.some((name) => !samples.has(name))) return undefined;
  const [origin, bare, miss] = MISS.map((name) => cpu(samples, name)) as [number, number, number];
  const handler = bare - origin;
  const added = miss - bare;
  return {
    what: 'CPU a miss adds to a 1 ms handler',
    budget: '≤ 10 %',
    reached: `${((added / handler) * 100).toFixed(1)} %`,
    detail: `${added.toFixed(0)} µs on ${handler.toFixed(0)} µs`,
    isMet: added / handler <= 0.1,
  };
}

/** Every budget that the samples speak of. */
export function judgeSamples(samples: Samples): Verdict[] {
  return [...ratioBudgets.map((budget) => judge(samples, budget)), judgeMiss(samples)].filter(
    (verdict) => verdict !== undefined,
  );
}

/** Hits among many entries against hits among few. */
export function judgeFlat(samples: Samples, [few = 0, many = 0]: readonly number[]): Verdict {
  const work = cpuRatio(samples, String(many), String(few));
  return {
    what: `hits among ${many.toLocaleString('en')} ÷ among ${few.toLocaleString('en')} entries`,
    budget: '≥ 0.9',
    reached: work.median.toFixed(2),
    detail: `${spread(work)} by CPU`,
    isMet: roundedUp(work.median) >= 0.9,
  };
}

/** A refusal is decided in this process: what is sent to Redis for it is next to nothing. */
export function judgeRefusalBytes(bytes: number): Verdict {
  return {
    what: 'bytes sent to Redis per refusal',
    budget: 'none',
    reached: bytes.toFixed(2),
    detail: 'the client asks again now and then; a call is 200 bytes',
    isMet: bytes < 4,
  };
}
