import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import express from 'express';
import { expect, it } from 'vitest';
import type { Cache } from '../../lib/cache/cache.js';
import { entityTag } from '../../lib/cache/entity-tag.js';
import { createServer } from '../../lib/middleware/create-server.js';
import { type ResponseCacheOptions, responseCache } from '../../lib/middleware/response-cache.js';
import { eventually, gate } from '../../lib/testing/index.js';
import { onEveryLevel, onRedis } from './levels.js';
import { listen } from './listen.js';

onRedis('responses of the version before', ({ instance }) => {
  it('are served as stale while this version makes its own', async () => {
    // One server for both, as the host is part of what a response is stored under.
    const apps = new Map<string, express.Express>();
    for (const [version, compatibleWith] of [
      ['41', undefined],
      ['42', '41'],
    ] as const) {
      const cache = await instance({ version, compatibleWith });
      const app = express();
      const caching = responseCache(cache, { ttl: '1h', staleWhileRevalidate: '1h' });
      app.get('/film', caching, (_req, res) => void res.send(`by version ${version}`));
      apps.set(version, app);
    }
    let deployed = '41';
    const { url, close } = await listen((req, res) => void apps.get(deployed)?.(req, res));
    const get = async () => {
      const res = await fetch(`${url}/film`);
      return [res.headers.get('x-cache'), await res.text()];
    };
    expect(await get()).toEqual(['miss', 'by version 41']);
    await expect.poll(get).toEqual(['hit', 'by version 41']);
    deployed = '42';
    expect(await get()).toEqual(['stale', 'by version 41']);
    await expect.poll(get).toEqual(['hit', 'by version 42']);
    await close();
  });
});

onEveryLevel('responses that carry an entity', ({ instance }) => {
  it('are reached by bump', async () => {
    const cache = await instance();
    const app = express();
    let runs = 0;
    const caching = responseCache(cache, { ttl: '1h', tags: [entityTag('movie', '{id}')] });
    app.get('/movies/:id', caching, (_req, res) => void res.json(++runs));
    const { url, close } = await listen(app);
    for (const path of ['/movies/7', '/movies/8', '/movies/7']) await fetch(url + path);
    expect(runs).toBe(2);
    await cache.bump('movie', 7);
    for (const path of ['/movies/7', '/movies/8']) await fetch(url + path);
    expect(runs).toBe(3);
    await close();
  });
});

/** An app with one route; tells what the cache said and what was answered. */
async function oneRoute(caches: readonly Cache[], options: ResponseCacheOptions, handler: express.RequestHandler) {
  const apps = caches.map((cache) => express().get('/film', responseCache(cache, options), handler));
  let turn = 0;
  // One server for all instances, as the host is part of what a response is stored under.
  const { url, close } = await listen((req, res) => apps[turn % apps.length]?.(req, res));
  const get = async (instance = 0) => {
    turn = instance;
    const res = await fetch(`${url}/film`);
    return [res.headers.get('x-cache'), await res.text()];
  };
  return { get, close };
}

