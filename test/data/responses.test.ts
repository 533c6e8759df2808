import express from 'express';
import { expect, it } from 'vitest';
import { entityTag } from '../../lib/cache/entity-tag.js';
import { responseCache } from '../../lib/middleware/response-cache.js';
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
