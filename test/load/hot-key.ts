import { eventually, startRedis } from '../../lib/testing/index.js';
import { startLoadApp } from './load-app-process.js';
import { checkOpenFiles, startGenerator, type TrafficFigures } from './traffic.js';

/** What a number of connections met. */
export interface HotFigures extends TrafficFigures {
  /** Delay of the server's event loop at the 99th percentile. */
  readonly lagMs: number;
  /** Share of the time in which the server was ready to run and another process had its core. */
  readonly starved: number;
  /** How often the handler ran. */
  readonly runs: number;
}

/** The same requests to the route without a cache, to the cached one, and to that with Redis hung. */
export interface HotComparison {
  readonly plain: HotFigures;
  readonly up: HotFigures;
  readonly hung: HotFigures;
}

/** What the event loop may lag by while connections take turns. */
export const MAX_LAG_MS = 50;
const MAX_STARVED = 0.25;
const PACED_PER_SECOND = 1000;

/** Whether lags tell of the app: the machine let it run, and without a cache it keeps the bound. */
export function saysSomething({ plain, up, hung }: HotComparison): boolean {
  return plain.lagMs < MAX_LAG_MS && [plain, up, hung].every(({ starved }) => starved < MAX_STARVED);
}

/**
 * B39: so many keep-alive connections on one hot key. `volley`: all of them ask at once, which keeps any server busy for
 * as long as it takes; `paced`: they stay open and take turns.
 */
export async function hotKey(
  connections: number,
  rounds: number,
  seconds: number,
): Promise<{ volley: HotComparison; paced: HotComparison }> {
  checkOpenFiles(connections);
  const server = await startRedis();
  const app = await startLoadApp({ redis: server.url });
  const generator = await startGenerator(app.port, connections);
  const watched = async (send: () => Promise<TrafficFigures>): Promise<HotFigures> => {
    // What the last run left behind is not this one's.
    await app.state('gc');
    await app.state('reset');
    const before = await app.state();
    const startedAt = performance.now();
    const figures = await send();
    const tookMs = performance.now() - startedAt;
    const { lagMs, starvedMs, runs } = await app.state();
    return { ...figures, lagMs, starved: (starvedMs - before.starvedMs) / tookMs, runs: runs - before.runs };
  };
  const compare = async (send: (path: string) => Promise<TrafficFigures>): Promise<HotComparison> => {
    const plain = await watched(() => send('/plain'));
    const up = await watched(() => send('/hot'));
    server.pause();
    const hung = await watched(() => send('/hot'));
    server.resume();
    await eventually(async () => (await app.state()).level === 'redis', { timeoutMs: 20_000 });
    return { plain, up, hung };
  };
  try {
    await eventually(async () => (await app.state()).level === 'redis');
    for (const path of ['/plain', '/hot']) await generator.send({ kind: 'volley', path, rounds: 1 });
    return {
      volley: await compare((path) => generator.send({ kind: 'volley', path, rounds })),
      paced: await compare((path) => generator.send({ kind: 'paced', path, perSecond: PACED_PER_SECOND, seconds })),
    };
  } finally {
    await generator.stop();
    await app.stop();
    await server.stop();
  }
}
