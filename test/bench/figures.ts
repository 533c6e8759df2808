// Budgets that are no ratio of rates: memory per entry, invalidation, what an import costs, calls to Redis.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { judgeFlat, type Verdict } from './budgets.js';
import { type RoundsOptions, Running } from './harness/compare.js';
import { type Compiled, packageRoot } from './harness/compile.js';
import { median } from './harness/statistics.js';
import { measureAmong } from './many-entries.js';

async function asking<T>(
  compiled: Compiled,
  options: RoundsOptions,
  variant: string,
  ask: (running: Running) => Promise<T>,
): Promise<T> {
  const contender = {
    name: variant,
    module: 'variants/filled',
    requests: [],
    nodeArguments: ['--expose-gc', '--max-old-space-size=12000'],
  };
  const running = new Running(contender, compiled, options);
  await running.ready();
  try {
    return await ask(running);
  } finally {
    await running.process.stop();
  }
}

interface MemoryFigure {
  readonly rss: number;
  readonly heapAndExternal: number;
}

/** Bytes of process memory per stored answer of 1 KB, after `count` of them. */
export function memoryPerEntry(
  compiled: Compiled,
  options: RoundsOptions,
  variant: string,
  count: number,
): Promise<MemoryFigure> {
  return asking(compiled, options, variant, async (running) => {
    const fill = (from: number, to: number): Promise<unknown> => running.question('fill', { from, to, host: 'bench' });
    await fill(0, 2000);
    const before = await running.question<MemoryFigure>('memory');
    await fill(2000, count + 2000);
    const after = await running.question<MemoryFigure>('memory');
    const per = (key: keyof MemoryFigure): number => ((after?.[key] ?? 0) - (before?.[key] ?? 0)) / count;
    return { rss: per('rss'), heapAndExternal: per('heapAndExternal') };
  });
}

const BYTES_BUDGET = 1.16 * 1024;

async function judgeMemory(compiled: Compiled, options: RoundsOptions, count: number): Promise<Verdict[]> {
  const plain = await memoryPerEntry(compiled, options, 'ours', count);
  const packed = await memoryPerEntry(compiled, options, 'ours, compressible', count);
  const text = ({ rss, heapAndExternal }: MemoryFigure): string =>
    `${heapAndExternal.toFixed(0)} bytes heap + external, ${rss.toFixed(0)} resident`;
  return [
    {
      what: 'memory per 1 KB answer, incompressible',
      budget: '≤ 1.16 KB',
      reached: `${(plain.heapAndExternal / 1024).toFixed(2)} KB`,
      detail: text(plain),
      isMet: plain.heapAndExternal <= BYTES_BUDGET,
    },
    {
      what: 'memory per 1 KB answer, compressible',
      budget: 'less',
      reached: `${(packed.heapAndExternal / 1024).toFixed(2)} KB`,
      detail: text(packed),
      isMet: packed.heapAndExternal < plain.heapAndExternal,
    },
  ];
}

interface Invalidation {
  readonly ms: number;
  readonly stallMs: number;
  readonly idleMs: number;
}

async function judgeInvalidation(
  compiled: Compiled,
  options: RoundsOptions,
  level: 'memory' | 'redis',
  many: number,
  times: number,
): Promise<Verdict> {
  const take = (entries: number): Promise<Invalidation[]> =>
    asking(
      compiled,
      options,
      'invalidations',
      async (running) => (await running.question<Invalidation[]>(level, { entries, times })) ?? [],
    );
  const few = await take(10);
  const lots = await take(many);
  const fewMs = median(few.map(({ ms }) => ms));
  const lotsMs = median(lots.map(({ ms }) => ms));
  const stall = median(lots.map(({ stallMs }) => stallMs));
  // On a busy machine the loop stands still without any work: only what comes on top of that is ours.
  const idle = median(lots.map(({ idleMs }) => idleMs));
  return {
    what: `invalidating a tag of 10 / of ${many.toLocaleString('en')} entries, ${level}`,
    budget: 'same, stall < 10 ms',
    reached: `${fewMs.toFixed(2)} / ${lotsMs.toFixed(2)} ms`,
    detail: `event loop stalled ${stall.toFixed(1)} ms at most, ${idle.toFixed(1)} ms when idle (medians of ${times})`,
    // "The same" within what a timer resolves: half a millisecond, or twice.
    isMet: (lotsMs <= fewMs * 2 || lotsMs - fewMs < 0.5) && stall < Math.max(10, idle + 5),
  };
}