onEveryLevel('refreshAhead of responses', ({ instance, clock }) => {
  it('renews an entry in the background by a hit late in its lifetime, and by no other', async () => {
    const cache = await instance();
    let runs = 0;
    const { get, close } = await oneRoute([cache], { ttl: '100s', refreshAhead: 0.8 }, (_req, res) => {
      res.send(`run ${++runs}`);
    });
    expect(await get()).toEqual(['miss', 'run 1']);
    await expect.poll(get).toEqual(['hit', 'run 1']);
    clock.advance(79_000);
    expect(await get()).toEqual(['hit', 'run 1']);
    clock.advance(2000);
    expect(await get()).toEqual(['hit', 'run 1']);
    await expect.poll(get).toEqual(['hit', 'run 2']);
    clock.advance(30_000);
    expect(await get()).toEqual(['hit', 'run 2']);
    expect(cache.stats()).toMatchObject({ misses: 1 });
    expect(cache.stats().caches['/film']?.refreshes).toEqual({ stored: 1 });
    await close();
  });

  it('does not ask the handler again while a refresh is on its way, and keeps the entry when it fails', async () => {
    const cache = await instance();
    const refreshing = gate();
    let runs = 0;
    const { get, close } = await oneRoute([cache], { ttl: '100s', refreshAhead: 0.5 }, async (_req, res) => {
      if (++runs === 1) return void res.send('first');
      await refreshing.wait();
      res.status(503).send('no');
    });
    await get();
    await expect.poll(get).toEqual(['hit', 'first']);
    clock.advance(60_000);
    for (let n = 0; n < 20; n++) expect(await get()).toEqual(['hit', 'first']);
    await refreshing.arrived(1);
    refreshing.open();
    await expect.poll(() => cache.stats().caches['/film']?.refreshes).toEqual({ failed: 1 });
    expect(await get()).toEqual(['hit', 'first']);
    expect(runs).toBe(2);
    await close();
  });

  it('keeps its hits out of the fast lane, which would not set it off', async () => {
    const cache = await instance({ memory: { nearCache: '1h' } });
    let runs = 0;
    const app = express();
    const caching = responseCache(cache, { ttl: '100s', refreshAhead: 0.5, fastLane: true });
    app.get('/film', caching, (_req, res) => void res.send(`run ${++runs}`));
    const server = createServer(app, { cache });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const get = async () => (await fetch(`http://127.0.0.1:${port}/film`)).text();
    for (let n = 0; n < 5; n++) expect(await get()).toBe('run 1');
    clock.advance(60_000);
    await get();
    await eventually(() => runs === 2);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('refuses what is no share', async () => {
    const cache = await instance();
    for (const refreshAhead of [-0.1, 1.1, Number.NaN, '0.8'] as number[])
      expect(() => responseCache(cache, { refreshAhead })).toThrow(/responseCache.refreshAhead/);
  });
});

onRedis('refreshAhead on several instances', ({ instance, clock }) => {
  it('asks the handler of one of them', async () => {
    const caches = [await instance(), await instance(), await instance()];
    const refreshing = gate();
    let runs = 0;
    const { get, close } = await oneRoute(caches, { ttl: '100s', refreshAhead: 0.8 }, async (_req, res) => {
      if (++runs > 1) await refreshing.wait();
      res.send(`run ${runs}`);
    });
    await get();
    for (const n of caches.keys()) await expect.poll(() => get(n)).toEqual(['hit', 'run 1']);
    clock.advance(90_000);
    for (let n = 0; n < 30; n++) expect(await get(n)).toEqual(['hit', 'run 1']);
    await refreshing.arrived(1);
    refreshing.open();
    for (const n of caches.keys()) await expect.poll(() => get(n)).toEqual(['hit', 'run 2']);
    expect(runs).toBe(2);
    await close();
  });
});

onEveryLevel('lifetimes of responses by rule', ({ instance, clock }) => {
  it('go by how popular the handler says an item is', async () => {
    const cache = await instance();
    let views = 5;
    const ttl: ResponseCacheOptions['ttl'] = (_req, res) => (res.locals.views > 100 ? '1h' : '1m');
    const { get, close } = await oneRoute([cache], { ttl }, (_req, res) => {
      res.locals.views = views;
      res.send(`seen ${views}`);
    });
    await get();
    await expect.poll(get).toEqual(['hit', 'seen 5']);
    views = 500;
    clock.advance(61_000);
    expect(await get()).toEqual(['miss', 'seen 500']);
    await expect.poll(get).toEqual(['hit', 'seen 500']);
    views = 1000;
    clock.advance(3_500_000);
    expect(await get()).toEqual(['hit', 'seen 500']);
    await close();
  });

  it('go by the tier of who asks, with an entry for each tier', async () => {
    const cache = await instance();
    let runs = 0;
    const tierOf = (req: express.Request) => (req.get('x-api-key') ? 'member' : 'anonymous');
    const app = express();
    const caching = responseCache(cache, {
      key: (req) => `${tierOf(req)}:${req.path}`,
      ttl: (req) => (tierOf(req) === 'member' ? '10s' : '5m'),
      observe: { ignore: ['x-api-key'] },
    });
    app.get('/report', caching, (_req, res) => void res.send(`run ${++runs}`));
    const { url, close } = await listen(app);
    const get = async (headers: Record<string, string> = {}) => (await fetch(`${url}/report`, { headers })).text();
    const member = { 'x-api-key': 'k' };
    expect([await get(), await get(member)]).toEqual(['run 1', 'run 2']);
    await expect.poll(() => cache.stats().caches['/report']?.fills).toBe(2);
    clock.advance(20_000);
    expect([await get(), await get(member)]).toEqual(['run 1', 'run 3']);
    await close();
  });
});

onEveryLevel('redact of responses', ({ instance }) => {
  const film = { title: 'Wings', owner: { name: 'Ann', password_hash: 'x', Api_Key: 'y' } };

  it('takes fields out of what is stored of JSON answers: those of the cache and those of the route', async () => {
    const cache = await instance({ redact: ['password_hash'] });
    const { get, close } = await oneRoute([cache], { ttl: '1h', redact: ['api_key'] }, (_req, res) => {
      res.json(film);
    });
    // The one who made the handler run gets its answer; what is kept for all others is another.
    expect(await get()).toEqual(['miss', JSON.stringify(film)]);
    const kept = JSON.stringify({ title: 'Wings', owner: { name: 'Ann' } });
    await expect.poll(get).toEqual(['hit', kept]);
    await close();
  });

  it('leaves other routes, and answers that are no JSON, as they are', async () => {
    const cache = await instance();
    const { get, close } = await oneRoute([cache], { ttl: '1h' }, (_req, res) => void res.json(film));
    await get();
    await expect.poll(get).toEqual(['hit', JSON.stringify(film)]);
    await close();
    const text = await oneRoute([await instance()], { ttl: '1h', redact: ['api_key'] }, (_req, res) => {
      res.type('text').send('api_key: y');
    });
    await text.get();
    await expect.poll(text.get).toEqual(['hit', 'api_key: y']);
    await text.close();
    expect(() => responseCache(cache, { redact: 'api_key' as never })).toThrow(/responseCache.redact/);
  });
});

onEveryLevel('lookups of responses', ({ instance, clock, level }) => {
  it('are told at debug and on the diagnostics channel, with a digest of the key', async () => {
    const lines: string[] = [];
    const notes: unknown[] = [];
    const silent = () => {};
    const logger = {
      debug: (line: unknown) => void lines.push(String(line)),
      info: silent,
      warn: silent,
      error: silent,
    };
    const listener = (note: unknown) => void notes.push(note);
    const cache = await instance({ logger });
    const options = { name: 'films', ttl: '10s', staleWhileRevalidate: '1h' } as const;
    const { get, close } = await oneRoute([cache], options, (_req, res) => void res.send('body'));
    subscribe('warmpath:lookup', listener);
    await get();
    await expect.poll(get).toEqual(['hit', 'body']);
    const hits = lines.filter((line) => line.includes(' hit '));
    clock.advance(20_000);
    expect((await get())[0]).toBe('stale');
    await expect.poll(get).toEqual(['hit', 'body']);
    unsubscribe('warmpath:lookup', listener);
    expect(lines[0]).toMatch(/^warmpath: miss cache=films key=[0-9a-f]{16} latencyMs=[\d.]+$/);
    expect(hits[0]).toMatch(
      new RegExp(`^warmpath: hit cache=films key=[0-9a-f]{16} level=${level} latencyMs=[\\d.]+ ageMs=\\d+$`),
    );
    const stale = lines.find((line) => line.includes(' stale '));
    expect(stale).toMatch(/ageMs=2\d{4}$/);
    // The refresh in between was nobody's request.
    expect(lines.filter((line) => line.includes(' miss '))).toHaveLength(cache.stats().misses);
    expect(notes).toContainEqual(expect.objectContaining({ cache: 'films', result: 'stale', level }));
    expect(lines.join()).not.toContain('/film');
    await close();
  });
});
