import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRedis } from '../../example-app/warmpath.js';
import { type RedisServer, startRedis } from '../../lib/testing/index.js';
import { ALICE, BOB, type FilmApp, type Sending, STAFF, startFilmApp } from './example/film-app.js';

const LISTS = { plain: '/api/movies', drama: '/api/movies?genre=Drama', western: '/api/movies?genre=Western' };
const MOON = '/api/movies?search=moon';
const BY_POPULARITY = '/api/movies?sort=popularity';
const SHARED = [...Object.values(LISTS), MOON, BY_POPULARITY, '/api/movies/1', '/api/movies/2', '/api/movies/popular'];
const EVERYTHING = [...SHARED, '/api/genres', '/api/stats', '/api/manifest'];

// Film 1 has no genre; this one is a drama.
const DRAMA = '/api/movies/842';

// A Redis on a machine that is busy otherwise may miss its 100 ms; then the cache does without it, which is right and
// not what these tests look at.
const RETRIES = { memory: 0, redis: 2 };

for (const store of ['memory', 'redis'] as const)
  describe(`caching of the example in ${store}`, { retry: RETRIES[store] }, () => {
    let server: RedisServer | undefined;
    let redis: ReturnType<typeof createRedis>;
    let app: FilmApp;

    beforeAll(async () => {
      if (store === 'redis') server = await startRedis();
    });
    beforeEach(async () => {
      if (server) redis = createRedis(server.url);
      app = await startFilmApp({ redis });
      if (server) await joined(app);
    });
    afterEach(async () => {
      await app.cache?.clear();
      await app.close();
      redis?.disconnect();
    });
    afterAll(() => server?.stop());

    const warm = async (paths: readonly string[]) => {
      for (const path of paths) await untilHit(path);
    };
    // An entry is stored after its first reader has the answer, so the second may come too early.
    const untilHit = (path: string, sending?: Sending) =>
      expect.poll(async () => (await app.get(path, sending)).cache, { timeout: 5000, interval: 10 }).toBe('hit');
    const ended = async (paths: readonly string[]) => {
      const answers = [];
      for (const path of paths) answers.push({ path, cache: (await app.get(path)).cache });
      return answers.filter(({ cache }) => cache !== 'hit').map(({ path }) => path);
    };

    it.each(EVERYTHING)('answers %s from the database once, then from the cache', async (path) => {
      const miss = await app.get(path);
      await untilHit(path);
      const hit = await app.get(path);
      expect([miss.status, miss.cache, hit.status, hit.cache]).toEqual([200, 'miss', 200, 'hit']);
      expect(hit.reads).toBe(0);
      expect(hit.text).toBe(miss.text);
      expect(hit.headers.get('Age')).not.toBeNull();
      expect(hit.headers.get('Content-Type')).toBe(miss.headers.get('Content-Type'));
      expect(hit.headers.get('ETag')).toBe(miss.headers.get('ETag'));
    });

    it('gives a signed-in reader the shared films, and answers HEAD and conditional requests from them', async () => {
      const miss = await app.get('/api/movies/1', { token: ALICE });
      await untilHit('/api/movies/1');
      expect((await app.get('/api/movies/1', { token: BOB })).cache).toBe('hit');
      expect(await app.send('HEAD', '/api/movies/1')).toMatchObject({ status: 200, cache: 'hit', text: '' });
      const headers = { 'If-None-Match': miss.headers.get('ETag') ?? '' };
      expect(await app.get('/api/movies/1', { headers })).toMatchObject({ status: 304, cache: 'hit', text: '' });
    });

    it('keeps one entry for a page whatever the order of its parameters, and for tracking ones', async () => {
      await untilHit('/api/movies?genre=Drama&page=2');
      expect((await app.get('/api/movies?page=2&genre=Drama&utm_source=mail')).cache).toBe('hit');
      expect((await app.get('/api/movies?genre=Drama&page=3')).cache).toBe('miss');
    });

    it('a changed film ends the film, the lists that may show it and the statistics', async () => {
      await warm([...EVERYTHING, DRAMA]);
      const put = await app.send('PUT', DRAMA, { token: STAFF, json: { title: 'The Prison' } });
      expect(put.status).toBe(200);
      const fresh = await app.get(DRAMA);
      expect([fresh.cache, fresh.json.title]).toEqual(['miss', 'The Prison']);
      expect(await ended(EVERYTHING)).toEqual([
        LISTS.plain,
        LISTS.drama,
        MOON,
        BY_POPULARITY,
        '/api/movies/popular',
        '/api/stats',
      ]);
      expect((await app.get('/api/movies/popular')).json.items[0].title).toBe('The Prison');
    });

    it('a film that moves to another genre ends both genres and their numbers', async () => {
      await warm(EVERYTHING);
      await app.send('PUT', DRAMA, { token: STAFF, json: { genre: 'Western' } });
      const gone = await ended(EVERYTHING);
      expect(gone).toEqual(expect.arrayContaining([LISTS.drama, LISTS.western, '/api/genres', '/api/stats']));
      expect((await app.get('/api/genres')).json.items).toContainEqual({ name: 'Western', films: 37 });
      expect(gone).not.toContain('/api/movies/1');
      expect(gone).not.toContain('/api/manifest');
    });

    it('a new film and a deleted one end the lists, their genre, its number and the statistics', async () => {
      const changed = [
        LISTS.plain,
        LISTS.western,
        MOON,
        BY_POPULARITY,
        '/api/movies/popular',
        '/api/genres',
        '/api/stats',
      ];
      await warm(EVERYTHING);
      const { json } = await app.send('POST', '/api/movies', {
        token: STAFF,
        json: { title: 'High', genre: 'Western' },
      });
      expect(await ended(EVERYTHING)).toEqual(changed);
      await warm([`/api/movies/${json.id}`]);
      await app.send('DELETE', `/api/movies/${json.id}`, { token: STAFF });
      expect(await ended(EVERYTHING)).toEqual(changed);
      expect((await app.get(`/api/movies/${json.id}`)).status).toBe(404);
    });

    it('a rating ends the film, the pages sorted by popularity and the statistics', async () => {
      await warm(EVERYTHING);
      await app.send('POST', '/api/movies/1/ratings', { token: ALICE, json: { score: 9 } });
      expect(await ended(EVERYTHING)).toEqual([BY_POPULARITY, '/api/movies/1', '/api/movies/popular', '/api/stats']);
      expect((await app.get('/api/movies/1')).json.ratings).toEqual({ average: 9, count: 1 });
    });

    it('a write that was refused ends nothing', async () => {
      await warm(EVERYTHING);
      await app.send('PUT', '/api/movies/1', { token: STAFF, json: { budget: -1 } });
      await app.send('PUT', '/api/movies/1', { token: ALICE, json: { title: 'x' } });
      await app.send('PUT', '/api/movies/99999', { token: STAFF, json: { title: 'x' } });
      await app.send('POST', '/api/movies/1/ratings', { json: { score: 3 } });
      expect(await ended(EVERYTHING)).toEqual([]);
    });

    it("keeps preferences per user: nobody sees another's, a change ends one's own only", async () => {
      const preferences = (token: string) => app.get('/api/me/preferences', { token });
      expect((await preferences(ALICE)).cache).toBe('miss');
      await untilHit('/api/me/preferences', { token: ALICE });
      expect((await preferences(BOB)).cache).toBe('miss');
      await untilHit('/api/me/preferences', { token: BOB });
      await app.send('PUT', '/api/me/preferences', { token: ALICE, json: { theme: 'dark' } });
      const alice = await preferences(ALICE);
      const bob = await preferences(BOB);
      expect([alice.cache, alice.json.theme]).toEqual(['miss', 'dark']);
      expect([bob.cache, bob.json.theme]).toEqual(['hit', 'system']);
      expect(bob.headers.get('Cache-Control')).toContain('private');
      expect((await app.get('/api/me/preferences')).status).toBe(401);
    });

    it('never keeps the history, and notes films that came from the cache', async () => {
      await app.get('/api/movies/1');
      await app.get('/api/movies/1', { token: ALICE });
      const history = () => app.get('/api/me/history', { token: ALICE });
      const length = async () => (await history()).json.items.length;
      await expect.poll(length, { timeout: 5000 }).toBe(1); // written behind the requests
      await app.get('/api/movies/2', { token: ALICE });
      await expect.poll(length, { timeout: 5000 }).toBe(2);
      const answer = await history();
      expect(answer.headers.get('Cache-Control')).toContain('no-store');
      expect(answer.reads).toBeGreaterThan(0);
      expect((await app.get('/api/me/history', { token: BOB })).json.items).toEqual([]);
    });

    it('keeps neither a 404 nor a 400', async () => {
      for (const path of ['/api/movies/99999', '/api/movies?page=0']) {
        await app.get(path);
        expect((await app.get(path)).cache).not.toBe('hit');
      }
    });
  });

/** Until the cache uses Redis, it works in memory; these tests are about Redis. */
async function joined(app: FilmApp): Promise<void> {
  await expect.poll(() => app.cache?.stats().level, { timeout: 5000 }).toBe('redis');
}
