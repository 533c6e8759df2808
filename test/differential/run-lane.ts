import { createServer as createHttpServer } from 'node:http';
import { createCache } from '../../lib/cache/cache.js';
import { createServer } from '../../lib/middleware/create-server.js';
import type { ExpressModule } from './app.js';
import { type Answer, type Served, serveWith } from './client.js';
import { DECLARED, laneApp } from './lane-app.js';
import { type LaneRequest, randomLaneRequest } from './lane-requests.js';
import { seededRandom } from './random.js';

export interface LaneResult {
  /** One text per answer that differs; at most ten. */
  readonly differences: readonly string[];
  /** Share of requests that Express did not see. */
  readonly laneShare: number;
  /** What was counted by each way: the figures of caches and limiters. */
  readonly counted: readonly [express: unknown, lane: unknown];
  /** Statuses that were seen. */
  readonly statuses: ReadonlySet<number>;
}

const MAX_DIFFERENCES = 10;
const silent = { debug() {}, info() {}, warn() {}, error() {} };
// What is said anew each time.
const INSTANTS = new Set(['date', 'keep-alive']);

/** Asks one whole app the same through Express alone and through the fast lane, and compares every answer. */
export async function runLane(seed: number, requests: number, express: ExpressModule): Promise<LaneResult> {
  const random = seededRandom(seed);
  let now = 1_700_000_000_000;
  const clock = { now: () => now, wallNow: () => now };
  const caches = [0, 1].map(() => createCache({ clock, jitter: 0, logger: silent }));
  const [plainCache, laneCache] = caches as [(typeof caches)[0], (typeof caches)[0]];
  const plainApp = laneApp(express, plainCache, clock);
  const inLane = laneApp(express, laneCache, clock);
  const plain = await serveWith(createHttpServer(plainApp.app), 'Express');
  const lane = await serveWith(createServer(inLane.app, { cache: laneCache, headers: DECLARED }), 'the lane');
  const differences: string[] = [];
  const statuses = new Set<number>();
  const known = new Map<string, Answer>();
  try {
    for (let i = 0; i < requests && differences.length < MAX_DIFFERENCES; i++) {
      now += random.pick([0, 0, 10, 400]);
      const request = randomLaneRequest(random, known);
      const [byExpress, byLane] = await ask([plain, lane], request);
      statuses.add(byExpress.status);
      known.set(request.path, byExpress);
      const wrong = difference(byExpress, byLane);
      if (wrong !== undefined)
        differences.push(`#${i} ${wrong}\n  ${JSON.stringify(request)}\n  ${show(byExpress)}\n  ${show(byLane)}`);
    }
    const sent = plainApp.seen();
    return {
      differences,
      statuses,
      laneShare: (sent - inLane.seen()) / sent,
      counted: [
        [figures(plainCache), plainApp.limiters.map(tiersOf)],
        [figures(laneCache), inLane.limiters.map(tiersOf)],
      ],
    };
  } finally {
    plain.close();
    lane.close();
    for (const limiter of [...plainApp.limiters, ...inLane.limiters]) limiter.close();
    for (const cache of caches) await cache.close();
  }
}

async function ask(servers: readonly [Served, Served], request: LaneRequest): Promise<[Answer, Answer]> {
  const { method, path, headers } = request;
  const [byExpress, byLane] = servers.map((server) => server.ask(method, path, headers));
  return [await (byExpress as Promise<Answer>), await (byLane as Promise<Answer>)];
}

function difference(byExpress: Answer, byLane: Answer): string | undefined {
  if (byExpress.status !== byLane.status) return `status ${byLane.status} instead of ${byExpress.status}`;
  for (const name of new Set([...Object.keys(byExpress.headers), ...Object.keys(byLane.headers)])) {
    if (INSTANTS.has(name)) continue;
    const [expected, got] = [JSON.stringify(byExpress.headers[name]), JSON.stringify(byLane.headers[name])];
    if (expected !== got) return `${name}: ${got} instead of ${expected}`;
  }
  return byExpress.body.equals(byLane.body) ? undefined : 'another body';
}

function show({ status, headers, body }: Answer): string {
  return `${status} ${JSON.stringify(headers)} ${body.toString('latin1').slice(0, 80)}`;
}

// Durations are the machine's; everything else is the app's.
function figures(cache: { stats(): unknown }): unknown {
  const { caches } = cache.stats() as { caches: Record<string, Record<string, unknown>> };
  const kept = ['hits', 'stale', 'misses', 'bypasses', 'memoryHits', 'fills', 'notStored', 'lookup'];
  return Object.fromEntries(
    Object.entries(caches).map(([name, counts]) => [
      name,
      Object.fromEntries(
        kept.map((key) => [key, key === 'lookup' ? (counts[key] as { count: number }).count : counts[key]]),
      ),
    ]),
  );
}

function tiersOf(limiter: { stats(): { readonly tiers: unknown } }): unknown {
  return limiter.stats().tiers;
}
