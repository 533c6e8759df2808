import { describe, expect, it } from 'vitest';
import { createRedis } from '../../lib/redis/client.js';
import { startRedis } from '../../lib/testing/index.js';
import { adminApp } from './support/admin-app.js';
import { soon } from './support/soon.js';

describe('the JSON of the admin page', () => {
  it('gives the figures, per route too, without Redis', async () => {
    const { url, get } = await adminApp();
    for (let i = 0; i < 4; i++) await fetch(`${url}/movies/1`);
    const stats = await get('cache/stats');
    expect(stats).toMatchObject({
      cache_enabled: true,
      status: 'memory',
      stats: {
        connected_clients: 0,
        used_memory: expect.any(Number),
        used_memory_human: expect.stringMatching(/^[\d.]+[BKMG]$/),
        keyspace_hits: 3,
        keyspace_misses: 1,
        total_commands_processed: 0,
        hit_ratio: 0.75,
        entries: 1,
        routes: { '/movies/:id': { hits: 3, misses: 1, fills: 1, hit_ratio: 0.75 } },
      },
    });
  });

  it('gives the figures of Redis with Redis, and null while it is away', async () => {
    const server = await startRedis();
    const redis = createRedis(server.url);
    try {
      const { url, get } = await adminApp({ cache: { redis } });
      await soon(async () => expect((await get('cache/stats')).status).toBe('connected'));
      for (let i = 0; i < 4; i++) await fetch(`${url}/movies/1`);
      await soon(async () => {
        const { stats } = (await get('cache/stats')) as { stats: Record<string, number> };
        expect(stats.total_commands_processed).toBeGreaterThan(0);
        expect(stats.connected_clients).toBeGreaterThan(0);
        expect(stats.used_memory).toBeGreaterThan(500_000);
        expect(stats.hit_ratio).toBe(0.75);
      });
      await server.kill();
      await soon(async () => {
        expect(await get('cache/stats')).toMatchObject({ status: 'disconnected', stats: { used_memory: null } });
      });
    } finally {
      redis?.disconnect();
      await server.stop();
    }
  });

  it('lists entries by a literal prefix, without bodies and without what could identify someone (A6.6, A2.15)', async () => {
    const { url, get } = await adminApp();
    await fetch(`${url}/movies/1`);
    await fetch(`${url}/search?q=alice%40example.com&token=SECRET&page=2`);
    const { keys } = (await get('cache/keys')) as { keys: Record<string, unknown>[] };
    expect(keys).toHaveLength(2);
    const [search] = ((await get('cache/keys?prefix=/search')) as { keys: Record<string, unknown>[] }).keys;
    expect(search).toMatchObject({
      key: '/search?page=2&q=•••&token=•••',
      age_seconds: expect.any(Number),
      bytes: expect.any(Number),
    });
    expect(((await get('cache/keys?prefix=/movies')) as { keys: { tags: string[] }[] }).keys[0]?.tags).toEqual([
      'movies',
      'movie:1',
    ]);
    const everything = JSON.stringify([
      keys,
      await get('cache/stats'),
      await get('cache/low-hit'),
      await get('observability/data'),
    ]);
    for (const secret of ['SECRET', 'alice', '"run"']) expect(everything).not.toContain(secret);
  });

  it('lists routes and entries under a hit ratio', async () => {
    const { url, get } = await adminApp();
    await fetch(`${url}/movies/1`);
    await fetch(`${url}/movies/2`);
    const low = await get('cache/low-hit?below=0.9');
    expect(low).toMatchObject({ below: 0.9, routes: [{ route: '/movies/:id', hit_ratio: 0, requests: 2 }] });
    expect((low as { entries: unknown[] }).entries).toHaveLength(2);
    expect((await get('cache/low-hit?below=x')).error).toBe(400);
  });

  it('previews an invalidation, and then does it', async () => {
    const { url, post, runs } = await adminApp();
    for (const id of [1, 2, 3]) await fetch(`${url}/movies/${id}`);
    expect(await (await post('cache/preview', { tags: ['movie:2'] })).json()).toEqual({
      entries: 1,
      exact: true,
      sample: ['/movies/2'],
    });
    await fetch(`${url}/movies/2`);
    expect(runs.count).toBe(3);
    expect(await (await post('cache/invalidate', { tags: ['movie:2'] })).json()).toEqual({
      invalidated: true,
      soft: false,
    });
    await fetch(`${url}/movies/2`);
    await fetch(`${url}/movies/1`);
    expect(runs.count).toBe(4);
  });

  it('clears by a prefix that is literal, in the path or in the body (A6.3)', async () => {
    const { cache, post } = await adminApp();
    const names = ['a1', 'a[1]', 'a*', 'a?', 'a\\', 'ab', 'b', 'a/b c'];
    const fill = () => Promise.all(names.map((name) => cache.set(name, 1, { ttl: '1h' })));
    const left = async () => {
      const values = await cache.getMany(names);
      return names.filter((_name, index) => values[index] !== undefined);
    };
    for (const prefix of ['a[1]', 'a*', 'a?', 'a\\', 'a/b c']) {
      for (const inBody of [true, false]) {
        await fill();
        const response = inBody
          ? await post('cache/clear', { prefix })
          : await post(`cache/clear/${encodeURIComponent(prefix)}`);
        expect(await response.json(), prefix).toMatchObject({ cleared: true, entries: 1 });
        expect(await left()).toEqual(names.filter((name) => name !== prefix));
      }
    }
  });

  it.each([
    ['an empty prefix', 'cache/clear', { prefix: '' }],
    ['no prefix', 'cache/clear', {}],
    ['an empty prefix in the path', 'cache/clear/', {}],
    ['a number', 'cache/clear', { prefix: 1 }],
    ['an array', 'cache/clear', { prefix: ['a'] }],
    ['an object', 'cache/clear', { prefix: { $gt: '' } }],
    ['a path that does not decode', 'cache/clear/%zz', {}],
    ['an empty target', 'cache/invalidate', {}],
    ['an empty list', 'cache/invalidate', { tags: [] }],
    ['an empty tag', 'cache/invalidate', { tags: [''] }],
    ['a list of others', 'cache/invalidate', { tags: [{}] }],
    ['a soft that is not a boolean', 'cache/invalidate', { tags: ['a'], soft: 'yes' }],
    ['an array as body', 'cache/invalidate', ['a']],
    ['null as body', 'cache/invalidate', null],
    ['a very long tag', 'cache/invalidate', { tags: ['x'.repeat(5000)] }],
    ['nothing to refresh', 'cache/refresh', {}],
  ])('refuses %s (A6.3)', async (_what, path, body) => {
    const { cache, post } = await adminApp();
    await cache.set('a', 1, { ttl: '1h' });
    const response = await post(path, body);
    expect(response.status).toBe(400);
    expect(await cache.get('a')).toBe(1);
  });

  it('refuses a body of a megabyte, and one that is not JSON', async () => {
    const { base, post } = await adminApp();
    expect((await post('cache/clear', { prefix: 'x'.repeat(1_000_000) })).status).toBe(413);
    const headers = { 'content-type': 'application/json', 'x-requested-with': 'x' };
    expect((await fetch(`${base}/cache/clear`, { method: 'POST', headers, body: '{' })).status).toBe(400);
  });

  it('takes the body from a parser mounted above as well', async () => {
    const { default: express } = await import('express');
    const { cache, post } = await adminApp({ before: [express.json()] });
    await cache.set('a', 1, { ttl: '1h' });
    expect(await (await post('cache/clear', { prefix: 'a' })).json()).toMatchObject({ cleared: true, entries: 1 });
  });

  it('flushes this namespace and touches nothing else in Redis (A6.4)', async () => {
    const server = await startRedis();
    const redis = createRedis(server.url);
    try {
      await server.cli('SET', 'foreign', '1');
      const { cache, post, get } = await adminApp({ cache: { redis } });
      await soon(async () => expect((await get('cache/stats')).status).toBe('connected'));
      await cache.set('a', 1, { ttl: '1h' });
      expect(await (await post('cache/flush')).json()).toEqual({ flushed: true });
      expect(await cache.get('a')).toBeUndefined();
      expect(await server.cli('GET', 'foreign')).toBe('1');
    } finally {
      redis?.disconnect();
      await server.stop();
    }
  });

  it('refreshes one entry by the id a listing gave it, through the app', async () => {
    const { url, post, get, runs } = await adminApp();
    await fetch(`${url}/movies/1`);
    const { keys } = (await get('cache/keys')) as { keys: { id: string }[] };
    expect(await (await post('cache/refresh', { id: keys[0]!.id })).json()).toEqual({ refreshed: true });
    expect(runs.count).toBe(2);
    expect(await (await fetch(`${url}/movies/1`)).json()).toMatchObject({ run: 2 });
    expect((await post('cache/refresh', { id: 'nope' })).status).toBe(404);
    expect(await (await post('cache/refresh', { key: 'value-key' })).json()).toEqual({ refreshed: false });
  });

  it('answers unknown paths and wrong methods as such', async () => {
    const { base, post } = await adminApp();
    expect((await fetch(`${base}/no/such`)).status).toBe(404);
    expect((await post('cache/no-such')).status).toBe(404);
    expect((await post('cache/stats')).status).toBe(405);
    expect((await fetch(`${base}/cache/flush`)).status).toBe(405);
    expect((await fetch(`${base}/cache/stats`, { method: 'HEAD' })).status).toBe(200);
  });

  it('leads to the page from every form of its own address, with relative links only', async () => {
    const { base } = await adminApp({ mount: '/ops/cache-admin' });
    for (const path of ['', '/', '/observability/']) {
      expect((await fetch(base + path)).url).toBe(`${base}/observability`);
    }
  });
});
