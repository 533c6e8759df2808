import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { coreOf } from '../../lib/cache/cache-core.js';
import { createCache, createRedis, type ResponseCacheOptions } from '../../lib/index.js';
import { eventually, type RedisServer, startRedis } from '../../lib/testing/index.js';
import { calm, serveFilms, turns } from './support/film.js';

const closing: (() => unknown)[] = [];
let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await server.cli('FLUSHALL');
});

/** One instance, and how often its store was asked to look for an entry again and found it as it was. */
async function instance(options: ResponseCacheOptions = {}) {
  const redis = createRedis(server.url);
  closing.push(() => redis?.disconnect());
  const cache = createCache({ redis, jitter: 0, logger: calm });
  const { store } = coreOf(cache);
  const looks = { asked: 0, found: 0 };
  const lookAgain = store.lookAgain?.bind(store);
  store.lookAgain = (sight, done) => {
    looks.asked += 1;
    return (
      lookAgain?.(sight, (found) => {
        if (found !== undefined) looks.found += 1;
        done(found);
      }) === true
    );
  };
  await eventually(() => cache.stats().level === 'redis');
  return { ...(await serveFilms(closing, options, cache)), looks };
}

describe('hits in Redis on a target that had one before', () => {
  it('are looked for at once, counted and told like every other', async () => {
    const { get, cache, looks, state } = await instance();
    const seen = await turns(get, '/films/1?b=2&a=1');
    const text = 'GET films.test /films/1?b=2&a=1 #1';
    expect(seen).toEqual([`miss ${text}`, `hit ${text}`, `hit ${text}`, `hit ${text}`]);
    expect(looks).toEqual({ asked: 2, found: 2 });
    expect(state.runs).toBe(1);
    const counters = Object.values(cache.stats().caches);
    expect(counters.map((one) => [one.redisHits, one.memoryHits, one.lookup.count])).toEqual([[3, 0, 4]]);
    const tag = String((await get('/films/1?b=2&a=1')).headers.etag);
    expect((await get('/films/1?b=2&a=1', { headers: { 'if-none-match': tag } })).status).toBe(304);
    expect((await get('/films/1?b=2&a=1', { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
    expect(looks).toEqual({ asked: 5, found: 5 });
  });

  it('end with a write or an invalidation of any kind on another instance', async () => {
    const [here, there] = [await instance(), await instance()];
    const ends: (() => Promise<unknown>)[] = [
      () => there.get('/films/1', { method: 'PUT' }),
      () => there.cache.invalidate({ tags: ['film:1'] }),
      () => there.cache.invalidate({ prefix: '/films' }),
      () => there.cache.invalidate({ urls: ['http://films.test/films/1'] }),
      () => there.cache.clear(),
      () => server.cli('FLUSHALL'),
    ];
    for (const [index, end] of ends.entries()) {
      await turns(here.get, '/films/1');
      expect([index, here.state.runs]).toEqual([index, index + 1]);
      await end();
    }
    expect((await here.get('/films/1')).cache).toBe('miss');
  });

  it('are the new answer once another instance made one', async () => {
    const [here, there] = [await instance(), await instance()];
    await turns(here.get, '/films/1');
    await there.cache.invalidate({ tags: ['film:1'] });
    const { text } = await there.get('/films/1');
    await there.cache.invalidate({ tags: ['film:1'] });
    await there.get('/films/1');
    const seen = await here.get('/films/1');
    expect([seen.cache, seen.text, here.state.runs]).toEqual(['hit', text.replace('#1', '#2'), 1]);
    expect(here.looks).toEqual({ asked: 3, found: 2 });
    await turns(here.get, '/films/1');
    expect(here.looks).toEqual({ asked: 7, found: 6 });
  });

  it('are stale from a soft invalidation on, by another instance', async () => {
    const [here, there] = [await instance({ staleWhileRevalidate: '1m' }), await instance()];
    await turns(here.get, '/films/1');
    await there.cache.invalidate({ tags: ['film:1'] }, { soft: true });
    expect((await here.get('/films/1')).cache).toBe('stale');
  });

  it('end with bytes that are not those that were checked', async () => {
    const { get, state, looks } = await instance();
    await turns(get, '/films/1');
    const keys = (await server.cli('KEYS', '*')) as string[];
    const entry = keys.filter((key) => key.includes(':e:') || key.includes(':entry:'));
    expect(entry.length).toBeGreaterThan(0);
    for (const key of entry) await server.cli('SETRANGE', key, '100', 'x');
    const { cache, text } = await get('/films/1');
    expect([cache, text, state.runs]).toEqual(['miss', 'GET films.test /films/1 #2', 2]);
    expect(looks).toEqual({ asked: 3, found: 2 });
  });

  it('B3: wait for a hung Redis no longer than a lookup would, and then for the handler alone', async () => {
    const { get, state } = await instance();
    await turns(get, '/films/1');
    server.pause();
    closing.push(() => server.resume());
    const answers = await Promise.all(Array.from({ length: 20 }, () => get('/films/1')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(state.runs).toBe(2);
  });

  it('of many requests at once are hits of one read', async () => {
    const { get, looks, state } = await instance();
    for (const id of [1, 2, 3]) await turns(get, `/films/${id}`);
    const before = looks.found;
    const answers = await Promise.all(Array.from({ length: 60 }, (_, at) => get(`/films/${(at % 3) + 1}`)));
    for (const [at, { cache, text }] of answers.entries())
      expect([cache, text]).toEqual(['hit', `GET films.test /films/${(at % 3) + 1} #${(at % 3) + 1}`]);
    expect([looks.found - before, state.runs]).toEqual([60, 3]);
  });
});
