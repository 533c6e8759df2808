import express from 'express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Cache, createCache, createRedis, type Duration, responseCache } from '../../lib/index.js';
import { eventually, gate, type RedisServer, startRedis } from '../../lib/testing/index.js';
import { ask, leavable, type Served, serve } from './support/serve.js';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const closing: (() => unknown)[] = [];
let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await redis.cli('FLUSHALL');
});

/** An instance whose handler answers nothing to its first request, and everybody after that. */
async function instance(url: string | undefined, lease: Duration, waitLimit: Duration) {
  const client = url === undefined ? undefined : createRedis(url);
  const cache: Cache = createCache({ redis: client, lease, waitLimit, logger: quiet });
  const silent = gate();
  const kept: WeakRef<object>[] = [];
  let runs = 0;
  const app = express();
  app.get('/film', responseCache(cache, { ttl: '1h' }), (req, res) => {
    runs += 1;
    if (runs > 1) return void res.send('film');
    kept.push(new WeakRef(req), new WeakRef(res));
    void silent.wait();
  });
  const served: Served = await serve(app);
  closing.push(async () => {
    await served.close();
    await cache.close({ grace: '100ms' });
    client?.disconnect();
  });
  if (client !== undefined) await eventually(() => cache.stats().level === 'redis');
  return { cache, url: served.url, silent, kept, runs: () => runs };
}

describe.each(['memory', 'redis'] as const)('a handler that never responds, on %s', (level) => {
  const urlOf = (): string | undefined => (level === 'redis' ? redis.url : undefined);

  it('B31 keeps its key for the lease at most: those who wait are served then', async () => {
    const { url, silent, cache } = await instance(urlOf(), '300ms', '60s');
    const first = leavable(`${url}/film`);
    await silent.arrived();
    const waiting = [ask(`${url}/film`), ask(`${url}/film`)];
    await eventually(() => cache.stats().caches['/film']?.collapsed === 2);
    expect((await Promise.all(waiting)).map(({ body }) => body.toString())).toEqual(['film', 'film']);
    expect((await ask(`${url}/film`)).cache).toBe('hit');
    expect(cache.stats().caches['/film']?.notStored).toMatchObject({ timeout: 1 });
    await first.leave();
  });

  it('B31 frees its key when its client leaves, long before the lease ends', async () => {
    const { url, silent, runs, cache } = await instance(urlOf(), '60s', '60s');
    const first = leavable(`${url}/film`);
    await silent.arrived();
    const second = ask(`${url}/film`);
    await eventually(() => cache.stats().caches['/film']?.collapsed === 1);
    await first.leave();
    expect((await second).body.toString()).toBe('film');
    expect(runs()).toBe(2);
    if (level === 'redis') expect(await redis.cli('KEYS', 'warmpath:1:l:*')).toEqual([]);
  });

  it('B31 keeps nothing of the request once its connection is closed', async () => {
    const collect = await collector();
    const { url, silent, kept } = await instance(urlOf(), '60s', '60s');
    const first = leavable(`${url}/film`);
    await silent.arrived();
    await first.leave();
    await eventually(async () => {
      collect();
      return kept.length === 2 && kept.every((one) => one.deref() === undefined);
    });
  });
});

/** What collects garbage, in a process that was not started for it. */
async function collector(): Promise<() => void> {
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([import('node:v8'), import('node:vm')]);
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
