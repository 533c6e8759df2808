import express from 'express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type Cache,
  type CacheOptions,
  createCache,
  createRedis,
  invalidateOnWrite,
  responseCache,
} from '../../lib/index.js';
import { eventually, gate, type RedisServer, startRedis, startTcpProxy } from '../../lib/testing/index.js';
import { ask, type Served, serve } from './support/serve.js';

let redis: RedisServer;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  redis.resume();
  await eventually(() => redis.cli('FLUSHALL'));
});

/** An instance of an app of its own: own connection, own cache, shared "database". */
async function instance(
  url: string | undefined,
  options: CacheOptions = {},
): Promise<{ cache: Cache; client: ReturnType<typeof createRedis> }> {
  const client = url === undefined ? undefined : createRedis(url);
  const cache = createCache({ redis: client, jitter: 0, logger: quiet, ...options });
  closing.push(async () => {
    await cache.close({ grace: '100ms' });
    client?.disconnect();
  });
  if (client !== undefined) await eventually(() => cache.stats().level === 'redis');
  return { cache, client };
}

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

async function served(build: (app: ReturnType<typeof express>) => void): Promise<Served> {
  const app = express();
  build(app);
  const one = await serve(app);
  closing.push(() => one.close());
  return one;
}

/** A film route over a cache: its handler reads the title, then waits at `held` the first time, then answers what it read. */
function filmRoute(cache: Cache, database: { title: string }, held = gate(), runs = { count: 0 }) {
  return (app: ReturnType<typeof express>): void => {
    app.get(
      '/film',
      responseCache(cache, { ttl: '1h', staleWhileRevalidate: '1m', tags: ['film'] }),
      async (_req, res) => {
        runs.count += 1;
        const { title } = database;
        if (runs.count === 1) await held.wait();
        res.send(title);
      },
    );
    app.put('/film', invalidateOnWrite(cache, { tags: ['film'] }), (_req, res) => {
      database.title = 'new';
      res.sendStatus(204);
    });
  };
}

const text = async (url: string): Promise<string> => (await ask(`${url}/film`)).body.toString();

describe.each(['memory', 'redis'] as const)('an overtaken fill, on %s', (level) => {
  const urlOf = (): string | undefined => (level === 'redis' ? redis.url : undefined);

  it('B29 is not stored when its tag was invalidated while its handler ran', async () => {
    const { cache } = await instance(urlOf());
    const database = { title: 'old' };
    const held = gate();
    const { url } = await served(filmRoute(cache, database, held));
    const overtaken = text(url);
    await held.arrived();
    expect((await ask(`${url}/film`, { method: 'PUT' })).status).toBe(204);
    held.open();
    expect(await overtaken).toBe('old');
    expect(await text(url)).toBe('new');
    expect(await text(url)).toBe('new');
  });

  it.each([
    ['its URL', (cache: Cache) => cache.invalidate({ urls: ['/film'] })],
    ['a prefix of it', (cache: Cache) => cache.invalidate({ prefix: '/fi' })],
    ['everything', (cache: Cache) => cache.clear()],
    ['its tag, softly', (cache: Cache) => cache.invalidate({ tags: ['film'] }, { soft: true })],
  ])('is not served as fresh when %s was invalidated while its handler ran', async (_what, invalidate) => {
    const { cache } = await instance(urlOf());
    const database = { title: 'old' };
    const held = gate();
    const { url } = await served(filmRoute(cache, database, held));
    const overtaken = text(url);
    await held.arrived();
    database.title = 'new';
    await invalidate(cache);
    held.open();
    await overtaken;
    await eventually(async () => (await text(url)) === 'new');
    expect((await ask(`${url}/film`)).body.toString()).toBe('new');
  });

  it('ends exactly what a prefix names, literally', async () => {
    const { cache } = await instance(urlOf());
    const names = ['a[1]', 'a1', 'a*', 'ab', 'a?', 'a\\x', 'a', 'b'];
    for (const name of names) await cache.set(name, name, { ttl: '1h' });
    await cache.invalidate({ prefix: 'a[1]' });
    expect(await cache.getMany(names)).toEqual([undefined, 'a1', 'a*', 'ab', 'a?', 'a\\x', 'a', 'b']);
    await cache.invalidate({ prefix: 'a*' });
    expect(await cache.getMany(names)).toEqual([undefined, 'a1', undefined, 'ab', 'a?', 'a\\x', 'a', 'b']);
    await cache.invalidate({ prefix: 'a' });
    expect(await cache.getMany(names)).toEqual([...names.slice(0, 7).map(() => undefined), 'b']);
  });

  it('refuses targets that name nothing, instead of emptying everything', async () => {
    const { cache } = await instance(urlOf());
    await cache.set('kept', 1, { ttl: '1h' });
    for (const target of [{}, { tags: [] }, { prefix: '' }, { urls: [''] }, { keys: [] }]) {
      await expect(cache.invalidate(target)).rejects.toMatchObject({ code: 'ERR_TARGET' });
    }
    expect(await cache.get('kept')).toBe(1);
  });

  it('serves what was softly invalidated once more while it is refreshed', async () => {
    const { cache } = await instance(urlOf());
    const database = { title: 'old' };
    const held = gate();
    held.open();
    const { url } = await served(filmRoute(cache, database, held));
    await text(url);
    expect((await ask(`${url}/film`)).cache).toBe('hit');
    database.title = 'new';
    await cache.invalidate({ tags: ['film'] }, { soft: true });
    const stale = await ask(`${url}/film`);
    expect([stale.cache, stale.body.toString()]).toEqual(['stale', 'old']);
    await eventually(async () => (await ask(`${url}/film`)).cache === 'hit');
    expect(await text(url)).toBe('new');
  });
});

