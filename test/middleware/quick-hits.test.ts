import { gunzipSync } from 'node:zlib';
import compression from 'compression';
import express, { type Express } from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type Cache,
  cacheHeaders,
  createCache,
  createRedis,
  type ResponseCacheOptions,
  rateLimiter,
  responseCache,
} from '../../lib/index.js';
import { eventually, startRedis } from '../../lib/testing/index.js';
import { ask, serve } from '../flows/support/serve.js';
import { calm, serveFilms, turns } from './support/film.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const film = (options: ResponseCacheOptions = {}, cache?: Cache) => serveFilms(closing, options, cache);

describe('hits on a target that had one before', () => {
  it('are counted and told like every other', async () => {
    const { get, cache, state } = await film();
    const seen = await turns(get, '/films/1?b=2&a=1');
    const text = 'GET films.test /films/1?b=2&a=1 #1';
    expect(seen).toEqual([`miss ${text}`, `hit ${text}`, `hit ${text}`, `hit ${text}`]);
    const { hits, misses, caches } = cache.stats();
    expect([hits, misses, state.runs]).toEqual([3, 1, 1]);
    expect(Object.values(caches).map((one) => [one.memoryHits, one.lookup.count])).toEqual([[3, 4]]);
  });

  it('end with a write, and with an invalidation of any kind', async () => {
    const { get, cache, state } = await film();
    const ends: (() => Promise<unknown>)[] = [
      () => get('/films/1', { method: 'PUT' }),
      () => cache.invalidate({ tags: ['film:1'] }),
      () => cache.invalidate({ prefix: '/films' }),
      () => cache.invalidate({ urls: ['/films/1'] }),
      () => cache.clear(),
    ];
    for (const [index, end] of ends.entries()) {
      await turns(get, '/films/1');
      expect(state.runs).toBe(index + 1);
      await end();
    }
    const { cache: said, text } = await get('/films/1');
    expect([said, text]).toEqual(['miss', `GET films.test /films/1 #${ends.length + 1}`]);
  });

  it('are stale from a soft invalidation on', async () => {
    const { get, cache } = await film({ staleWhileRevalidate: '1m' });
    await turns(get, '/films/1');
    await cache.invalidate({ tags: ['film:1'] }, { soft: true });
    expect((await get('/films/1')).cache).toBe('stale');
  });

  it('end with the lifetime, and tell the age', async () => {
    let now = 1_000_000;
    const clock = { now: () => now, wallNow: () => now };
    const { get, state } = await film({ ttl: '10s' }, createCache({ jitter: 0, clock } as never));
    await turns(get, '/films/1');
    now += 7000;
    const { headers } = await get('/films/1');
    expect([headers.age, headers['cache-status']]).toEqual(['7', 'warmpath; hit; ttl=3']);
    now += 3000;
    expect((await get('/films/1')).cache).toBe('miss');
    expect(state.runs).toBe(2);
  });

  it('keep hosts, codings, methods and who asks apart', async () => {
    const { get } = await film();
    await turns(get, '/films/1');
    await turns(get, '/films/1', { host: 'books.test' });
    const other = await get('/films/1', { host: 'books.test' });
    expect([other.cache, other.text]).toEqual(['hit', 'GET books.test /films/1 #2']);
    expect((await get('/films/1')).text).toBe('GET films.test /films/1 #1');
    const head = await get('/films/1', { method: 'HEAD' });
    expect([head.cache, head.text, head.headers['content-length']]).toEqual(['hit', '', '26']);
    for (const headers of [{ authorization: 'Bearer a' }, { cookie: 'sid=1' }, { 'x-original-url': '/b' }]) {
      expect((await get('/films/1', { headers })).cache).toBe('bypass');
    }
    const part = await get('/films/1', { headers: { range: 'bytes=0-2' } });
    expect([part.status, part.text]).toEqual([206, 'GET']);
  });

  it('leave every client the fields of its own request, a limiter’s and others', async () => {
    const cache = createCache({ jitter: 0 });
    const app: Express = express();
    let asked = 0;
    app.use((_req, res, next) => {
      asked += 1;
      res.set('X-Request-Id', `r${asked}`);
      if (asked > 6) res.set('Cache-Status', 'outer; fwd=miss').set('Vary', 'Origin');
      next();
    });
    app.use(rateLimiter({ tiers: { all: { limit: 100, window: '1h' } } }));
    app.get('/film', responseCache(cache, { ttl: '1h', observe: 'off' }), (_req, res) => {
      res.set('Vary', 'Accept-Encoding').type('text').send('Solaris');
    });
    const served = await serve(app);
    closing.push(served.close);
    const seen: unknown[] = [];
    for (let turn = 0; turn < 8; turn++) {
      const { body, headers } = await ask(`${served.url}/film`);
      seen.push([
        headers['x-request-id'],
        /r=(\d+)/.exec(String(headers.ratelimit))?.[1],
        headers['x-cache'],
        body.toString(),
      ]);
      if (turn < 6) continue;
      expect(headers['cache-status']).toMatch(/^outer; fwd=miss, warmpath; hit; ttl=\d+$/);
      expect(headers.vary).toBe('Origin, Accept-Encoding');
    }
    expect(seen).toEqual(
      Array.from({ length: 8 }, (_, turn) => [
        `r${turn + 1}`,
        String(99 - turn),
        turn === 0 ? 'miss' : 'hit',
        'Solaris',
      ]),
    );
  });

  it('go through the hands of whoever replaced writeHead: cacheHeaders and compression', async () => {
    const cache = createCache({ jitter: 0 });
    const app: Express = express();
    app.use(compression({ threshold: 0 }));
    app.get(
      '/film',
      cacheHeaders({ public: true, maxAge: '1m', vary: ['Origin'] }),
      responseCache(cache, { ttl: '1h', observe: 'off' }),
      (_req, res) => void res.type('text').send('Solaris '.repeat(50)),
    );
    const served = await serve(app);
    closing.push(served.close);
    const seen: unknown[] = [];
    for (const accept of ['gzip', 'gzip', 'identity', 'identity', 'identity', 'gzip']) {
      const { body, headers } = await ask(`${served.url}/film`, { headers: { 'accept-encoding': accept } });
      const coding = headers['content-encoding'] ?? 'identity';
      const text = (coding === 'gzip' ? gunzipSync(body) : body).toString();
      seen.push([coding, headers['x-cache'], headers['cache-control'], headers.vary, text === 'Solaris '.repeat(50)]);
    }
    const fields = ['public, max-age=60', expect.stringContaining('Origin'), true];
    expect(seen).toEqual([
      ['gzip', 'miss', ...fields],
      ['gzip', 'hit', ...fields],
      ['identity', 'hit', ...fields],
      ['identity', 'hit', ...fields],
      ['identity', 'hit', ...fields],
      ['gzip', 'hit', ...fields],
    ]);
    expect(cache.stats().hits).toBe(5);
  });

  it('are 304 to their own entity tag, and whole to another', async () => {
    const { get } = await film();
    const tag = String((await get('/films/1')).headers.etag);
    const answers: (number | string)[] = [];
    for (const sent of [tag, tag, tag, '"other"', `"other", ${tag}`, '*', tag.replace('W/', ''), 'W/"', tag]) {
      const { status, headers } = await get('/films/1', { headers: { 'if-none-match': sent } });
      answers.push(status);
      expect(headers.etag).toBe(tag);
    }
    expect(answers).toEqual([304, 304, 304, 200, 304, 304, 304, 200, 304]);
  });

  it('never give one target the answer of another, while places are taken and given up all the time', async () => {
    const { get, cache } = await film({}, createCache({ memory: { maxBytes: '40kb' } }));
    let hits = 0;
    for (let turn = 0; turn < 600; turn++) {
      const id = Math.floor(Math.abs(Math.sin(turn) * 997)) % (turn % 3 === 0 ? 400 : 5);
      if (turn % 97 === 0) await cache.invalidate({ tags: [`film:${id}`] });
      const { cache: said, text } = await get(`/films/${id}`);
      if (said === 'hit') hits += 1;
      expect(text.replace(/ #\d+$/, '')).toBe(`GET films.test /films/${id}`);
    }
    expect(hits).toBeGreaterThan(200);
  });

  it('end with the cache', async () => {
    const { get, cache } = await film();
    await turns(get, '/films/1');
    await cache.close();
    expect((await get('/films/1')).cache).toBe('bypass');
  });

  it('from a near cache end with a write on another instance, and with the trust in what is heard of such', async () => {
    const server = await startRedis();
    closing.push(() => server.stop());
    const instances = await Promise.all(
      [1, 2].map(async () => {
        const redis = createRedis(server.url);
        closing.push(() => redis?.disconnect());
        const cache = createCache({ redis, jitter: 0, logger: calm, memory: { nearCache: '1m' } });
        await eventually(() => cache.stats().level === 'redis');
        return film({}, cache);
      }),
    );
    const [one, two] = instances as [(typeof instances)[0], (typeof instances)[0]];
    await eventually(async () => {
      await turns(one.get, '/films/1');
      return one.cache.stats().caches['/films/:id']?.memoryHits !== 0;
    });
    await two.cache.invalidate({ tags: ['film:1'] });
    await eventually(async () => (await one.get('/films/1')).text !== 'GET films.test /films/1 #1');
    expect(one.state.runs + two.state.runs).toBeGreaterThan(1);
  });
});
