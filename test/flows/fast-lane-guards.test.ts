import { createRequire } from 'node:module';
import type { RequestHandler } from 'express';
import express5 from 'express';
import { describe, expect, it } from 'vitest';
import { responseCache, signedIdentity } from '../../lib/index.js';
import { countedLane } from './support/lane.js';
import { ask } from './support/serve.js';

const express4 = createRequire(import.meta.url)('express4') as typeof express5;

const film: RequestHandler = (_req, res) => void res.send('film');
const guard =
  (allows: (req: Parameters<RequestHandler>[0]) => unknown): RequestHandler =>
  (req, res, next) => {
    if (allows(req)) next();
    else res.status(401).send('not for you');
  };

/** Everything a guard can go by that a request says. */
const GUARDS: readonly (readonly [string, RequestHandler, Record<string, string>])[] = [
  ['an API key', guard((req) => req.get('x-api-key') === 'k1'), { 'x-api-key': 'k1' }],
  ['Basic credentials', guard((req) => req.headers.authorization === 'Basic YTpi'), { authorization: 'Basic YTpi' }],
  ['a cookie', guard((req) => req.headers.cookie?.includes('theme=dark')), { cookie: 'theme=dark' }],
  ['the address', guard((req) => req.ip === '10.0.0.1'), { 'x-forwarded-for': '10.0.0.1' }],
  ['the connection', guard((req) => req.socket.remoteAddress !== undefined), {}],
  ['a field among all', guard((req) => Object.entries(req.headers).some(([name]) => name === 'x-a')), { 'x-a': '1' }],
  ['a raw field', guard((req) => req.rawHeaders.includes('x-a')), { 'x-a': '1' }],
  ['the scheme', guard((req) => req.secure), { 'x-forwarded-proto': 'https' }],
];

