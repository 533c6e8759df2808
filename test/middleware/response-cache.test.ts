import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Express } from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { createCache } from '../../lib/cache/cache.js';
import { invalidateOnWrite } from '../../lib/middleware/invalidate-on-write.js';
import { responseCache } from '../../lib/middleware/response-cache.js';

const servers: Server[] = [];

async function listen(app: Express): Promise<string> {
  const server = createServer(app);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

describe('responseCache in memory', () => {
  it('answers the second request from the store', async () => {
    const cache = createCache();
    const app = express();
    let runs = 0;
    app.get('/movies/:id', responseCache(cache, { ttl: '1h', tags: ['movie:{id}'] }), (req, res) => {
      runs += 1;
      res.json({ id: req.params.id, runs });
    });
    const url = await listen(app);
    const first = await fetch(`${url}/movies/7`);
    const second = await fetch(`${url}/movies/7`);
    expect(first.headers.get('x-cache')).toBe('miss');
    expect(first.headers.get('cache-status')).toBe('warmpath; fwd=uri-miss; stored');
    expect(second.headers.get('x-cache')).toBe('hit');
    expect(second.headers.get('cache-status')).toMatch(/^warmpath; hit; ttl=3\d\d\d$/);
    expect(second.headers.get('age')).toBe('0');
    expect(await second.text()).toBe(await first.text());
    expect(second.headers.get('etag')).toBe(first.headers.get('etag'));
    expect(runs).toBe(1);
    const head = await fetch(`${url}/movies/7`, { method: 'HEAD' });
    expect(head.headers.get('x-cache')).toBe('hit');
    expect(head.headers.get('content-length')).toBe(first.headers.get('content-length'));
    const conditional = await fetch(`${url}/movies/7`, {
      headers: { 'if-none-match': String(first.headers.get('etag')) },
    });
    expect(conditional.status).toBe(304);
  });

  it('runs the handler once for many requests at once', async () => {
    const cache = createCache();
    const app = express();
    let runs = 0;
    app.get('/slow', responseCache(cache, { ttl: '1h' }), async (_req, res) => {
      runs += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
      res.send('done');
    });
    const url = await listen(app);
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => fetch(`${url}/slow`).then((res) => res.text())),
    );
    expect(new Set(answers)).toEqual(new Set(['done']));
    expect(runs).toBe(1);
  });

  it('clears what a write names before its client sees the answer', async () => {
    const cache = createCache();
    const app = express();
    let title = 'old';
    app.get(
      '/movies/:id',
      responseCache(cache, { ttl: '1h', tags: ['movie:{id}'] }),
      (_req, res) => void res.json({ title }),
    );
    app.put('/movies/:id', invalidateOnWrite(cache, { tags: ['movie:{id}'] }), (_req, res) => {
      title = 'new';
      res.json({ title });
    });
    const url = await listen(app);
    await fetch(`${url}/movies/7`);
    expect((await fetch(`${url}/movies/7`)).headers.get('x-cache')).toBe('hit');
    expect((await fetch(`${url}/movies/7`, { method: 'PUT' })).status).toBe(200);
    const after = await fetch(`${url}/movies/7`);
    expect(after.headers.get('x-cache')).toBe('miss');
    expect(await after.json()).toEqual({ title: 'new' });
  });

  it('does not store what was overtaken by an invalidation', async () => {
    const cache = createCache();
    const app = express();
    let title = 'old';
    let release: () => void = () => {};
    app.get('/movie', responseCache(cache, { ttl: '1h', tags: ['movie'] }), async (_req, res) => {
      const read = title;
      if (read === 'old') await new Promise<void>((resolve) => (release = resolve));
      res.json({ title: read });
    });
    const url = await listen(app);
    const slow = fetch(`${url}/movie`);
    while (cache.stats().caches['/movie']?.misses !== 1) await new Promise((resolve) => setImmediate(resolve));
    title = 'new';
    await cache.invalidate({ tags: ['movie'] });
    release();
    expect(await (await slow).json()).toEqual({ title: 'old' });
    expect(await (await fetch(`${url}/movie`)).json()).toEqual({ title: 'new' });
  });
});

describe('createCache({ redact }) and JSON responses', () => {
  it('stores them without the fields, at any depth, under a tag of their own', async () => {
    const cache = createCache({ redact: ['password_hash', 'API_KEY'] });
    const app = express();
    app.get('/user', responseCache(cache, { ttl: '1h' }), (_req, res) => {
      res.json({ name: 'a', password_hash: 'x', keys: [{ api_key: 'y', id: 1 }] });
    });
    const url = await listen(app);
    const first = await fetch(`${url}/user`);
    await first.text();
    const stored = await fetch(`${url}/user`);
    expect(stored.headers.get('x-cache')).toBe('hit');
    expect(await stored.json()).toEqual({ name: 'a', keys: [{ id: 1 }] });
    expect(stored.headers.get('etag')).not.toBe(first.headers.get('etag'));
  });
});
