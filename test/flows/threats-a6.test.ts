import { expect, it } from 'vitest';
import { invalidateOnWrite, responseCache } from '../../lib/index.js';
import { eventually } from '../../lib/testing/index.js';
import { onEveryBackend, onRedis } from './support/backends.js';
import { ask } from './support/serve.js';

const film = { ttl: '1h', tags: ['film'] } as const;

onEveryBackend('A6 who may invalidate', (on) => {
  it('A6.10 takes tags from the program alone: what a client sends names nothing, and PURGE does nothing', async () => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.get('/film', responseCache(cache, film), (_req, res) => void res.send('film'));
      app.use('/notes', responseCache(cache), (_req, res) => void res.send('noted'));
    });
    const headers = {
      'cache-tag': 'film, evil',
      'surrogate-key': 'film evil',
      'cache-groups': '"film", "evil"',
      'cache-group-invalidation': '"film"',
    };
    const first = await ask(`${url}/film`, { headers });
    expect(Object.keys(first.headers).filter((name) => /tag|surrogate|group/.test(name) && name !== 'etag')).toEqual(
      [],
    );
    await cache.invalidate({ tags: ['evil'] });
    for (const method of ['PURGE', 'DELETE', 'UNLINK']) {
      expect((await ask(`${url}/film`, { method, headers })).status).toBe(404);
    }
    expect((await ask(`${url}/notes`, { method: 'POST', headers })).status).toBe(200);
    expect((await ask(`${url}/film`, { headers })).cache).toBe('hit');
  });

  it('A6.11 invalidates nothing for a write that was refused, and nothing on another origin', async () => {
    const cache = await on.cache();
    const answers: Record<string, readonly [number, string?]> = {
      forbidden: [403],
      missing: [404],
      broken: [500],
      elsewhere: [201, 'https://other.test/film'],
      port: [201, 'http://films.test:8080/film'],
      nonsense: [201, 'http://[/film'],
      here: [201, 'http://films.test/film'],
    };
    const { url } = await on.serve((app) => {
      app.get('/film', responseCache(cache, { ttl: '1h' }), (_req, res) => void res.send('film'));
      app.get('/tagged', responseCache(cache, film), (_req, res) => void res.send('film'));
      app.use('/write', responseCache(cache), (req, res) => {
        const [status, location] = answers[req.path.slice(1)] ?? [400];
        if (location !== undefined) res.set('Location', location);
        res.sendStatus(status);
      });
      app.put('/tagged/:how', invalidateOnWrite(cache, { tags: ['film'] }), (req, res) => {
        res.sendStatus(answers[String(req.params.how)]?.[0] ?? 400);
      });
    });
    const after = async (method: string, path: string, read: string): Promise<string | undefined> => {
      await ask(`${url}${read}`);
      expect((await ask(`${url}${read}`)).cache).toBe('hit');
      await ask(`${url}${path}`, { method });
      return (await ask(`${url}${read}`)).cache;
    };
    for (const how of ['forbidden', 'missing', 'broken', 'elsewhere', 'port', 'nonsense']) {
      expect([how, await after('POST', `/write/${how}`, '/film')]).toEqual([how, 'hit']);
    }
    expect(await after('POST', '/write/here', '/film')).toBe('miss');
    for (const how of ['forbidden', 'missing', 'broken']) {
      expect([how, await after('PUT', `/tagged/${how}`, '/tagged')]).toEqual([how, 'hit']);
    }
    expect(await after('PUT', '/tagged/here', '/tagged')).toBe('miss');
  });
});

onRedis('A6 what others publish', (on) => {
  it('A6.12 survives forged messages on its channels: they cost a miss at worst', async () => {
    const cache = await on.cache({ memory: { nearCache: '30s' } });
    const { url } = await on.serve((app) => {
      app.get('/film', responseCache(cache, film), (_req, res) => void res.send('film'));
    });
    await ask(`${url}/film`);
    const redis = on.redis();
    await eventually(async () => ((await redis.cli('PUBSUB', 'CHANNELS', 'warmpath:*')) as string[]).length > 0);
    const channels = (await redis.cli('PUBSUB', 'CHANNELS', 'warmpath:*')) as string[];
    const forged = [
      ...['', 'null', '[]', '{', '"x"', '{"i":1}', '{"i":"x","n":-1,"g":[1],"p":[]}', '\x00\xff', 'a'.repeat(1e6)],
      JSON.stringify({ i: 'x', n: 1, g: ['t:film'], p: [''], e: true, s: false }),
      JSON.stringify({ i: 'x', n: 2 ** 53 - 1, g: Array(10_000).fill('__proto__'), p: [], e: false, s: true }),
      '{"i":"x","n":3,"g":[],"p":[],"__proto__":{"polluted":true}}',
    ];
    for (const channel of channels) for (const message of forged) await redis.cli('PUBLISH', channel, message);
    for (let i = 0; i < 5; i++) expect((await ask(`${url}/film`)).body.toString()).toBe('film');
    expect((await ask(`${url}/film`)).cache).toBe('hit');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    await cache.invalidate({ tags: ['film'] });
    expect((await ask(`${url}/film`)).cache).toBe('miss');
  });
});
