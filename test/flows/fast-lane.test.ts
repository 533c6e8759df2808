import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import express5 from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { type Cache, createCache, createServer, rateLimiter, responseCache } from '../../lib/index.js';
import { ask, type RawAnswer } from './support/serve.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function laneServer(
  express: typeof express5,
  cache: Cache,
  build: (app: ReturnType<typeof express5>) => void,
  headers: string[] = [],
) {
  const app = express();
  build(app);
  const server = createServer(app, { cache, headers });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
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
      ['Strict-Transport-Security'],
    );
    const path = `${url}/film/7?b=1&a=2`;
    await ask(path);
    const byExpress = await ask(path);
    expect(seen).toBe(2);
    const byLane = await ask(path);
    expect(seen).toBe(2);
    expect(byLane.cache).toBe('hit');
    expect(plain(byLane)).toEqual(plain(byExpress));
    const tag = String(byExpress.headers.etag);
    expect((await ask(path, { headers: { 'if-none-match': tag } })).status).toBe(304);
    expect((await ask(path, { headers: { range: 'bytes=0-9' } })).status).toBe(206);
    const head = await ask(path, { method: 'HEAD' });
    expect([head.headers['content-length'], head.body.length]).toEqual([byExpress.headers['content-length'], 0]);
    expect(seen).toBe(2);
    expect((await ask(path, { headers: { authorization: 'Bearer a' } })).cache).toBe('bypass');
    expect(seen).toBe(3);
    await cache.invalidate({ urls: ['/film/7'] });
    expect((await ask(path)).cache).toBe('miss');
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