describe('between instances', () => {
  it('an invalidation of one instance ends the fill of another', async () => {
    const here = await instance(redis.url);
    const there = await instance(redis.url);
    const database = { title: 'old' };
    const held = gate();
    const a = await served(filmRoute(here.cache, database, held));
    const b = await served(filmRoute(there.cache, database, held, { count: 1 }));
    const overtaken = text(a.url);
    await held.arrived();
    await ask(`${b.url}/film`, { method: 'PUT' });
    held.open();
    expect(await overtaken).toBe('old');
    expect(await text(b.url)).toBe('new');
    expect(await text(a.url)).toBe('new');
  });

  it('does not serve what a delayed connection wrote after the invalidation', async () => {
    const proxy = await startTcpProxy(redis.port);
    closing.push(() => proxy.close());
    const here = await instance(proxy.url);
    const there = await instance(redis.url);
    const database = { title: 'old' };
    const held = gate();
    const a = await served(filmRoute(here.cache, database, held));
    const b = await served(filmRoute(there.cache, database, held, { count: 1 }));
    const overtaken = text(a.url);
    await held.arrived();
    // From here on what this instance writes arrives 400 ms later: after the invalidation.
    proxy.setDelay(400);
    held.open();
    await overtaken;
    await ask(`${b.url}/film`, { method: 'PUT' });
    expect(await text(b.url)).toBe('new');
    await eventually(async () => (await redis.cli('EXISTS', 'nothing')) === 0);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await text(b.url)).toBe('new');
    proxy.pass();
    await eventually(() => here.cache.stats().level === 'redis');
    expect(await text(a.url)).toBe('new');
  });

  it('B3 keeps an invalidation that Redis could not be told, and tells it before it serves from Redis again', async () => {
    const here = await instance(redis.url);
    const there = await instance(redis.url);
    const database = { title: 'old' };
    const held = gate();
    held.open();
    const a = await served(filmRoute(here.cache, database, held));
    const b = await served(filmRoute(there.cache, database, held, { count: 1 }));
    await text(a.url);
    expect(await text(b.url)).toBe('old');
    redis.pause();
    expect((await ask(`${a.url}/film`, { method: 'PUT' })).status).toBe(204);
    expect(await text(a.url)).toBe('new');
    redis.resume();
    expect(await text(a.url)).toBe('new');
    await eventually(() => here.cache.stats().level === 'redis');
    expect(await text(a.url)).toBe('new');
    await eventually(async () => (await text(b.url)) === 'new');
  });

  it('B40 takes a lost version for an invalidation', async () => {
    const { cache } = await instance(redis.url);
    await cache.set('a', 1, { ttl: '1h', tags: ['t'] });
    expect(await cache.get('a')).toBe(1);
    for (const key of (await redis.cli('KEYS', 'warmpath:1:v:*')) as string[]) await redis.cli('DEL', key);
    expect(await cache.get('a')).toBeUndefined();
    await cache.set('a', 2, { ttl: '1h', tags: ['t'] });
    expect(await cache.get('a')).toBe(2);
    for (const key of (await redis.cli('KEYS', 'warmpath:1:n:*')) as string[]) await redis.cli('DEL', key);
    expect(await cache.get('a')).toBeUndefined();
  });

  it('revives nothing when Redis comes back with an older state', async () => {
    const { cache } = await instance(redis.url);
    await cache.set('a', 'old', { ttl: '1h', tags: ['t'] });
    await redis.cli('SAVE');
    await cache.invalidate({ tags: ['t'] });
    await redis.kill();
    await redis.restart({ keepData: true });
    expect((await redis.cli('DBSIZE')) as number).toBeGreaterThan(0);
    await eventually(() => cache.stats().level === 'redis');
    expect(await cache.get('a')).toBeUndefined();
  });

  it('B17 repairs its own records when they were turned into something else, and goes on', async () => {
    const { cache } = await instance(redis.url);
    await cache.set('a', 1, { ttl: '1h', tags: ['t'] });
    await cache.invalidate({ prefix: 'zzz' });
    for (const key of (await redis.cli('KEYS', 'warmpath:*')) as string[]) {
      await redis.cli('DEL', key);
      await redis.cli('RPUSH', key, 'foreign');
    }
    await cache.invalidate({ tags: ['t'] });
    await cache.invalidate({ tags: ['t'] }, { soft: true });
    await cache.invalidate({ prefix: 'a' });
    expect(await cache.get('a')).toBeUndefined();
    await eventually(() => cache.stats().level === 'redis');
    await eventually(() => cache.set('a', 2, { ttl: '1h', tags: ['t'] }));
    expect(await cache.get('a')).toBe(2);
  });

  it('A3.14 bounds the prefixes it remembers, empties the namespace beyond, and never lists or flushes the server', {
    timeout: 60_000,
  }, async () => {
    const { cache } = await instance(redis.url);
    await redis.cli('CONFIG', 'RESETSTAT');
    await eventually(() => cache.set('kept', 1, { ttl: '1h' }));
    for (let i = 0; i < 600; i++) await cache.invalidate({ prefix: `*****${i}a` });
    expect(await cache.get('kept')).toBeUndefined();
    expect(
      Number(await redis.cli('HLEN', String(((await redis.cli('KEYS', 'warmpath:1:p:*')) as string[])[0] ?? 'none'))),
    ).toBeLessThanOrEqual(512);
    await redis.cli('CONFIG', 'RESETSTAT');
    await cache.clear();
    await cache.invalidate({ prefix: 'a' });
    expect(String(await redis.cli('INFO', 'commandstats'))).not.toMatch(/cmdstat_(?:keys|flushdb|flushall)/);
  });

  it('B41 starts anew after FLUSHALL', async () => {
    const { cache } = await instance(redis.url);
    await cache.set('a', 1, { ttl: '1h' });
    await redis.cli('FLUSHALL');
    expect(await cache.get('a')).toBeUndefined();
    await cache.set('a', 2, { ttl: '1h' });
    expect(await cache.get('a')).toBe(2);
  });

  it('A6.4 leaves the keys of others alone when it is cleared', async () => {
    const { cache } = await instance(redis.url);
    const other = await instance(redis.url, { namespace: 'other' });
    const next = await instance(redis.url, { version: '2' });
    await redis.cli('SET', 'foreign', '1');
    for (const one of [cache, other.cache, next.cache]) await one.set('a', 1, { ttl: '1h' });
    await cache.clear();
    expect(await cache.get('a')).toBeUndefined();
    expect(await other.cache.get('a')).toBe(1);
    expect(await next.cache.get('a')).toBe(1);
    expect(await redis.cli('GET', 'foreign')).toBe('1');
    expect(await redis.cli('KEYS', 'warmpath:1:e:*')).toEqual([]);
  });
});

describe('near cache', () => {
  const near: CacheOptions = { memory: { nearCache: '30s' } };

  it('serves from memory over Redis, and forgets what another instance invalidated', async () => {
    const here = await instance(redis.url, near);
    const there = await instance(redis.url);
    await here.cache.set('a', 1, { ttl: '1h', tags: ['t'] });
    await eventually(async () => {
      const before = here.cache.stats().caches.data?.memoryHits ?? 0;
      expect(await here.cache.get('a')).toBe(1);
      return (here.cache.stats().caches.data?.memoryHits ?? 0) > before;
    });
    await there.cache.invalidate({ tags: ['t'] });
    await eventually(async () => (await here.cache.get('a')) === undefined);
  });

  it('B24 is emptied when its channel is lost, and used again only after the channel is back', async () => {
    const here = await instance(redis.url, near);
    const there = await instance(redis.url);
    await here.cache.set('a', 1, { ttl: '1h', tags: ['t'] });
    await eventually(async () => {
      await here.cache.get('a');
      return (here.cache.stats().caches.data?.memoryHits ?? 0) > 0;
    });
    await redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await there.cache.invalidate({ tags: ['t'] });
    await eventually(async () => (await here.cache.get('a')) === undefined, { timeoutMs: 3000 });
  });
});
