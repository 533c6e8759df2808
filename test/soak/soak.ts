import { setTimeout as delay } from 'node:timers/promises';
import { eventually, startRedis } from '../../lib/testing/index.js';
import { Load, type Sample } from '../faults/support/load.js';
import { isFullService, serveDatabase, stateOf } from '../faults/support/scenario.js';
import { type Instance, startInstance } from '../faults/support/start-instance.js';

export interface SoakOptions {
  readonly seconds: number;
  /** @default 10 */
  readonly faultEverySeconds?: number;
  /** @default 3 */
  readonly instances?: number;
  /** @default 100 */
  readonly perSecond?: number;
  readonly log?: (line: string) => void;
}

/** What came of it. All lists are empty when every promise was kept. */
export interface SoakReport {
  readonly requests: number;
  readonly writes: number;
  readonly faults: Readonly<Record<string, number>>;
  /** From the end of a fault to full service in every instance, at most. */
  readonly slowestReturnMs: number;
  readonly failed: readonly string[];
  readonly stale: readonly string[];
  /** Answers older than a write that an instance without Redis owed to it, or could not hear of: allowed, and counted. */
  readonly staleWhileOwed: number;
  /** How often an instance lost Redis, injected faults and those of a busy machine. */
  readonly outages: number;
  readonly wrong: readonly string[];
  /** Heap of each instance in bytes after garbage collection, sampled once per fault. */
  readonly heaps: readonly (readonly number[])[];
  /** By how many bytes the heap of each instance grew over the second half, along the line that fits best. */
  readonly growth: readonly number[];
}

/** What a heap may grow by over half a run: memos of names fill up to their limits, and nothing else is kept. */
export const MAX_GROWTH_BYTES = 6 * 2 ** 20;

// Without Redis instances do not hear of each other: entries made meanwhile live this long, and no longer.
const OUTAGE_MAX_AGE_MS = 2000;
const MARGIN_MS = 500;

/**
 * Several instances, random faults, writes through all of them, and a client that knows every write. While Redis is well an
 * answer is never older than a confirmed write; around a fault it may be by what the options say, and no more.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { seconds, faultEverySeconds = 10, instances: count = 3, perSecond = 100, log = () => {} } = options;
  const server = await startRedis({ args: ['--busy-reply-threshold', '50'] });
  const database = await serveDatabase();
  const spec = {
    redis: server.url,
    databaseUrl: database.url,
    cache: { memory: { outageMaxAge: OUTAGE_MAX_AGE_MS / 1000 } },
  };
  const instances: Instance[] = await Promise.all(
    Array.from({ length: count }, () => startInstance(spec, ['--expose-gc'])),
  );
  const outages = instances.map(outagesOf);
  const troubles: { from: number; to: number }[] = [];
  const boundMs = (at: number): number => {
    // A request that begins in the shadow of a fault may meet what stood in for Redis.
    const shadow = OUTAGE_MAX_AGE_MS + MARGIN_MS;
    const near = troubles.find(({ from, to }) => at >= from - 100 && at <= to + shadow);
    return near === undefined ? 0 : shadow + Math.max(0, Math.min(at, near.to) - near.from);
  };
  try {
    const urls = instances.map(({ url }) => url);
    for (const url of urls) await eventually(() => isFullService(url), { timeoutMs: 20_000, everyMs: 50 });
    const load = new Load({ urls, perSecond, writeEvery: 15, boundMs });
    const heaps: number[][] = [];
    const returnsMs: number[] = [];
    let told = 0;
    const faults: Record<string, number> = {};
    const endsAt = performance.now() + seconds * 1000;
    while (performance.now() < endsAt) {
      const [name, play] = anyOf(Object.entries(FAULTS));
      const trouble = { from: performance.now(), to: Number.POSITIVE_INFINITY };
      troubles.push(trouble);
      await play(server, (faultEverySeconds * 1000) / 4);
      const healedAt = performance.now();
      faults[name] = (faults[name] ?? 0) + 1;
      for (const url of urls) await eventually(() => isFullService(url), { timeoutMs: 30_000, everyMs: 50 });
      // What is owed is told before anybody returns: until then the fault goes on for those who ask.
      trouble.to = performance.now();
      returnsMs.push(trouble.to - healedAt);
      const { failed, stale, wrong } = load;
      log(
        `${name}: full service ${Math.round(trouble.to - healedAt)} ms after; ${failed.length} failed, ${stale.length} stale, ${wrong.length} wrong`,
      );
      for (const line of [...failed.map(describe), ...stale, ...wrong].slice(told)) log(`  ${line}`);
      told = failed.length + stale.length + wrong.length;
      await delay(Math.max(0, Math.min(trouble.from + faultEverySeconds * 1000, endsAt) - performance.now()));
      heaps.push(await Promise.all(urls.map(async (url) => (await stateOf(url, '?gc')).heap)));
    }
    await load.stop();
    const { samples, failed, stale, staleTimes, wrong } = load;
    // A busy machine makes outages of its own, and an invalidation that Redis did not confirm is owed until it is back.
    const own = outages.flat();
    const isOwed = ({ at, missedAt }: (typeof staleTimes)[number]): boolean =>
      own.some(({ from, to }) => missedAt >= from - MARGIN_MS && at <= to + OUTAGE_MAX_AGE_MS + MARGIN_MS);
    const byInstance = instances.map((_, i) => heaps.map((sample) => sample[i] as number));
    return {
      requests: samples.filter(({ kind }) => kind !== 'plain').length,
      writes: samples.filter(({ kind }) => kind === 'write').length,
      faults,
      slowestReturnMs: Math.max(...returnsMs),
      failed: failed.map(describe),
      stale: stale.filter((_, i) => !isOwed(staleTimes[i] as (typeof staleTimes)[number])),
      staleWhileOwed: staleTimes.filter(isOwed).length,
      outages: own.length,
      wrong,
      heaps: byInstance,
      growth: byInstance.map((heap) => growthOf(heap.slice(Math.floor(heap.length / 2)))),
    };
  } finally {
    await Promise.all(instances.map((instance) => instance.stop()));
    database.close();
    await server.stop();
  }
}

/** When an instance was without Redis, as it told itself. */
function outagesOf({ process: child }: Instance): readonly { readonly from: number; readonly to: number }[] {
  const outages: { from: number; to: number }[] = [];
  child.on('message', ({ state }: { state?: 'up' | 'down' }) => {
    const last = outages.at(-1);
    if (state === 'down' && last?.to !== Number.POSITIVE_INFINITY)
      outages.push({ from: performance.now(), to: Number.POSITIVE_INFINITY });
    if (state === 'up' && last !== undefined) last.to = Math.min(last.to, performance.now());
  });
  return outages;
}

