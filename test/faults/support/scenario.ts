import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { CacheOptions } from '../../../lib/cache/cache-options.js';
import { createRedis } from '../../../lib/redis/client.js';
import type { CreateRedisOptions } from '../../../lib/redis/connection-options.js';
import { eventually } from '../../../lib/testing/index.js';
import { ask, serve } from '../../flows/support/serve.js';
import { type AppState, type Database, filmApp, memoryDatabase } from './film-app.js';
import { Load, percentile } from './load.js';
import { type Instance, startInstance } from './start-instance.js';

/** What a scenario may touch while its fault lasts. */
export interface Scene {
  /** Origins of the instances. */
  readonly urls: readonly string[];
  /** Their processes, if they have any of their own. */
  readonly instances: readonly Instance[];
  readonly load: Load;
}

/** A server with a fault that can be switched on and off. */
export interface Stage {
  readonly redis: string | CreateRedisOptions;
  begin(scene: Scene): unknown;
  /** Heals. Resolves when Redis accepts commands again: full service is due two seconds later. */
  end(scene: Scene): unknown;
  stop(): unknown;
}

/** A row of the table: a fault, and how an app meets it. */
export interface Scenario {
  readonly row: string;
  readonly title: string;
  arrange(): Promise<Stage>;
  /** The fault is there before the app starts. */
  readonly atBoot?: boolean;
  readonly cache?: Pick<CacheOptions, 'memory' | 'lease' | 'waitLimit'>;
  /** Instances that share a database; those beyond `loaded` get no load. @default 1 */
  readonly instances?: number;
  readonly loaded?: number;
  /** Only an app in a process of its own can suffer this. */
  readonly needsProcess?: boolean;
  /** How old an answer may be after a confirmed write. @default 0 */
  readonly boundMs?: number;
  /** The fault stops the app or the machine itself, so that latency says nothing about us. */
  readonly stopsTheApp?: boolean;
  readonly extraIds?: readonly string[];
  /** How wrong the clock of the last instance is. */
  readonly clockSkewMs?: number;
  /** How long the fault lasts in the long form. @default 5000 */
  readonly longHoldMs?: number;
}

/** What came of it. */
export interface Figures {
  readonly row: string;
  readonly title: string;
  readonly requests: number;
  readonly failed: readonly string[];
  readonly stale: readonly string[];
  readonly wrong: readonly string[];
  /** Latency at the 99th percentile over that of the same films without a cache: in the first 600 ms, and after. */
  readonly addedEarlyMs: number;
  readonly addedMs: number;
  /** Latency of those without a cache, at the 99th percentile: high when the machine had no time for anybody. */
  readonly plainMs: number;
  /** From healing to an entry written to and read from Redis, and quotas counted there. */
  readonly recoverMs: number;
  /** What was missing last. */
  readonly waitedFor: string;
  readonly storeErrors: readonly string[];
}

export interface RunOptions {
  /** `process`: apps in processes of their own, the client in this one. */
  readonly place: 'process' | 'inside';
  readonly beforeMs: number;
  readonly holdMs: number;
  readonly perSecond: number;
  /** One request in so many goes to the app without a cache, too. */
  readonly plainEvery: number;
}

export const SHORT: RunOptions = { place: 'inside', beforeMs: 300, holdMs: 900, perSecond: 30, plainEvery: 4 };
export const LONG: RunOptions = { place: 'process', beforeMs: 2000, holdMs: 5000, perSecond: 200, plainEvery: 1 };

const EARLY_MS = 600;
const GIVE_UP_MS = 15_000;

/** Plays a scenario: load before, during and after the fault. Rejects only when it could not be played. */
export async function play(scenario: Scenario, options: RunOptions): Promise<Figures> {
  while (playing.size >= AT_ONCE) await Promise.race(playing);
  const work = playAndClose(scenario, options);
  const done: Promise<unknown> = work.then(
    () => playing.delete(done),
    () => playing.delete(done),
  );
  playing.add(done);
  return work;
}

// More would measure how this process competes with itself.
const AT_ONCE = 3;
const playing = new Set<Promise<unknown>>();

