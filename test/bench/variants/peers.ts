// Other caches, each mounted by `app.use` as its documentation shows, in memory and on Redis.
import type { RequestListener } from 'node:http';
import express, { type RequestHandler } from 'express';
import { Redis } from 'ioredis';
import type { ServedVariant, VariantFactory } from '../harness/serve.js';
import {
  body,
  countRuns,
  hitBody,
  hitHeaders,
  originHeaders,
  originRan,
  redisDb,
  redisPort,
  redisUrl,
  text,
} from './environment.js';
import {
  apicache,
  bentocache,
  cacheable,
  callbackRedis,
  expeditious,
  expeditiousRedisEngine,
  type KeyValue,
  keyv,
  routeCache,
  routeCacheRedisStore,
} from './peer-modules.js';

function inFrontOfOrigin(middleware: RequestHandler): ServedVariant {
  const app = express();
  app.use(middleware);
  app.get('/movies/:id', (_req, res) => {
    originRan();
    res.set(originHeaders).send(text);
  });
  return { listener: app as unknown as RequestListener, questions: countRuns };
}

interface Stored {
  readonly headers: Record<string, string>;
  readonly body: string;
}

// How people put a key-value cache in front of a route: look up by URL, answer, else let the route answer and keep its text.
export function keyValueMiddleware(store: KeyValue<Stored>): RequestHandler {
  return async (req, res, next) => {
    const hit = await store.get(req.originalUrl);
    if (hit) {
      res.set(hit.headers).send(hit.body);
      return;
    }
    const send = res.send.bind(res);
    res.send = (content: string) => {
      void store.set(req.originalUrl, { headers: { ...originHeaders }, body: content }, 3_600_000);
      return send(content);
    };
    next();
  };
}

function ioredis(): Redis {
  return new Redis(redisUrl, { enableAutoPipelining: true });
}

/** The fastest Redis hit one can write by hand: one pipelined GET of the bytes, the fields known beforehand. */
async function handWritten(): Promise<ServedVariant> {
  const client = ioredis();
  const app = express();
  const entries = Object.entries(hitHeaders);
  for (let id = 0; id < 100; id++) await client.set(`hand:/movies/${id}`, hitBody);
  app.get('/movies/:id', async (req, res) => {
    const found = await client.getBuffer(`hand:${req.originalUrl}`);
    for (const [name, value] of entries) res.setHeader(name, value);
    res.end(found ?? body);
  });
  return { listener: app as unknown as RequestListener };
}

export const variants: Record<string, VariantFactory> = {
  apicache: async () => inFrontOfOrigin((await apicache()).middleware('1 hour')),
  'express-expeditious': async () =>
    inFrontOfOrigin((await expeditious())({ namespace: 'bench', defaultTtl: '1 hour' })),
  'route-cache': async () => inFrontOfOrigin((await routeCache()).cacheSeconds(3600)),
  keyv: async () => inFrontOfOrigin(keyValueMiddleware(await keyv())),
  cacheable: async () => inFrontOfOrigin(keyValueMiddleware(await cacheable())),
  bentocache: async () => inFrontOfOrigin(keyValueMiddleware(await bentocache())),

  'hand-written Redis': handWritten,
  'hand-written Redis, again': handWritten,
  'apicache on Redis': async () =>
    inFrontOfOrigin((await apicache()).options({ redisClient: await callbackRedis(redisUrl) }).middleware('1 hour')),
  'express-expeditious on Redis': async () =>
    inFrontOfOrigin(
      (await expeditious())({
        namespace: 'benchredis',
        defaultTtl: '1 hour',
        engine: await expeditiousRedisEngine(redisPort, redisDb),
      }),
    ),
  'route-cache on Redis': async () =>
    inFrontOfOrigin(
      (await routeCache()).config({ cacheStore: await routeCacheRedisStore(ioredis()) }).cacheSeconds(3600),
    ),
  'keyv on Redis': async () => inFrontOfOrigin(keyValueMiddleware(await keyv(redisUrl))),
  'bentocache on Redis': async () => inFrontOfOrigin(keyValueMiddleware(await bentocache(ioredis()))),
};