function describe({ kind, status, at, ms, error = '' }: Sample): string {
  return `${kind} at ${Math.round(at)}: ${status} ${error} after ${Math.round(ms)} ms`;
}

type Server = Awaited<ReturnType<typeof startRedis>>;

const FAULTS: Readonly<Record<string, (server: Server, holdMs: number) => Promise<unknown>>> = {
  hang: async (server, holdMs) => {
    server.pause();
    await delay(holdMs);
    server.resume();
  },
  kill: async (server, holdMs) => {
    await server.kill();
    await delay(holdMs);
    await server.restart();
  },
  flush: (server) => server.cli('FLUSHALL'),
  'forget scripts': (server) => server.cli('SCRIPT', 'FLUSH'),
  'kill connections': async (server) => {
    await server.cli('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await server.cli('CLIENT', 'KILL', 'TYPE', 'pubsub', 'SKIPME', 'yes');
  },
  full: async (server, holdMs) => {
    await server.cli('CONFIG', 'SET', 'maxmemory', '1');
    await delay(holdMs);
    await server.cli('CONFIG', 'SET', 'maxmemory', '0');
  },
  'pause writes': async (server, holdMs) => {
    await server.cli('CLIENT', 'PAUSE', Math.floor(holdMs / 2), 'WRITE');
    await delay(holdMs);
  },
  evict: async (server) => {
    const keys = ((await server.cli('KEYS', '*')) as string[]).filter(() => Math.random() < 0.5);
    if (keys.length > 0) await server.cli('DEL', ...keys);
  },
  busy: async (server, holdMs) => {
    server.cli('EVAL', 'while true do end', '0').catch(() => {}); // ends with an error when it is killed
    await delay(holdMs / 2);
    await eventually(() => server.cli('SCRIPT', 'KILL'));
  },
};

/** Least squares: the slope times the length, so that one odd sample decides nothing. */
function growthOf(samples: readonly number[]): number {
  const middle = (samples.length - 1) / 2;
  const mean = samples.reduce((sum, one) => sum + one, 0) / samples.length;
  let [over, under] = [0, 0];
  for (const [i, one] of samples.entries()) {
    over += (i - middle) * (one - mean);
    under += (i - middle) ** 2;
  }
  return under === 0 ? 0 : (over / under) * (samples.length - 1);
}

function anyOf<T>(list: readonly T[]): T {
  return list[Math.floor(Math.random() * list.length)] as T;
}