describe.each([
  ['Express 5', express5],
  ['Express 4', express4],
])('a guard before the cache, with the fast lane in front of %s', (_name, express) => {
  it.each(GUARDS)('is never jumped: %s', async (_what, only, pass) => {
    const { url, seen, cache } = await countedLane(express, (app, cache) => {
      app.set('trust proxy', true);
      app.get(
        '/film',
        only,
        responseCache(cache, { ttl: '1h', fastLane: true, credentials: 'ignore', observe: 'off' }),
        film,
      );
    });
    for (let i = 0; i < 5; i++) expect((await ask(`${url}/film`, { headers: pass })).status).toBe(200);
    expect(seen()).toBe(5);
    if (Object.keys(pass).length > 0) expect((await ask(`${url}/film`)).status).toBe(401);
    await cache.close();
  });

  it('lets requests take the lane that say what a middleware read, and no others', async () => {
    const { url, seen } = await countedLane(express, (app, cache) => {
      app.use((req, res, next) => (req.headers['x-blocked'] ? void res.status(403).end() : next()));
      app.get('/film', responseCache(cache, { ttl: '1h', fastLane: true }), film);
    });
    for (let i = 0; i < 6; i++) await ask(`${url}/film`);
    expect(seen()).toBe(3);
    expect((await ask(`${url}/film`, { headers: { 'x-blocked': '1' } })).status).toBe(403);
  });

  it("takes the owner's word for what is read before the cache", async () => {
    const { url, seen } = await countedLane(
      express,
      (app, cache) => {
        app.use((req, _res, next) => next(req.ip && req.get('User-Agent') && undefined)); // as a logger does
        app.get('/film', responseCache(cache, { ttl: '1h', fastLane: true }), film);
      },
      { ignore: ['ip', 'User-Agent'] },
    );
    for (let i = 0; i < 6; i++) await ask(`${url}/film`, { headers: { 'user-agent': String(i) } });
    expect(seen()).toBe(3);
  });

  it('looks again every 30 seconds, so that what was added or changed meanwhile applies', async () => {
    let now = 1_700_000_000_000;
    let isOpen = true;
    const warnings: string[] = [];
    const { url, seen } = await countedLane(
      express,
      (app, cache) => {
        app.use((_req, res, next) => (isOpen ? next() : void res.status(503).end()));
        app.get('/film', responseCache(cache, { ttl: '1h', fastLane: true }), film);
      },
      {
        clock: { now: () => now, wallNow: () => now },
        logger: { debug() {}, info() {}, error() {}, warn: (text: unknown) => warnings.push(String(text)) },
      },
    );
    for (let i = 0; i < 6; i++) await ask(`${url}/film`);
    expect(seen()).toBe(3);
    isOpen = false;
    now += 30_000;
    for (let i = 0; i < 2; i++) expect((await ask(`${url}/film`)).status).toBe(503);
    isOpen = true;
    now += 1000;
    for (let i = 0; i < 4; i++) expect((await ask(`${url}/film`)).status).toBe(200);
    expect(seen()).toBe(6);
    expect(warnings).toEqual([]);
  });

  it('says once why a route stays out', async () => {
    const warnings: string[] = [];
    const { url } = await countedLane(
      express,
      (app, cache) => {
        app.use((req, _res, next) => next(req.ip && undefined));
        app.get('/film/:id', responseCache(cache, { ttl: '1h', fastLane: true }), film);
      },
      { logger: { debug() {}, info() {}, error() {}, warn: (text: unknown) => warnings.push(String(text)) } },
    );
    for (let i = 0; i < 8; i++) await ask(`${url}/film/${i % 2}`);
    expect(warnings.filter((text) => text.includes('fastLane'))).toEqual([
      "warmpath: 'fastLane' of '/film/:id' has no effect for a request: 'ip' is read before the cache",
    ]);
  });

  it('stays out where a middleware before the cache puts its hands on what is sent', async () => {
    const { url, seen } = await countedLane(express, (app, cache) => {
      app.use((_req, res, next) => {
        const { end } = res;
        res.end = ((...args: unknown[]) => {
          if (!res.headersSent) res.setHeader('X-Took', '1');
          return (end as (...args: unknown[]) => unknown).apply(res, args);
        }) as typeof res.end;
        next();
      });
      app.get('/film', responseCache(cache, { ttl: '1h', fastLane: true }), film);
    });
    for (let i = 0; i < 5; i++) await ask(`${url}/film`);
    expect(seen()).toBe(5);
  });

  it('freezes no value that differs from request to request, declared or not', async () => {
    let id = 0;
    const { url, seen } = await countedLane(
      express,
      (app, cache) => {
        app.use((_req, res, next) => next(res.set('X-Request-Id', String(++id)) && undefined));
        app.get('/film', responseCache(cache, { ttl: '1h', fastLane: true }), film);
      },
      { headers: ['X-Request-Id'] },
    );
    const ids = new Set<unknown>();
    for (let i = 0; i < 6; i++) ids.add((await ask(`${url}/film`)).headers['x-request-id']);
    expect([ids.size, seen()]).toEqual([6, 6]);
  });

  it('checks signed URLs each time', async () => {
    const identity = signedIdentity({ secrets: ['a secret of at least thirty-two bytes'] });
    const { url, seen } = await countedLane(express, (app, cache) => {
      app.use('/signed', identity);
      app.get('/signed/film', responseCache(cache, { ttl: '1h', fastLane: true, observe: 'off' }), film);
    });
    const signed = identity.sign('/signed/film', { identity: 'ada', expiresIn: '1h' });
    for (let i = 0; i < 5; i++) expect((await ask(url + signed)).status).toBe(200);
    expect(seen()).toBe(5);
  });

  it.each([
    ['Authorization', { authorization: 'Bearer a' }],
    ['a session cookie', { cookie: 'sid=a' }],
    ['a method override', { 'x-http-method-override': 'DELETE' }],
    ['another URL', { 'x-original-url': '/other' }],
    ['an upgrade', { connection: 'upgrade', upgrade: 'websocket' }],
    ['a precondition', { 'if-match': '*' }],
  ])('leaves a request to Express that has %s, even where credentials are ignored', async (_what, headers) => {
    const { url, seen } = await countedLane(express, (app, cache) => {
      app.get('/film', responseCache(cache, { ttl: '1h', fastLane: true, credentials: 'ignore' }), film);
    });
    for (let i = 0; i < 5; i++) await ask(`${url}/film`);
    expect(seen()).toBe(3);
    await ask(`${url}/film`, { headers: headers as Record<string, string> });
    expect(seen()).toBe(4);
  });

  it('learns each method by itself', async () => {
    const { url } = await countedLane(express, (app, cache) => {
      app.head('/film', (_req, res) => void res.set('X-Own', 'head').end());
      app.get('/film', responseCache(cache, { ttl: '1h', fastLane: true }), film);
    });
    for (let i = 0; i < 5; i++) await ask(`${url}/film`);
    expect((await ask(`${url}/film`, { method: 'HEAD' })).headers['x-own']).toBe('head');
  });

  it('keeps two servers of one cache apart', async () => {
    const build =
      (header: string) => (app: ReturnType<typeof express5>, cache: Parameters<typeof responseCache>[0]) => {
        app.use((_req, res, next) => next(res.set('X-App', header) && undefined));
        app.get('/film', responseCache(cache, { ttl: '1h', fastLane: true }), film);
      };
    const one = await countedLane(express, build('one'), { headers: ['X-App'] });
    const two = await countedLane(express, build('two'), { headers: ['X-App'], cache: one.cache });
    for (let i = 0; i < 6; i++) {
      expect((await ask(`${one.url}/film`)).headers['x-app']).toBe('one');
      expect((await ask(`${two.url}/film`)).headers['x-app']).toBe('two');
    }
    expect(one.seen()).toBeLessThan(5);
    expect(two.seen()).toBeLessThan(5);
  });

  it('goes to Express after the cache was closed, and when an entry is stale or invalidated', async () => {
    let now = 1_700_000_000_000;
    const { url, seen, cache } = await countedLane(
      express,
      (app, cache) => {
        app.get('/film', responseCache(cache, { ttl: '10s', tags: ['film'], fastLane: true }), film);
      },
      { clock: { now: () => now, wallNow: () => now } },
    );
    for (let i = 0; i < 5; i++) await ask(`${url}/film`);
    expect(seen()).toBe(3);
    await cache.invalidate({ tags: ['film'] });
    expect((await ask(`${url}/film`)).cache).toBe('miss');
    expect((await ask(`${url}/film`)).cache).toBe('hit');
    expect(seen()).toBe(4);
    now += 10_001;
    expect((await ask(`${url}/film`)).cache).toBe('miss');
    expect(seen()).toBe(5);
    await cache.close();
    await ask(`${url}/film`);
    expect(seen()).toBe(6);
  });
});
