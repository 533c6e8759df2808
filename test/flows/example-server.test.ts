import { afterEach, describe, expect, it } from 'vitest';
import { lastingKeys } from '../../lib/queue/lasting-keys.js';
import { type RedisServer, startRedis } from '../../lib/testing/index.js';
import { databaseFile, type ExampleProcess, runExample } from './example/example-process.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function start(file: string, env: Record<string, string> = {}, by?: 'tsx'): ExampleProcess {
  const run = runExample(file, env, by);
  undo.push(() => run.kill());
  return run;
}

async function startServer(env: Record<string, string> = {}, by?: 'tsx') {
  const database = databaseFile();
  undo.push(() => database.remove());
  const run = start('server.ts', { PORT: '0', DATABASE_FILE: database.file, ...env }, by);
  const [, url = ''] = await run.printed(/Films: (http:\S+)\/api\/movies/);
  await run.printed(/Try:/);
  return { run, url, database };
}

const xCache = async (url: string) => (await fetch(url)).headers.get('X-Cache');

describe('npm start', { timeout: 60_000 }, () => {
  it('imports the films once, says what it repaired and how it caches, and answers', async () => {
    const { run, url, database } = await startServer({}, 'tsx');
    expect(run.output()).toContain('Imported 3201 films. Repaired on the way:\n    22  date century');
    expect(run.output()).toContain('Cache: in the memory of this process');
    expect([await xCache(`${url}/api/movies/1`), await xCache(`${url}/api/movies/1`)]).toEqual(['miss', 'hit']);
    expect(await run.stop()).toBe(0);

    const again = start('server.ts', { PORT: '0', DATABASE_FILE: database.file });
    await again.printed(/Try:/);
    expect(again.output()).not.toContain('Imported');
    expect(await again.stop()).toBe(0);
  });

  it('shares the cache with other processes through Redis, and keeps no film alive that one of them changed', async () => {
    const server = await redisServer();
    const first = await startServer({ REDIS_URL: server.url });
    const second = await startServer({ REDIS_URL: server.url, DATABASE_FILE: first.database.file, WORKERS: '2' });
    expect(first.run.output()).toContain('Cache: in Redis');
    expect(second.run.output()).toContain('by 2 processes');

    const [here, there] = [`${first.url}/api/movies/7`, `${second.url}/api/movies/7`];
    const host = { Host: 'films.example' };
    expect(here).not.toBe(there);
    await expect.poll(() => cacheFor(here, host)).toBe('hit');
    await expect.poll(() => cacheFor(there, host)).toBe('hit');

    const headers = { ...host, 'Content-Type': 'application/json', Authorization: 'Bearer demo-staff' };
    await fetch(here, { method: 'PUT', headers, body: '{"title":"Seventh"}' });
    for (let n = 0; n < 6; n++)
      expect(await (await fetch(there, { headers: host })).json()).toMatchObject({ title: 'Seventh' });
    expect(await second.run.stop()).toBe(0);
  });

  it('does without a cache rather than serve old films from several workers without Redis', async () => {
    const { run, url } = await startServer({ WORKERS: '2' });
    expect(run.output()).toContain('Cache: off');
    expect([await xCache(`${url}/api/movies/1`), await xCache(`${url}/api/movies/1`)]).not.toContain('hit');
    expect(await run.stop()).toBe(0);
  });

  it('warms its cache by itself: at start by one process of all, and again for a new CACHE_VERSION', async () => {
    const server = await redisServer();
    const filled = async (url: string) =>
      /cache_fills_total\{cache="genres"\} (\d+)/.exec(await (await fetch(`${url}/metrics`)).text())?.[1];
    const first = await startServer({ REDIS_URL: server.url });
    await expect.poll(() => filled(first.url), { timeout: 20_000 }).toBe('1');
    expect(await xCache(`${first.url}/api/genres`)).toBe('hit');
    const isDone = lastingKeys('warmpath').warmed('["1","warm"]');
    await expect.poll(() => server.cli('EXISTS', isDone), { timeout: 20_000 }).toBe(1);

    const both = { REDIS_URL: server.url, DATABASE_FILE: first.database.file };
    const [same, next] = [await startServer(both), await startServer({ ...both, CACHE_VERSION: '2' })];
    await expect.poll(() => filled(next.url), { timeout: 20_000 }).toBe('1');
    expect(await filled(same.url)).toBeUndefined();
  });

  it('logs hits and misses with LOG_LEVEL=debug, and what warming did', async () => {
    const { run, url } = await startServer({ LOG_LEVEL: 'debug' });
    expect([await xCache(`${url}/api/movies/1`), await xCache(`${url}/api/movies/1`)]).toEqual(['miss', 'hit']);
    await run.printed(/warmpath: hit cache=film key=[0-9a-f]{16} level=memory latencyMs=[\d.]+ ageMs=\d+/);
    expect(run.output()).toMatch(/warmpath: miss cache=film key=.*\n/);
    await run.printed(/warmpath: 'warm': \d+ warmed, 0 not stored, 0 failed, 0 done before/);
  });

  it('refuses a wrong setting at start, naming it', async () => {
    const run = start('server.ts', { PORT: '0', TTL_MOVIE: 'an hour' });
    expect(await run.ended).toBe(1);
    expect(run.output()).toContain(
      "TTL_MOVIE: expected a duration such as '250ms', '30s', '5m', '6h', '7d' or a number of seconds",
    );
  });
});

