// One process of several that serve the same titles: behind one Redis, or each with a memory of its own.
import type { RequestListener } from 'node:http';
import { pathToFileURL } from 'node:url';
import express from 'express';
import type { ServedVariant, VariantFactory } from '../harness/serve.js';
import { countRuns, originHeaders, originRan, redisUrl, text } from './environment.js';

type Warmpath = typeof import('../../../lib/index.js');

async function serve(shared: boolean): Promise<ServedVariant> {
  const { createCache, createRedis, responseCache } = (await import(
    pathToFileURL(process.env.WARMPATH_ENTRY ?? '').href
  )) as Warmpath;
  const redis = shared ? createRedis(redisUrl) : undefined;
  if (redis && redis.status !== 'ready') await new Promise((resolve) => redis.once('ready', resolve));
  const cache = createCache({
    ...(redis ? { redis } : {}),
    namespace: process.env.BENCH_NAMESPACE ?? 'zipf',
    jitter: 0,
  });
  const app = express();
  app.get('/movies/:id', responseCache(cache, { ttl: '5s' }), (_req, res) => {
    originRan();
    setTimeout(() => res.set(originHeaders).send(text), 5);
  });
  return { listener: app as unknown as RequestListener, questions: countRuns };
}

export const variants: Record<string, VariantFactory> = {
  shared: () => serve(true),
  alone: () => serve(false),
};