const LOADED = `
import { Session } from 'node:inspector';
const session = new Session(); session.connect();
const seen = []; session.on('Debugger.scriptParsed', ({ params }) => seen.push(params.url));
session.post('Debugger.enable');
const before = seen.length;
await import(process.argv[1]);
console.log(JSON.stringify(seen.slice(before)));
process.exit(0);`;

const TIMED = `
const startedAt = performance.now();
await import(process.argv[1]);
console.log(performance.now() - startedAt);
process.exit(0);`;

function evaluate(node: string, script: string, entry: string): string {
  const run = spawnSync(node, ['--input-type=module', '-e', script, pathToFileURL(entry).href], { encoding: 'utf8' });
  return run.stdout.trim();
}

/** Milliseconds `import('warmpath')` takes in a fresh process, and what of the lazy parts it loads. */
function judgeImport(node: string, entry: string): Verdict {
  const times = Array.from({ length: 9 }, () => Number(evaluate(node, TIMED, entry)));
  const loaded = JSON.parse(evaluate(node, LOADED, entry) || '[]') as string[];
  const early = loaded.filter((url) =>
    /node_modules\/prom-client\/|admin\/page\/|chunks\/(?:page|sections)-/.test(url),
  );
  const took = median(times);
  return {
    what: 'import of the package',
    budget: '< 100 ms',
    reached: `${took.toFixed(0)} ms`,
    detail:
      early.length === 0 ? `${loaded.length} scripts, no prom-client, no admin page` : `loads ${early.join(', ')}`,
    isMet: took < 100 && early.length === 0,
  };
}

/** What is published, built anew: the modules of the sources one by one would take twice as long. */
function builtEntry(): string {
  const built = spawnSync(process.execPath, [join(packageRoot, 'test/support/build.mjs')], { cwd: packageRoot });
  if (built.status !== 0) throw new Error(`the package could not be built: ${built.stderr}`);
  return join(packageRoot, 'dist/index.js');
}

async function judgeAmong(compiled: Compiled, options: RoundsOptions, many: number): Promise<Verdict> {
  const counts = [1000, many];
  const rounds = Math.min(options.rounds, 15);
  return judgeFlat(await measureAmong(counts, compiled, { ...options, rounds }), counts);
}

/** Everything measured outside the rounds, or what of it is chosen: `among`, `memory`, `invalidation`, `import`. */
export async function judgeFigures(
  compiled: Compiled,
  options: RoundsOptions,
  isQuick: boolean,
  only = /./,
): Promise<Verdict[]> {
  const many = isQuick ? 20_000 : 100_000;
  const figures: Record<string, () => Promise<Verdict[]> | Verdict[]> = {
    among: async () => [await judgeAmong(compiled, options, isQuick ? many : 1_000_000)],
    memory: () => judgeMemory(compiled, options, many),
    invalidation: async () => [
      await judgeInvalidation(compiled, options, 'memory', many, isQuick ? 3 : 5),
      await judgeInvalidation(compiled, options, 'redis', many, isQuick ? 3 : 5),
    ],
    import: () => [judgeImport(options.node ?? process.execPath, builtEntry())],
  };
  const verdicts: Verdict[] = [];
  for (const [name, judge] of Object.entries(figures)) if (only.test(name)) verdicts.push(...(await judge()));
  return verdicts;
}
