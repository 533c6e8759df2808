import { createServer as createHttpServer } from 'node:http';
import { createRequire } from 'node:module';
import express5 from 'express';
import { describe, expect, it } from 'vitest';
import {
  type Cache,
  type CreateServerOptions,
  createCache,
  createServer,
  fastLane,
  rateLimiter,
  responseCache,
} from '../../lib/index.js';
import { countedLane, listening } from './support/lane.js';
import { ask, type RawAnswer } from './support/serve.js';

async function laneServer(
  express: typeof express5,
  cache: Cache,
  build: (app: ReturnType<typeof express5>) => void,
  options: Omit<CreateServerOptions, 'cache'> = {},
) {
  const app = express();
  build(app);
  return listening(createServer(app, { cache, ...options }));
}

const plain = ({ status, headers, body }: RawAnswer): unknown => ({
  status,
  body: body.toString(),
  headers: Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !['age', 'cache-status', 'date', 'ratelimit', 'connection', 'keep-alive'].includes(name),
    ),
  ),
});

describe.each([
  ['Express 5', express5],
  ['Express 4', createRequire(import.meta.url)('express4') as typeof express5],
])('the fast lane in front of %s', (_name, express) => {
  it('answers hits before Express runs, with the same status, fields and bytes', async () => {
    const cache = createCache({ jitter: 0 });
    let seen = 0;
    const url = await laneServer(
      express,
      cache,
      (app) => {
        app.use((_req, res, next) => {
          seen += 1;
          res.set('Strict-Transport-Security', 'max-age=1');
          next();
        });
        app.get(
          '/film/:id',
          responseCache(cache, { ttl: '1h', fastLane: true }),
          (req, res) => void res.json({ id: req.params.id, text: 'x'.repeat(900) }),
        );
      },
      { headers: ['Strict-Transport-Security'] },
    );
    const path = `${url}/film/7?b=1&a=2`;
    for (let i = 0; i < 2; i++) await ask(path); // filled, then a hit
    const byExpress = await ask(path);
    expect(seen).toBe(3);
    const byLane = await ask(path);
    expect(seen).toBe(3);
    expect(byLane.cache).toBe('hit');
    expect(plain(byLane)).toEqual(plain(byExpress));
    const tag = String(byExpress.headers.etag);
    expect((await ask(path, { headers: { 'if-none-match': tag } })).status).toBe(304);
    expect((await ask(path, { headers: { range: 'bytes=0-9' } })).status).toBe(206);
    expect(seen).toBe(3);
    for (let i = 0; i < 3; i++) {
      const head = await ask(path, { method: 'HEAD' });
      expect([head.headers['content-length'], head.body.length]).toEqual([byExpress.headers['content-length'], 0]);
    }
    expect(seen).toBe(5); // another method may be routed elsewhere, so it is learned by itself
    expect((await ask(path, { headers: { authorization: 'Bearer a' } })).cache).toBe('bypass');
    expect(seen).toBe(6);
    await cache.invalidate({ urls: ['/film/7'] });
    expect((await ask(path)).cache).toBe('miss');
  });

  it('serves servers made otherwise as their listener', async () => {
    const cache = createCache();
    let seen = 0;
    const app = express();
    app.use((_req, _res, next) => {
      seen += 1;
      next();
    });
    app.get('/film', responseCache(cache, { ttl: '1h', fastLane: true }), (_req, res) => void res.send('film'));
    const url = await listening(createHttpServer(fastLane(app, { cache })));
    for (let i = 0; i < 5; i++) expect((await ask(`${url}/film`)).body.toString()).toBe('film');
    expect(seen).toBe(3);
    expect(() => fastLane(app, { header: [] } as never)).toThrow(/header/);
  });

  it('remembers no targets that are longer than any sensible one', async () => {
    const cache = createCache();
    let seen = 0;
    const url = await laneServer(express, cache, (app) => {
      app.use((_req, _res, next) => {
        seen += 1;
        next();
      });
      app.get('/film', responseCache(cache, { ttl: '1h', fastLane: true }), (_req, res) => void res.send('film'));
    });
    for (let i = 0; i < 5; i++) await ask(`${url}/film?q=${'x'.repeat(1100)}`);
    expect(seen).toBe(5);
  });

  it('stays out of routes before which something undeclared is set', async () => {
    const cache = createCache();
    let seen = 0;
    const url = await laneServer(express, cache, (app) => {
      app.use((_req, res, next) => {
        seen += 1;
        res.set('X-Request-Id', String(seen));
        next();
      });
      app.get('/film', responseCache(cache, { ttl: '1h', fastLane: true }), (_req, res) => void res.send('film'));
    });
    for (let i = 0; i < 4; i++) await ask(`${url}/film`);
    expect(seen).toBe(4);
  });

  it('A5.8 counts hits of the lane against the limit, and lets Express refuse', async () => {
    const cache = createCache();
    const limiter = rateLimiter({ name: `lane-${express === express5}`, tiers: { all: { limit: 4, window: '1h' } } });
    const url = await laneServer(express, cache, (app) => {
      app.use(limiter);
      app.get('/film', responseCache(cache, { ttl: '1h', fastLane: true }), (_req, res) => void res.send('film'));
    });
    const answers: RawAnswer[] = [];
    for (let i = 0; i < 6; i++) answers.push(await ask(`${url}/film`));
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200, 429, 429]);
    expect(answers[3]?.headers.ratelimit).toContain('r=0');
    expect(answers[4]?.headers['retry-after']).toBeDefined();
    limiter.close();
  });
});

describe('the fast lane, when an entry is replaced', () => {
  it('sends the new answer, though only a condition was answered from it before', async () => {
    const cache = createCache({ jitter: 0 });
    let version = 1;
    const { url, seen } = await countedLane(
      express5,
      (app) =>
        app.get('/film', responseCache(cache, { ttl: '1h', tags: ['film'], fastLane: true }), (_req, res) => {
          res.type('text').send(`Solaris, version ${version}`);
        }),
      { cache },
    );
    const film = async (headers: Record<string, string> = {}): Promise<RawAnswer> => ask(`${url}/film`, { headers });
    for (let turn = 0; turn < 5; turn++) await film();
    const before = seen();
    expect((await film()).body.toString()).toBe('Solaris, version 1');
    expect(seen()).toBe(before);
    version = 2;
    await cache.invalidate({ tags: ['film'] });
    const tag = String((await film()).headers.etag);
    expect((await film({ 'if-none-match': tag })).status).toBe(304);
    for (let turn = 0; turn < 3; turn++) expect((await film()).body.toString()).toBe('Solaris, version 2');
    await cache.invalidate({ tags: ['film'] }, { soft: true });
    expect((await film()).cache).toBe('miss');
    expect(seen()).toBe(before + 2);
  });
});