describe('npm run tour', { timeout: 60_000 }, () => {
  it('shows a miss and then a hit, each user kept apart and what every write ended', async () => {
    const { url } = await startServer();
    for (const round of ['first', 'second']) {
      const tour = start('tour.ts', { TOUR_URL: url });
      expect([round, await tour.ended]).toEqual([round, 0]);
      const film = tour.output().match(/GET \/api\/movies\/1 .*/g) ?? [];
      expect(film.map((line) => line.split(/\s+/).slice(2, 4).join(' '))).toEqual([
        '200 miss',
        '200 hit',
        '304 hit',
        '200 miss',
        '200 miss',
      ]);
      expect(tour.output()).toMatch(/GET \/api\/stats {2}x 50 at once +200/);
      expect(tour.output()).toMatch(/GET \/api\/movies\?page=zero +400/);
    }
    expect(((await (await fetch(`${url}/api/movies/1`)).json()) as { title: string }).title).toBe('The Land Girls');
  });

  it('says what to do when nothing answers', async () => {
    const tour = start('tour.ts', { TOUR_URL: 'http://127.0.0.1:1' }, 'tsx');
    expect(await tour.ended).toBe(1);
    expect(tour.output()).toContain('Start the backend first: npm start');
  });
});

describe('the quick start', { timeout: 60_000 }, () => {
  it('answers miss, hit, and fresh after a write', async () => {
    const run = start('quick-start.ts', { PORT: '0' }, 'tsx');
    const [, url = ''] = await run.printed(/(http:\S+)\n/);
    expect([await xCache(url), await xCache(url)]).toEqual(['miss', 'hit']);
    const headers = { 'Content-Type': 'application/json' };
    await fetch(url, { method: 'PUT', headers, body: '{"title":"The Land Girls","year":1999}' });
    const fresh = await fetch(url);
    expect(fresh.headers.get('X-Cache')).toBe('miss');
    expect(await fresh.json()).toEqual({ title: 'The Land Girls', year: 1999 });
  });
});

async function redisServer(): Promise<RedisServer> {
  const server = await startRedis();
  undo.push(() => server.stop());
  return server;
}

async function cacheFor(url: string, headers: Record<string, string>): Promise<string | null> {
  return (await fetch(url, { headers })).headers.get('X-Cache');
}
