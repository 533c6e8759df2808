import { createServer as createHttpServer } from 'node:http';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import type { Express } from 'express';
import express5 from 'express';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createRedis, type RateLimiterOptions, rateLimiter, requestMetrics, responseCache } from '../../lib/index.js';
import { requestDurations } from '../../lib/metrics/request-durations.js';
import { eventually } from '../../lib/testing/eventually.js';
import { startRedis } from '../../lib/testing/index.js';
import { countedLane, listening } from './support/lane.js';
import { ask } from './support/serve.js';

const express4 = createRequire(import.meta.url)('express4') as typeof express5;

const clock = { now: () => 1_700_000_000_000, wallNow: () => 1_700_000_000_000 };
const LIMIT = 5;
const tiers = { all: { limit: LIMIT, window: '1h' } } as const;

function limiter(options: Partial<RateLimiterOptions> = {}) {
  const made = rateLimiter({ name: 'lane', tiers, clock, ...options });
  onTestFinished(() => made.close());
  return made;
}

/** The bytes of an answer, without its Date. */
function bytesOf(url: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: films.test\r\nConnection: close\r\n\r\n`);
    });
    socket.setEncoding('latin1').on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', reject).on('end', () => resolve(text.replace(/Date: [^\r]*/, 'Date: then')));
  });
}

describe.each([
  ['Express 5', express5],
  ['Express 4', express4],
])('limits and metrics in the fast lane in front of %s', (_name, express) => {
  beforeEach(() => requestDurations.reset());

  it.each([
    ['as it is', {}],
    ['with fields of older drafts', { standardHeaders: 'draft-6' as const, legacyHeaders: true }],
    ['with a status and a wait of its own', { statusCode: 503, retryAfter: 7 }],
    ['with functions of its own', { key: (req: { query: object }) => JSON.stringify(req.query), retryAfter: () => 9 }],
  ])('refuses by itself, byte for byte as in Express: %s', async (_what, options) => {
    const build = (app: Express): void => {
      app.use((_req, res, next) => next(res.set('X-Frame-Options', 'DENY') && undefined));
      app.use(limiter(options as Partial<RateLimiterOptions>));
      app.use((_req, res, next) => next(res.set('X-After', '1') && undefined));
    };
    const lane = await countedLane(
      express,
      (app, cache) => {
        build(app);
        app.get('/film', responseCache(cache, { ttl: '1h', fastLane: true }), (_req, res) => void res.send('film'));
      },
      { headers: ['X-Frame-Options', 'X-After'], clock },
    );
    const plain = express();
    build(plain);
    plain.get('/film', (_req, res) => void res.send('film'));
    const plainUrl = await listening(createHttpServer(plain));
    for (let i = 0; i < LIMIT; i++) {
      expect((await ask(`${lane.url}/film?a=1`)).status).toBe(200);
      await ask(`${plainUrl}/film?a=1`);
    }
    const seen = lane.seen();
    const refusal = await bytesOf(lane.url, '/film?a=1');
    expect(refusal).toBe(await bytesOf(plainUrl, '/film?a=1'));
    expect(refusal).toMatch(/^HTTP\/1\.1 (429|503) /);
    expect(lane.seen()).toBe(seen);
  });

  it('leaves a refusal to Express where the limiter has a handler, and counts once', async () => {
    const limits = limiter({ handler: (_req, res) => void res.status(429).send('slower') });
    const { url, seen } = await countedLane(express, (app, cache) => {
      app.use(limits);
      app.get('/film', responseCache(cache, { ttl: '1h', fastLane: true }), (_req, res) => void res.send('film'));
    });
    for (let i = 0; i < LIMIT; i++) await ask(`${url}/film`);
    const before = seen();
    const refused = await ask(`${url}/film`);
    expect([refused.status, refused.body.toString(), seen()]).toEqual([429, 'slower', before + 1]);
    expect(limits.stats().tiers.all).toMatchObject({ allowed: LIMIT, limited: 1 });
  });

  it('charges no limiter after the one that refuses', async () => {
    const first = limiter({ name: 'first', tiers: { all: { limit: 4, window: '1h' } } });
    const second = limiter({ name: 'second' });
    const { url } = await countedLane(express, (app, cache) => {
      app.use(first, second, first);
      app.get('/film', responseCache(cache, { ttl: '1h', fastLane: true }), (_req, res) => void res.send('film'));
    });
    for (let i = 0; i < 7; i++) await ask(`${url}/film`);
    expect(first.stats().tiers.all).toMatchObject({ allowed: 4, limited: 3 });
    expect(second.stats().tiers.all).toMatchObject({ allowed: 4, limited: 0 });
  });

  it('gives back what the limiter gives back, and tells who comes near the limit', async () => {
    const near: unknown[] = [];
    const window = { tiers: { all: { limit: 10, window: '1h' } } } as const;
    const refunding = limiter({ ...window, name: 'refunding', skipSuccessfulRequests: true });
    const telling = limiter({
      ...window,
      name: 'telling',
      onNearLimit: (_req, info) => void near.push(info.remaining),
    });
    const { url, seen } = await countedLane(express, (app, cache) => {
      const cached = responseCache(cache, { ttl: '1h', fastLane: true });
      app.get('/refunded', refunding, cached, (_req, res) => void res.send('film'));
      app.get('/told', telling, cached, (_req, res) => void res.send('film'));
    });
    for (let i = 0; i < 30; i++) expect((await ask(`${url}/refunded`)).status).toBe(200);
    expect(seen()).toBe(3);
    for (let i = 0; i < 10; i++) await ask(`${url}/told`);
    expect([seen(), near]).toEqual([6, [1]]);
  });

  it('waits for Redis, and answers what is still good then', async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const redis = createRedis(`redis://127.0.0.1:${server.port}`);
    onTestFinished(() => redis?.disconnect());
    const limits = limiter({ redis, clock: undefined, timeout: '5s' });
    await eventually(() => limits.stats().store === 'redis', { timeoutMs: 10_000 });
    const { url, seen } = await countedLane(express, (app, cache) => {
      app.use(limits);
      app.get('/film', responseCache(cache, { ttl: '1h', fastLane: true }), (_req, res) => void res.send('film'));
    });
    const statuses: number[] = [];
    for (let i = 0; i < LIMIT + 3; i++) statuses.push((await ask(`${url}/film`)).status);
    expect(limits.stats().tiers.all).toMatchObject({ local: 0, error: 0 }); // Redis itself counted
    expect(statuses).toEqual([...new Array<number>(LIMIT).fill(200), 429, 429, 429]);
    expect(seen()).toBe(3);
    expect(limits.stats().remembered).toBe(2);
  });

  it('measures what it answers as Express does: labels, results, and a duration', async () => {
    const build = (app: Express): void => void app.use(requestMetrics(), limiter());
    const measured = async (url: string) => {
      requestDurations.reset();
      for (let i = 0; i < LIMIT + 2; i++) await ask(`${url}/films/7`);
      for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve));
      const series = [...requestDurations.series()];
      for (const { durations } of series) expect(durations.sum).toBeGreaterThan(0);
      const results = [...requestDurations.results()].map(([result, { count }]) => [result, count]);
      return [series.map(({ method, route, status, durations }) => [method, route, status, durations.count]), results];
    };
    const route = (app: Express, cache: Parameters<typeof responseCache>[0]): void => {
      const router = express.Router();
      const cached = responseCache(cache, { ttl: '1h', name: 'film cache', fastLane: true });
      router.get('/:id', cached, (_req, res) => void res.send('film'));
      app.use('/films', router);
    };
    const lane = await countedLane(express, (app, cache) => {
      build(app);
      route(app, cache);
    });
    const byLane = await measured(lane.url);
    expect(lane.seen()).toBe(3);
    const plain = express();
    build(plain);
    route(plain, lane.cache);
    await lane.cache.clear();
    const byExpress = await measured(await listening(createHttpServer(plain)));
    expect(byLane).toEqual(byExpress);
    expect(byLane[0]).toEqual([
      ['GET', '/films/:id', '200', LIMIT],
      ['GET', 'unmatched', '429', 2],
    ]);
  });
});
