import express from 'express';
import { describe, expect, it } from 'vitest';
import type { Cache } from '../../lib/cache/cache.js';
import { coreOf } from '../../lib/cache/cache-core.js';
import { cachedRepository } from '../../lib/data/cached-repository.js';
import { trafficRankingOf } from '../../lib/data/traffic-ranking.js';
import { responseCache } from '../../lib/middleware/response-cache.js';
import { terminalProgress } from '../../lib/middleware/terminal-progress.js';
import { warm } from '../../lib/middleware/warm.js';
import type { WarmProgress } from '../../lib/middleware/warm-run.js';
import { gate } from '../../lib/testing/index.js';
import { onEveryLevel, onRedis } from './levels.js';
import { listen } from './listen.js';

function filmApp(cache: Cache) {
  const app = express();
  const runs: string[] = [];
  app.get('/films/:id', responseCache(cache, { ttl: '1h', tags: ['films'] }), (req, res) => {
    runs.push(req.originalUrl);
    if (req.params.id === '13') res.status(500).json({});
    else if (req.params.id === '99') res.set('cache-control', 'no-store').json({});
    else res.json({ id: req.params.id });
  });
  return { app, runs };
}

onEveryLevel('warm', ({ instance }) => {
  it('fills entries through the app, so that clients find them', async () => {
    const cache = await instance();
    const { app, runs } = filmApp(cache);
    const { url, host, close } = await listen(app);
    const report = await warm(app, ['/films/1', '/films/2?page=1', `http://${host}/films/3`, '/films/1'], {
      cache,
      origin: `http://${host}`,
    });
    expect(report).toEqual({ total: 3, warmed: 3, notStored: 0, failed: 0, skipped: 0, isComplete: true });
    for (const path of ['/films/1', '/films/2?page=1', '/films/3']) {
      expect((await fetch(url + path)).headers.get('x-cache')).toBe('hit');
    }
    expect(runs).toHaveLength(3);
    await close();
  });

  it('tells what was not stored and what failed, and goes on', async () => {
    const cache = await instance();
    const { app } = filmApp(cache);
    const progress: WarmProgress[] = [];
    const broken = () => Promise.reject(new Error('no'));
    const report = await warm(app, ['/films/99', '/films/13', broken, '/films/1'], {
      cache,
      concurrency: 1,
      onProgress: (one) => progress.push(one),
    });
    expect(report).toMatchObject({ total: 4, warmed: 1, notStored: 1, failed: 2, isComplete: true });
    expect(progress.map(({ done, outcome }) => [done, outcome])).toEqual([
      [1, 'not-stored'],
      [2, 'failed'],
      [3, 'failed'],
      [4, 'warmed'],
    ]);
    expect(progress[0]).toMatchObject({ total: 4, target: '/films/99' });
  });

  it('warms functions and repositories, without an app', async () => {
    const cache = await instance();
    const asked: string[] = [];
    const stats = cache.cached(async (year: number) => asked.push(`stats ${year}`), { name: 'stats', ttl: '1h' });
    const movies = cachedRepository({
      cache,
      name: 'movie',
      ttl: '1h',
      findById: async (id: number) => ({ id }),
      findMany: async (ids: readonly number[]) => {
        asked.push(`movies ${ids.length}`);
        return ids.map((id) => ({ id }));
      },
      findAll: async ({ genre }: { genre: string }) => {
        asked.push(`all ${genre}`);
        return [];
      },
    });
    const targets = [
      { call: stats, with: [[1999], [2000]] },
      { repository: movies, ids: Array.from({ length: 120 }, (_, n) => n), filters: [{ genre: 'Drama' }] },
      () => stats(2001),
    ];
    const report = await warm(undefined, targets, { cache, concurrency: 1 });
    expect(report).toMatchObject({ total: 7, warmed: 7 });
    expect(asked).toEqual([
      'stats 1999',
      'stats 2000',
      'all Drama',
      'movies 50',
      'movies 50',
      'movies 20',
      'stats 2001',
    ]);
    await warm(undefined, targets, { cache });
    expect(asked).toHaveLength(7);
  });

  it('works on so many targets at a time, and goes on where it was stopped', async () => {
    const cache = await instance();
    const working = gate();
    const started: number[] = [];
    const targets = Array.from({ length: 10 }, (_, n) => () => {
      started.push(n);
      return working.wait();
    });
    const warming = warm(undefined, targets, { cache, concurrency: 3 });
    await working.arrived(3);
    expect(started).toEqual([0, 1, 2]);
    warming.stop();
    working.open();
    expect(await warming).toMatchObject({ total: 10, warmed: 3, isComplete: false });
    await expect.poll(async () => (await warming.again()).skipped).toBe(3);
    expect([...started].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('begins nothing while the event loop is late', async () => {
    const cache = await instance();
    const block = (ms: number) => {
      const until = performance.now() + ms;
      while (performance.now() < until);
    };
    let begunLate = 0;
    let blockedAt = 0;
    const targets = Array.from({ length: 6 }, () => async () => {
      if (performance.now() - blockedAt < 15) begunLate += 1;
      block(60);
      blockedAt = performance.now();
    });
    await warm(undefined, targets, { cache, concurrency: 1, maxLag: '20ms' });
    expect(begunLate).toBe(0);
  });

  it('warms on schedule, and again after a flush', async () => {
    const cache = await instance();
    let runs = 0;
    const warming = warm(undefined, [() => ++runs], { cache, every: '200ms', afterFlush: true });
    expect(await warming).toMatchObject({ warmed: 1 });
    await expect.poll(() => runs, { timeout: 5000 }).toBeGreaterThanOrEqual(3);
    warming.stop();
    const long = warm(undefined, [() => ++runs], { cache, name: 'long', every: '6h', afterFlush: true });
    await long;
    const before = runs;
    await cache.clear();
    await expect.poll(() => runs).toBe(before + 1);
    long.stop();
  });

  it('warms what was hot in the last day', async () => {
    const cache = await instance();
    const { app, runs } = filmApp(cache);
    const { url, host, close } = await listen(app);
    const options = { cache, origin: `http://${host}` };
    trafficRankingOf(coreOf(cache));
    for (let n = 0; n < 400; n++) await fetch(`${url}/films/${n % 8 === 0 ? 2 : 1}`);
    await cache.clear();
    runs.length = 0;
    expect(await warm(app, [{ top: 1 }], options)).toMatchObject({ total: 1, warmed: 1 });
    expect(runs).toEqual(['/films/1']);
    expect((await fetch(`${url}/films/1`)).headers.get('x-cache')).toBe('hit');
    await close();
  });
});

onRedis('warm on several instances', ({ instance }) => {
  it('is done by one of them, and by another when that one breaks off, from there on', async () => {
    const caches = [await instance(), await instance(), await instance()];
    const started: number[] = [];
    const working = gate();
    const targets = Array.from({ length: 8 }, (_, n) => () => {
      started.push(n);
      return n >= 4 ? working.wait() : undefined;
    });
    const warmings = caches.map((cache) => warm(undefined, targets, { cache, every: '1h', concurrency: 1 }));
    await working.arrived();
    expect(started).toEqual([0, 1, 2, 3, 4]);
    for (const warming of warmings.slice(0, 1)) warming.stop();
    working.open();
    const reports = await Promise.all(warmings);
    expect(reports.filter(({ total }) => total > 0)).toHaveLength(1);
    await expect.poll(() => new Set(started).size, { timeout: 10_000 }).toBe(8);
    expect(started).toHaveLength(8);
    for (const warming of warmings) warming.stop();
  });

  it('is due at once for a new version', async () => {
    let runs = 0;
    const options = { every: '1h', name: 'start' } as const;
    const first = warm(undefined, [() => ++runs], { cache: await instance({ version: '1' }), ...options });
    await first;
    const again = warm(undefined, [() => ++runs], { cache: await instance({ version: '1' }), ...options });
    await again;
    expect(runs).toBe(1);
    const next = warm(undefined, [() => ++runs], { cache: await instance({ version: '2' }), ...options });
    await next;
    expect(runs).toBe(2);
    for (const warming of [first, again, next]) warming.stop();
  });

  it('keeps the ranking of all of them, bounded, in Redis', async () => {
    const [one, other] = [await instance(), await instance()];
    for (const [cache, path] of [
      [one, '/a'],
      [other, '/b'],
    ] as const) {
      for (let n = 0; n < 200; n++) coreOf(cache).topKeys.record(path);
      coreOf(cache).topKeys.record('a-key-that-is-no-url');
      await trafficRankingOf(coreOf(cache)).note();
    }
    expect([...(await trafficRankingOf(coreOf(one)).top(10))].sort()).toEqual(['/a', '/b']);
  });
});

describe('warm, what it refuses', () => {
  it('refuses bad targets and options where they are written', () => {
    const app = express();
    expect(() => warm(app, ['films'])).toThrow(/warm.targets/);
    expect(() => warm(app, [7 as never])).toThrow(/warm.targets/);
    expect(() => warm(app, 'films' as never)).toThrow(/warm.targets/);
    expect(() => warm(undefined, ['/films'])).toThrow(/warm.app/);
    expect(() => warm(app, [{ top: 0 }], {})).toThrow(/warm/);
    expect(() => warm(app, [], { concurrency: 0 })).toThrow(/warm.concurrency/);
    expect(() => warm(app, [], { evry: '1h' } as never)).toThrow(/Did you mean 'every'/);
    expect(() => warm(app, [], { origin: 'films.example' })).toThrow(/warm.origin/);
  });

  it('draws a line on a terminal, and nothing elsewhere', () => {
    const written: string[] = [];
    const out = (isTTY: boolean) => ({ isTTY, write: (text: string) => written.push(text) }) as never;
    const last: WarmProgress = { done: 2, total: 2, target: '/', outcome: 'warmed' };
    terminalProgress('warming', out(false))(last);
    expect(written).toEqual([]);
    terminalProgress('warming', out(true))({ ...last, done: 1 });
    terminalProgress('warming', out(true))(last);
    expect(written.join('')).toBe(
      `\rwarming [${'#'.repeat(15)}${'.'.repeat(15)}] 1/2\rwarming [${'#'.repeat(30)}] 2/2\n`,
    );
  });
});
