// Caches filled with many entries: ours and, for comparison, peers, asked for memory and for hits among so many.
import { createServer } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import express, { type RequestHandler } from 'express';
import type { ServedVariant, VariantFactory } from '../harness/serve.js';
import { originHeaders, originRan, redisUrl } from './environment.js';
import { type FillOrder, fill, incompressible, settledMemory } from './fill.js';
import { jsonBody } from './fixtures.js';
import { apicache, keyv, routeCache } from './peer-modules.js';
import { keyValueMiddleware } from './peers.js';

type Warmpath = typeof import('../../../lib/index.js');
const ours = async (): Promise<Warmpath> =>
  (await import(pathToFileURL(process.env.WARMPATH_ENTRY ?? '').href)) as Warmpath;

function fillable(middleware: RequestHandler, body: () => string | Buffer): ServedVariant {
  const app = express();
  app.use(middleware);
  app.get('/movies/:id', (_req, res) => {
    originRan();
    res.set(originHeaders).send(body());
  });
  const server = createServer(app);
  return { server, questions: { fill: (order: FillOrder) => fill(server, order), memory: settledMemory } };
}

const randomText = (): string =>
  incompressible()
    .toString('latin1')
    .replaceAll(/[^\x20-\x7e]/g, 'x');

// One byte over the threshold from which bodies are compressed.
const compressible = jsonBody(1025).toString('latin1');

async function ourCache(body: () => string | Buffer): Promise<ServedVariant> {
  const { createCache, responseCache } = await ours();
  const cache = createCache({ memory: { maxBytes: '16gb' } });
  const variant = fillable(responseCache(cache, { ttl: '12h' }), body);
  return { ...variant, questions: { ...variant.questions, stats: () => cache.stats() } };
}

const SETTLING_MS = 300;

interface InvalidationOrder {
  /** How many entries each tag has. */
  readonly entries: number;
  /** How many tags are invalidated, one after the other. */
  readonly times: number;
}

interface Invalidation {
  readonly ms: number;
  readonly stallMs: number;
  /** The same, over as long a time in which nothing was asked. */
  readonly idleMs: number;
}

/** How long invalidating each of some tags takes, and the longest stall of the event loop until a while later. */
async function invalidations(redis: boolean, { entries, times }: InvalidationOrder): Promise<Invalidation[]> {
  const { createCache, createRedis } = await ours();
  const client = redis ? createRedis(redisUrl) : undefined;
  if (client && client.status !== 'ready') await new Promise((resolve) => client.once('ready', resolve));
  const cache = createCache({
    ...(client ? { redis: client } : {}),
    namespace: `tags-${entries}`,
    memory: { maxBytes: '4gb' },
  });
  if (client) await cache.set('ready', 1, { ttl: '1h' });
  const tags = Array.from({ length: times }, (_, at) => `tag-${at}`);
  for (let id = 0; id < entries; id += 500) {
    const batch = Array.from({ length: Math.min(500, entries - id) }, (_, at) => id + at);
    await Promise.all(batch.map((at) => cache.set(`movie:${at}`, { id: at, title: 'amber' }, { ttl: '1h', tags })));
  }
  const taken: Invalidation[] = [];
  for (const tag of tags) {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    await new Promise((resolve) => setTimeout(resolve, SETTLING_MS));
    const idleMs = delay.max / 1e6;
    delay.reset();
    const startedAt = performance.now();
    await cache.invalidate({ tags: [tag] });
    const ms = performance.now() - startedAt;
    await cache.get('movie:1');
    await new Promise((resolve) => setTimeout(resolve, SETTLING_MS));
    delay.disable();
    taken.push({ ms, stallMs: delay.max / 1e6, idleMs });
  }
  await cache.close();
  client?.disconnect();
  return taken;
}

const asking = (questions: ServedVariant['questions']): ServedVariant => ({
  listener: (_req, res) => res.end(),
  ...(questions ? { questions } : {}),
});

export const variants: Record<string, VariantFactory> = {
  ours: () => ourCache(incompressible),
  'ours, compressible': () => ourCache(() => compressible),
  apicache: async () => fillable((await apicache()).middleware('12 hours'), randomText),
  'route-cache': async () => fillable((await routeCache()).config({ max: 1e12 }).cacheSeconds(43_200), randomText),
  keyv: async () => fillable(keyValueMiddleware(await keyv()), randomText),
  invalidations: () =>
    asking({
      memory: (order: InvalidationOrder) => invalidations(false, order),
      redis: (order: InvalidationOrder) => invalidations(true, order),
    }),
};
