import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CatalogueDatabase } from '../../example-app/data/database.js';
import { createRedis, warm } from '../../example-app/warmpath.js';
import { type RedisServer, startRedis } from '../../lib/testing/index.js';
import { ALICE, type FilmApp, STAFF, startFilmApp } from './example/film-app.js';

// A Redis on a machine that is busy otherwise may miss its time; then the cache does without it, which is not looked at here.
const RETRIES = { memory: 0, redis: 2 };

for (const store of ['memory', 'redis'] as const)
  describe(`data patterns of the example in ${store}`, { retry: RETRIES[store] }, () => {
    let server: RedisServer | undefined;
    let redis: ReturnType<typeof createRedis>;
    let app: FilmApp;

    beforeAll(async () => {
      if (store === 'redis') server = await startRedis();
    });
    beforeEach(async () => {
      if (server) redis = createRedis(server.url);
      app = await startFilmApp({ redis });
      await expect.poll(() => app.cache?.stats().level, { timeout: 5000 }).toBe(store);
    });
    afterEach(async () => {
      await app.cache?.clear();
      await app.close();
      redis?.disconnect();
    });
    afterAll(() => server?.stop());

    const untilHit = (path: string) =>
      expect.poll(async () => (await app.get(path)).cache, { timeout: 5000, interval: 10 }).toBe('hit');
    const rows = (sql: string) => (app.db as CatalogueDatabase).all<Record<string, unknown>>(sql);

    it.each(['/api/movies/1', '/api/movies?genre=Western', '/api/genres', '/api/stats'])(
      'makes %s again from data, without the database',
      async (path) => {
        const first = await app.get(path);
        await untilHit(path);
        await app.cache?.invalidate({ urls: [path.split('?')[0] as string] });
        expect(await app.get(path)).toMatchObject({ cache: 'miss', reads: 0, text: first.text });
      },
    );

    it('ends data and answers by the same write', async () => {
      const [film, page] = ['/api/movies/842', '/api/movies?genre=Drama&search=prison'];
      for (const path of [film, page, '/api/genres', '/api/stats']) await untilHit(path);
      const titles = async () => (await app.get(page)).json.items.map((one: { title: string }) => one.title);
      expect(await titles()).not.toContain('The Prison Itself');
      await app.send('PUT', film, { token: STAFF, json: { title: 'The Prison Itself' } });
      expect((await app.get(film)).json.title).toBe('The Prison Itself');
      expect(await titles()).toContain('The Prison Itself');
      await app.send('POST', '/api/movies/842/ratings', { token: ALICE, json: { score: 9 } });
      expect((await app.get(film)).json.ratings.count).toBe(1);
      expect((await app.get('/api/stats')).json.ratings.count).toBe(1);
      await app.send('DELETE', film, { token: STAFF });
      expect((await app.get(film)).status).toBe(404);
      expect(await titles()).not.toContain('The Prison Itself');
    });

    it('finds a film that was asked for before it was there', async () => {
      expect((await app.get('/api/movies/3202')).status).toBe(404);
      const created = await app.send('POST', '/api/movies', { token: STAFF, json: { title: 'Awaited' } });
      expect(created.json.id).toBe(3202);
      expect((await app.get('/api/movies/3202')).json.title).toBe('Awaited');
    });

    it('finds preferences that were written through in the cache', async () => {
      await app.send('PUT', '/api/me/preferences', { token: ALICE, json: { theme: 'dark' } });
      const answer = await app.get('/api/me/preferences', { token: ALICE });
      expect([answer.cache, answer.json.theme, answer.reads]).toEqual(['miss', 'dark', 0]);
    });

    it('writes views of films, and what users opened and searched for, behind the requests', async () => {
      for (let n = 0; n < 3; n++) await app.get('/api/movies/1');
      await app.get('/api/movies/7', { token: ALICE });
      await app.get('/api/movies?search=moon', { token: ALICE });
      await app.get('/api/movies/99999', { token: ALICE });
      const views = () => rows('SELECT movie_id AS film, count(*) AS n FROM views GROUP BY 1 ORDER BY 1');
      await expect.poll(views, { timeout: 5000 }).toMatchObject([
        { film: 1, n: 3 },
        { film: 7, n: 1 },
      ]);
      const history = async () => (await app.get('/api/me/history', { token: ALICE })).json.items;
      await expect.poll(history, { timeout: 5000 }).toMatchObject([
        { kind: 'search', subject: 'moon' },
        { kind: 'film', subject: '7', title: expect.any(String) },
      ]);
    });

    it('shows how often the popular films were opened', async () => {
      await app.get('/api/movies/popular');
      const id = (await app.get('/api/movies/popular')).json.items[0].id;
      await app.get(`/api/movies/${id}`);
      await app.get(`/api/movies/${id}`);
      await expect.poll(() => rows('SELECT 1 FROM views').length, { timeout: 5000 }).toBe(2);
      await app.cache?.clear(); // the figures are a minute old at most; who cannot wait
      expect((await app.get('/api/movies/popular')).json.items[0]).toMatchObject({ id, views: 2 });
    });

    it('keeps a film longer that was opened a thousand times', async () => {
      const ttl = async (path: string) => {
        await untilHit(path);
        return Number(/ttl=(\d+)/.exec((await app.get(path)).headers.get('Cache-Status') ?? '')?.[1]);
      };
      app.db.run(`INSERT INTO views SELECT 'v' || id, 2, '' FROM movies LIMIT 1000`);
      expect(await ttl('/api/movies/1')).toBeLessThanOrEqual(3600);
      expect(await ttl('/api/movies/2')).toBeGreaterThan(5 * 3600);
    });

    it('counts nobody when the cache warms itself', async () => {
      const report = await warm(app.app, ['/api/movies/1', '/api/movies/2'], { cache: app.cache, origin: app.base });
      expect(report).toMatchObject({ warmed: 2, failed: 0 });
      expect((await app.get('/api/movies/1')).cache).toBe('hit');
      await expect
        .poll(() => rows('SELECT movie_id AS film FROM views'), { timeout: 5000 })
        .toMatchObject([{ film: 1 }]);
    });
  });