async function playAndClose(scenario: Scenario, options: RunOptions): Promise<Figures> {
  const closing: (() => unknown)[] = [];
  try {
    return await playOn(scenario, options, closing);
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

async function playOn(scenario: Scenario, options: RunOptions, closing: (() => unknown)[]): Promise<Figures> {
  const stage = await scenario.arrange();
  closing.push(() => stage.stop());
  const place = scenario.needsProcess ? 'process' : options.place;
  const nowhere = { urls: [], instances: [] } as unknown as Scene;
  if (scenario.atBoot) await stage.begin(nowhere);
  const apps = place === 'process' ? await processes(scenario, stage, closing) : await inside(scenario, stage, closing);
  if (!scenario.atBoot) await settled(apps.urls);

  const load = new Load({
    urls: apps.urls.slice(0, scenario.loaded ?? apps.urls.length),
    perSecond: options.perSecond,
    plainEvery: options.plainEvery,
    boundMs: () => scenario.boundMs ?? 0,
    extraIds: scenario.extraIds ?? [],
    ...(apps.plainUrl === undefined ? {} : { plainUrl: apps.plainUrl }),
  });
  closing.push(() => load.stop());
  const scene: Scene = { ...apps, load };
  if (!scenario.atBoot) await delay(options.beforeMs);
  const brokenAt = performance.now();
  if (!scenario.atBoot) await stage.begin(scene);
  await delay(scenario.longHoldMs !== undefined && options === LONG ? scenario.longHoldMs : options.holdMs);
  await stage.end(scene);
  const healedAt = performance.now();
  const recovery = await recovered(apps.urls.slice(0, scenario.loaded ?? apps.urls.length), healedAt);
  await delay(options.beforeMs);
  await load.stop();
  const state = await stateOf(apps.urls[0] as string);
  return { ...measured(scenario, load, brokenAt), ...recovery, storeErrors: state.errors };
}

interface Apps {
  readonly urls: readonly string[];
  readonly plainUrl?: string;
  readonly instances: readonly Instance[];
}

async function inside(scenario: Scenario, stage: Stage, closing: (() => unknown)[]): Promise<Apps> {
  const database = memoryDatabase();
  const urls: string[] = [];
  for (let i = 0; i < (scenario.instances ?? 1); i++) {
    const redis = createRedis(stage.redis);
    const { app, close } = filmApp({ redis, database, ...(scenario.cache && { cache: scenario.cache }) });
    const served = await serve(app);
    closing.push(async () => {
      await served.close();
      await close();
      redis.disconnect();
    });
    urls.push(served.url);
  }
  return { urls, instances: [] };
}

async function processes(scenario: Scenario, stage: Stage, closing: (() => unknown)[]): Promise<Apps> {
  const { url: databaseUrl, close } = await serveDatabase();
  closing.push(close);
  const count = scenario.instances ?? 1;
  const instances = await Promise.all(
    Array.from({ length: count }, (_, i) =>
      startInstance({
        redis: stage.redis,
        databaseUrl,
        ...(scenario.cache && { cache: scenario.cache }),
        ...(scenario.clockSkewMs !== undefined && i === count - 1 && { clockSkewMs: scenario.clockSkewMs }),
      }),
    ),
  );
  const plain = await startInstance({ databaseUrl });
  closing.push(() => Promise.all([plain, ...instances].map((instance) => instance.stop())));
  return { urls: instances.map(({ url }) => url), plainUrl: plain.url, instances };
}

/** A database for apps in several processes. */
export async function serveDatabase(database: Database = memoryDatabase()) {
  const server = createServer(async (req, res) => {
    const id = String(req.url).slice(1);
    res.end(String(await (req.method === 'PUT' ? database.write(id) : database.read(id))));
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

export async function stateOf(url: string, query = ''): Promise<AppState> {
  return JSON.parse((await ask(`${url}/state${query}`)).body.toString()) as AppState;
}

async function settled(urls: readonly string[]): Promise<void> {
  for (const url of urls) await eventually(() => isFullService(url), { timeoutMs: GIVE_UP_MS, everyMs: 20 });
}

async function recovered(urls: readonly string[], since: number): Promise<{ recoverMs: number; waitedFor: string }> {
  const reasons: string[] = [];
  const isBack = async (url: string): Promise<boolean> => {
    const why = await missingService(url);
    if (why !== undefined) reasons.push(`${Math.round(performance.now() - since)} ms: ${why}`);
    return why === undefined;
  };
  try {
    for (const url of urls) await eventually(() => isBack(url), { timeoutMs: GIVE_UP_MS, everyMs: 40 });
  } catch {
    throw new Error(`No full service ${GIVE_UP_MS} ms after healing: ${reasons.at(-1)}`);
  }
  return { recoverMs: performance.now() - since, waitedFor: reasons.slice(-3).join('; ') };
}

let probes = 0;

/** Whether what is stored in Redis now is read from there now, and the quota is shared. */
export async function isFullService(url: string): Promise<boolean> {
  return (await missingService(url)) === undefined;
}

/** What is missing from full service, if anything is. */
async function missingService(url: string): Promise<string | undefined> {
  const before = await stateOf(url);
  if (before.level !== 'redis') return 'Redis is not in use';
  if (before.limiter === 'memory') return 'the limiter has no Redis';
  const path = `${url}/film/probe${++probes}`;
  const answers = [await ask(path), await ask(path)];
  if (answers.some(({ status }) => status !== 200)) throw new Error('the probe failed');
  if (answers[1]?.cache !== 'hit') return `${answers.map(({ headers }) => headers['cache-status'])}`;
  const after = await stateOf(url);
  if (after.limiter !== 'redis') return `quotas are counted ${after.limiter}`;
  return after.redisHits > before.redisHits ? undefined : 'the hit was not from Redis';
}

function measured({ row, title, stopsTheApp }: Scenario, load: Load, brokenAt: number) {
  const added = (from: number, to?: number): number => {
    if (stopsTheApp) return Number.NaN;
    const ours = percentile(load.latencies(['hot', 'new', 'private'], from, to), 0.99);
    return Math.max(0, ours - percentile(load.latencies(['plain'], from, to), 0.99));
  };
  return {
    row,
    title,
    requests: load.samples.filter(({ kind }) => kind !== 'plain').length,
    failed: load.failed.map(({ kind, status, error }) => `${kind} ${status} ${error ?? ''}`),
    stale: load.stale,
    wrong: load.wrong,
    addedEarlyMs: added(brokenAt, brokenAt + EARLY_MS),
    addedMs: added(brokenAt + EARLY_MS),
    plainMs: percentile(load.latencies(['plain'], brokenAt), 0.99),
  };
}
