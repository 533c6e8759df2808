import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALICE, BOB, type FilmApp, STAFF, startFilmApp } from './example/film-app.js';

// The routes as they are without a cache, and again with one: a cache changes how fast they answer, not what.
describe.each([
  ['without a cache', false],
  ['with a cache', true],
])('routes of the example %s', (_mode, cached) => {
  let app: FilmApp;
  beforeAll(async () => {
    app = await startFilmApp({ cached });
  });
  afterAll(() => app.close());

  it('GET /api/movies pages, sorts, filters and searches', async () => {
    expect((await app.get('/api/movies')).json).toMatchObject({ page: 1, pageSize: 20, pages: 161, total: 3201 });
    const best = (await app.get('/api/movies?genre=drama&sort=rating&pageSize=2&page=2')).json;
    expect(best.total).toBe(789);
    expect(best.items.map((film: { title: string }) => film.title)).toEqual(['Pulp Fiction', "Schindler's List"]);
    const oldest = (await app.get('/api/movies?sort=releaseDate&order=asc&pageSize=1')).json.items[0];
    expect(oldest.title).toBe('The Birth of a Nation');
    expect((await app.get('/api/movies?search=woody%20allen')).json.total).toBe(16);
    expect((await app.get('/api/movies?search=%25')).json.total).toBe(0); // not SQL's wildcard
    const popular = (await app.get('/api/movies?sort=popular')).json;
    expect(popular.items[0].title).toBe('The Shawshank Redemption');
    expect((await app.get('/api/movies?sort=popularity')).json).toEqual(popular);
  });

  it.each([
    ['/api/movies?page=0', ['page']],
    ['/api/movies?page=two', ['page']],
    ['/api/movies?page=1&page=2', ['page']],
    ['/api/movies?pageSize=101', ['pageSize']],
    ['/api/movies?sort=colour', ['sort']],
    ['/api/movies?order=down', ['order']],
    ['/api/movies?genre=', ['genre']],
    [`/api/movies?search=${'x'.repeat(101)}`, ['search']],
    ['/api/movies?page=x&pageSize=y', ['page', 'pageSize']],
    ['/api/movies/first', ['id']],
    ['/api/movies/0', ['id']],
  ])('GET %s answers 400 and names %j', async (path, fields) => {
    const answer = await app.get(path);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('Content-Type')).toContain('application/problem+json');
    expect(answer.json).toMatchObject({ status: 400, title: 'Bad Request' });
    expect(answer.json.errors.map((error: { field: string }) => error.field)).toEqual(fields);
    for (const field of fields) expect(answer.json.detail).toContain(field);
  });

  it.each([
    ['POST', '/api/movies', STAFF, {}, ['title']],
    ['POST', '/api/movies', STAFF, { title: 'x', colour: 'red' }, ['colour']],
    [
      'POST',
      '/api/movies',
      STAFF,
      { title: 'x', releaseDate: '2010-02-30', imdbRating: 11 },
      ['releaseDate', 'imdbRating'],
    ],
    ['PUT', '/api/movies/1', STAFF, { title: null }, ['title']],
    ['PUT', '/api/movies/1', STAFF, { budget: -1 }, ['budget']],
    ['PUT', '/api/movies/one', STAFF, { title: 'x' }, ['id']],
    ['DELETE', '/api/movies/one', STAFF, undefined, ['id']],
    ['POST', '/api/movies/1/ratings', ALICE, { score: 11 }, ['score']],
    ['POST', '/api/movies/1/ratings', ALICE, {}, ['score']],
    ['PUT', '/api/me/preferences', ALICE, { theme: 'pink' }, ['theme']],
    ['PUT', '/api/me/preferences', ALICE, { favouriteGenres: 'Drama' }, ['favouriteGenres']],
    ['PUT', '/api/me/preferences', ALICE, [], ['body']],
    ['GET', '/api/me/history?limit=0', ALICE, undefined, ['limit']],
  ])('%s %s as %s with %j answers 400 and names %j', async (method, path, token, json, fields) => {
    const answer = await app.send(method, path, { token, json });
    expect(answer.status).toBe(400);
    expect(answer.json.errors.map((error: { field: string }) => error.field)).toEqual(fields);
  });

  it('answers 400 to a body that is not JSON, and 413 to one that is too large', async () => {
    const headers = { 'Content-Type': 'application/json' };
    const torn = await app.send('POST', '/api/movies', { token: STAFF, headers, body: '{"title"' });
    expect(torn).toMatchObject({ status: 400 });
    expect(torn.json.errors[0].field).toBe('body');
    const huge = await app.send('POST', '/api/movies', { token: STAFF, json: { title: 'x'.repeat(70_000) } });
    expect(huge.status).toBe(413);
  });

  it.each([
    ['POST', '/api/movies', undefined, 401],
    ['POST', '/api/movies', ALICE, 403],
    ['PUT', '/api/movies/1', undefined, 401],
    ['PUT', '/api/movies/1', 'wrong-token', 401],
    ['PUT', '/api/movies/1', ALICE, 403],
    ['DELETE', '/api/movies/1', ALICE, 403],
    ['POST', '/api/movies/1/ratings', undefined, 401],
    ['GET', '/api/me/preferences', undefined, 401],
    ['PUT', '/api/me/preferences', undefined, 401],
    ['GET', '/api/me/history', undefined, 401],
    ['GET', '/api/movies/99999', undefined, 404],
    ['PUT', '/api/movies/99999', STAFF, 404],
    ['DELETE', '/api/movies/99999', STAFF, 404],
    ['POST', '/api/movies/99999/ratings', ALICE, 404],
    ['GET', '/api/nothing', undefined, 404],
  ] as const)('%s %s as %s answers %i', async (method, path, token, status) => {
    const json = method === 'GET' || method === 'DELETE' ? undefined : { title: 'Hijacked', score: 5 };
    const body = path.endsWith('ratings') ? { score: 5 } : json;
    const answer = await app.send(method, path, { ...(token && { token }), json: json && body });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('Content-Type')).toContain('application/problem+json');
    expect((await app.get('/api/movies/1')).json.title).toBe('The Land Girls');
  });

  it('creates, changes and deletes a film', async () => {
    const created = await app.send('POST', '/api/movies', { token: STAFF, json: { title: 'Fresh', genre: 'Noir' } });
    expect(created.status).toBe(201);
    const path = created.headers.get('Location') ?? '';
    expect(path).toBe(`/api/movies/${created.json.id}`);
    expect((await app.get(path)).json).toEqual(created.json);
    const changed = await app.send('PUT', path, { token: STAFF, json: { director: 'Somebody' } });
    expect(changed.json).toEqual({ ...created.json, director: 'Somebody' });
    expect((await app.get(path)).json).toEqual(changed.json);
    expect(await app.send('DELETE', path, { token: STAFF })).toMatchObject({ status: 204, text: '' });
    expect((await app.get(path)).status).toBe(404);
  });

  it('counts one rating per user, the last one', async () => {
    const rate = (token: string, score: number) =>
      app.send('POST', '/api/movies/2/ratings', { token, json: { score } });
    expect((await rate(ALICE, 9)).json).toEqual({ film: 2, ratings: { average: 9, count: 1 } });
    await rate(BOB, 6);
    expect((await rate(ALICE, 7)).json.ratings).toEqual({ average: 6.5, count: 2 });
    expect((await app.get('/api/movies/2')).json.ratings).toEqual({ average: 6.5, count: 2 });
  });

  it('GET /api/movies/popular, /api/genres, /api/stats and /api/manifest describe the catalogue', async () => {
    const popular = (await app.get('/api/movies/popular')).json.items;
    expect(popular).toHaveLength(20);
    expect(popular[0]).toMatchObject({ title: 'The Shawshank Redemption', popularity: 519541 });
    expect((await app.get('/api/genres')).json.items).toContainEqual({ name: 'Western', films: 36 });
    const stats = (await app.get('/api/stats')).json;
    expect(stats.films).toBe(3201);
    expect(stats.decades[0]).toMatchObject({ decade: 1910, films: 3 });
    expect(stats.leaders).toContainEqual({ genre: 'Drama', title: 'The Shawshank Redemption', imdbRating: 9.2 });
    expect((await app.get('/api/manifest')).json.films.href).toBe('/api/movies');
    expect((await app.get('/')).headers.get('Location')).toBe('/api/manifest');
  });

  it("keeps each user's preferences and history", async () => {
    const json = { theme: 'dark', favouriteGenres: ['Western'] };
    const saved = await app.send('PUT', '/api/me/preferences', { token: ALICE, json });
    expect(saved.json).toEqual({ language: 'en', pageSize: 20, ...json });
    expect((await app.get('/api/me/preferences', { token: ALICE })).json).toEqual(saved.json);
    expect((await app.get('/api/me/preferences', { token: BOB })).json.theme).toBe('system');
    await app.get('/api/movies/3', { token: BOB });
    await app.get('/api/movies?search=moon', { token: BOB });
    await app.get('/api/movies/99999', { token: BOB });
    const history = async () => (await app.get('/api/me/history', { token: BOB })).json.items;
    await expect.poll(history, { timeout: 5000 }).toHaveLength(2); // written behind the requests
    expect(await history()).toMatchObject([
      { kind: 'search', subject: 'moon' },
      { kind: 'film', subject: '3' },
    ]);
  });
});
