// The package under test, as its users mount it.
import type { RequestListener, Server } from 'node:http';
import { pathToFileURL } from 'node:url';
import express, { type Express, type RequestHandler } from 'express';
import type { ServedVariant, VariantFactory } from '../harness/serve.js';
import { countRuns, originHeaders, originRan, redisUrl, text } from './environment.js';
import { limitedRoute } from './limiters.js';
import { calibratedWork, originWork } from './origin-work.js';

type Warmpath = typeof import('../../../lib/index.js') & { createServer?: (app: Express, options: object) => Server };
const warmpath = (await import(pathToFileURL(process.env.WARMPATH_ENTRY ?? '').href)) as Warmpath;
const { createCache, createRedis, createServer, metricsRouter, rateLimiter, requestMetrics, responseCache } = warmpath;

type Cache = ReturnType<Warmpath['createCache']>;
type CacheOptions = Parameters<Warmpath['responseCache']>[1];

// A namespace per process: variants that share the Redis of the run never meet.
const namespace = `bench-${process.pid}`;

const TAGS = ['movies', 'movie:{id}'];

function origin(headers: Record<string, string> = originHeaders): RequestHandler {
  return (_req, res) => {
    originRan();
    res.set(headers).send(text);
  };
}

function served(app: Express, cache: Cache): ServedVariant {
  return { listener: app as unknown as RequestListener, questions: { ...countRuns, stats: () => cache.stats() } };
}

/** Everything a user of the whole suite would mount before the cache. */
function withMetrics(): Express {
  const app = express();
  app.use(requestMetrics());
  app.use(metricsRouter());
  return app;
}

function onApp(options: CacheOptions, handler: RequestHandler = origin(), app = withMetrics()): ServedVariant {
  const cache = createCache();
  app.use(responseCache(cache, { ttl: '1h', ...options }));
  app.get('/movies/:id', handler);
  return served(app, cache);
}

async function readyRedis(): Promise<NonNullable<ReturnType<Warmpath['createRedis']>>> {
  const redis = createRedis(redisUrl);
  if (!redis) throw new Error('no Redis client');
  if (redis.status !== 'ready') await new Promise((resolve) => redis.once('ready', resolve));
  return redis;
}

// What these two are compared with measures nothing either, so request metrics stay out of them.
async function onRedis(nearCache: boolean): Promise<ServedVariant> {
  const redis = await readyRedis();
  const cache = createCache({ redis, namespace, memory: nearCache ? { nearCache: '1h' } : {} });
  const app = express();
  app.get('/movies/:id', responseCache(cache, { ttl: '1h', tags: TAGS }), origin());
  return served(app, cache);
}

function onRoute(): ServedVariant {
  const cache = createCache();
  const app = express();
  app.get('/movies/:id', responseCache(cache, { ttl: '1h', tags: TAGS }), origin());
  return served(app, cache);
}

function inLane(): ServedVariant {
  const cache = createCache();
  const app = withMetrics();
  app.get('/movies/:id', responseCache(cache, { ttl: '1h', fastLane: true }), origin());
  return { ...served(app, cache), server: createServer!(app, { cache }) };
}

/** Limited clients before the fast lane: those within their limit get a hit, the others a refusal, and Express sees neither. */
async function limitedLane(tiers: Tiers): Promise<ServedVariant> {
  const redis = await readyRedis();
  const cache = createCache();
  const app = express();
  app.use(rateLimiter({ redis, namespace, tiers }));
  app.get('/movies/:id', responseCache(cache, { ttl: '1h', fastLane: true }), origin());
  return { ...served(app, cache), server: createServer!(app, { cache }) };
}

/** The same server with the lane never taken: what it does for requests that Express answers. */
function besideLane(): ServedVariant {
  const cache = createCache();
  const app = express();
  app.get('/movies/:id', origin());
  return { ...served(app, cache), server: createServer!(app, { cache }) };
}

type Tiers = NonNullable<Parameters<Warmpath['rateLimiter']>[0]['tiers']>;

const LOOSE = { everyone: { rate: 1_000_000, burst: 1_000_000 } };
// One request a minute: after the first, every answer of the run is a refusal.
const TIGHT = { everyone: { rate: 1, per: '1h', burst: 1 } } as const;
// As many as it takes to learn all targets.
const LEARNT = { everyone: { rate: 1, per: '1h', burst: 1000 } } as const;

export const variants: Record<string, VariantFactory> = {
  'memory hit': () => onApp({}),
  'memory hit, no request metrics': () => onApp({}, origin(), express()),
  'memory hit on a route, with tags': onRoute,
  'fast lane hit': inLane,
  'express origin through createServer': besideLane,
  'Redis hit': () => onRedis(false),
  'near-cache hit': () => onRedis(true),
  skipped: () => onApp({ skip: () => true }, origin(), express()),
  uncacheable: () => onApp({}, origin({ ...originHeaders, 'Cache-Control': 'no-store' }), express()),
  'miss, 1 ms handler': () => {
    const variant = onApp(
      {},
      (_req, res) => {
        originWork();
        res.set(originHeaders).send(text);
      },
      express(),
    );
    return { ...variant, questions: { ...variant.questions, work: () => calibratedWork } };
  },
  'our limiter': () => limitedRoute(rateLimiter({ tiers: LOOSE })),
  'our limiter on Redis': async () => limitedRoute(rateLimiter({ redis: await readyRedis(), namespace, tiers: LOOSE })),
  'limited fast lane on Redis': () => limitedLane(LOOSE),
  'limited fast lane on Redis, over the limit': () => limitedLane(LEARNT),
  'our limiter on Redis, over the limit': async () => {
    const redis = await readyRedis();
    const variant = limitedRoute(rateLimiter({ redis, namespace, tiers: TIGHT }));
    const stream = (): { bytesWritten: number } => (redis as unknown as { stream: { bytesWritten: number } }).stream;
    return { ...variant, questions: { redisBytes: () => stream().bytesWritten } };
  },
};
