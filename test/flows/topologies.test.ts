import express from 'express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Cache, createCache, createRedis, responseCache, type WarmpathEvent } from '../../lib/index.js';
import {
  eventually,
  type RedisCluster,
  type RedisSentinel,
  startCluster,
  startSentinel,
} from '../../lib/testing/index.js';
import { ask, type Served, serve } from './support/serve.js';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Client = NonNullable<ReturnType<typeof createRedis>>;

/** An app whose film route counts its runs, over a client of any topology; what the store complained of is collected. */
async function filmApp(
  client: Client,
): Promise<{ cache: Cache; served: Served; runs: { count: number }; errors: string[] }> {
  const cache = createCache({ redis: client, logger: quiet });
  const runs = { count: 0 };
  const errors: string[] = [];
  cache.events.on(
    'store-error',
    ({ error }: Extract<WarmpathEvent, { type: 'store-error' }>) => void errors.push(error),
  );
  const app = express();
  app.get('/film/:id', responseCache(cache, { ttl: '1h', tags: ['films', 'film:{id}'] }), (req, res) => {
    runs.count += 1;
    res.json({ id: req.params.id, run: runs.count });
  });
  const served = await serve(app);
  closing.push(async () => {
    await served.close();
    await cache.close({ grace: '100ms' });
    client.disconnect();
  });
  await eventually(() => cache.stats().level === 'redis', { timeoutMs: 10_000 });
  return { cache, served, runs, errors };
}

const films = Array.from({ length: 40 }, (_, index) => `/film/${index}`);

async function readAll({ served }: { served: Served }): Promise<string[]> {
  const answers = await Promise.all(films.map((path) => ask(served.url + path)));
  expect(answers.every((answer) => answer.status === 200)).toBe(true);
  return answers.map((answer) => String(answer.cache));
}

describe('Cluster', { timeout: 60_000 }, () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startCluster({ masters: 3, replicas: 3 });
  }, 60_000);
  afterAll(() => cluster.stop());

  const connect = (): Client => createRedis({ clusterNodes: cluster.addresses });

  it('B21 stores, reads, varies and invalidates over all slots without a complaint', async () => {
    const app = await filmApp(connect());
    // Nodes are admitted one by one; until then this process stands in for their keys.
    await eventually(async () => (await readAll(app)).every((word) => word === 'hit'));
    await app.cache.invalidate({ tags: ['film:7'] });
    expect((await ask(`${app.served.url}/film/7`)).cache).toBe('miss');
    expect((await ask(`${app.served.url}/film/8`)).cache).toBe('hit');
    await app.cache.invalidate({ tags: ['films'] });
    expect(new Set(await readAll(app))).toEqual(new Set(['miss']));
    await app.cache.set('a', 1, { ttl: '1h', tags: ['films'] });
    expect(await app.cache.getMany(['a', 'b'])).toEqual([1, undefined]);
    await app.cache.clear();
    expect(await app.cache.get('a')).toBeUndefined();
    expect(app.errors).toEqual([]);
  });

  it('B22 goes on through the loss of a master, and revives nothing', async () => {
    const app = await filmApp(connect());
    await readAll(app);
    await app.cache.invalidate({ tags: ['film:1'] });
    const [master] = cluster.masters;
    if (master === undefined) throw new Error('no master');
    await cluster.failMaster(master);
    await readAll(app);
    await eventually(async () => (await readAll(app)).every((word) => word === 'hit'), { timeoutMs: 15_000 });
    expect(app.errors.filter((error) => /CROSSSLOT|NOSCRIPT/.test(error))).toEqual([]);
  });
});

describe('Sentinel', { timeout: 60_000 }, () => {
  let sentinel: RedisSentinel;
  beforeAll(async () => {
    sentinel = await startSentinel();
  }, 60_000);
  afterAll(() => sentinel.stop());

  it('B19 serves through a failover under load, starts cold on the new master, and is shared again', async () => {
    const client = createRedis({ sentinels: sentinel.sentinels, name: sentinel.name });
    const app = await filmApp(client);
    await eventually(async () => (await readAll(app)).every((word) => word === 'hit'));
    let failed = 0;
    let isOver = false;
    const load = (async () => {
      while (!isOver) failed += (await ask(`${app.served.url}/film/1`)).status === 200 ? 0 : 1;
    })();
    await sentinel.failover();
    await eventually(() => app.cache.stats().level === 'redis', { timeoutMs: 15_000 });
    await eventually(async () => (await readAll(app)).every((word) => word === 'hit'), { timeoutMs: 15_000 });
    isOver = true;
    await load;
    expect(failed).toBe(0);
  });
});
