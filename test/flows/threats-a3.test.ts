import { expect, it } from 'vitest';
import { rateLimiter, responseCache } from '../../lib/index.js';
import { eventually, gate } from '../../lib/testing/index.js';
import { onEveryBackend } from './support/backends.js';
import { getRaw } from './support/raw.js';
import { ask } from './support/serve.js';

const hour = { ttl: '1h' } as const;
const body = async (answer: ReturnType<typeof ask>): Promise<string> => (await answer).body.toString();

onEveryBackend('A3 denial of service through the cache', (on) => {
  it('A3.1 hands nobody the refusal of an oversized request', async () => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.use(responseCache(cache, { ...hour, observe: 'off' }));
      app.use((req, res, next) =>
        String(req.headers['x-big'] ?? '').length > 10_000 ? void res.status(431).send('too big') : next(),
      );
      app.get('/p', (_req, res) => void res.send('page'));
    });
    expect((await ask(`${url}/p`, { headers: { 'x-big': 'x'.repeat(12_000) } })).status).toBe(431);
    expect(await body(ask(`${url}/p`))).toBe('page');
  });

  it('A3.2 is unmoved by control characters in a field', async () => {
    const cache = await on.cache();
    const { url } = await on.serve(
      (app) => void app.get('/p', responseCache(cache, hour), (_req, res) => void res.send('page')),
    );
    expect(await getRaw(url, '/p', ['Host: films.test', 'X-Meta: a\x07b'])).toContain('400');
    expect(await body(ask(`${url}/p`))).toBe('page');
  });

  it.each([400, 404, 405, 413, 416, 429, 500, 502, 503])(
    'A3.3 does not serve status %i to the next',
    async (status) => {
      const cache = await on.cache();
      const { url } = await on.serve((app) => {
        app.get('/p', responseCache(cache, { ...hour, observe: 'off' }), (req, res) => {
          if (req.headers['x-attack'] !== undefined) return void res.status(status).send('broken');
          res.send('page');
        });
      });
      await ask(`${url}/p`, { headers: { 'x-attack': '1' } });
      expect(await body(ask(`${url}/p`))).toBe('page');
    },
  );

  it('A3.4 neither stores a refusal of a limiter inside the cache nor replays its counters', async () => {
    const cache = await on.cache();
    const limiter = rateLimiter({
      name: `inside-${Math.random()}`,
      key: (req) => String(req.headers['x-user']),
      tiers: { all: { limit: 1, window: '1h' } },
    });
    const { url } = await on.serve((app) => {
      app.use(responseCache(cache, { ...hour, observe: 'off' }));
      app.use(limiter);
      app.get('/:p', (_req, res) => void res.send('page'));
    });
    const as = (user: string, path: string) => ask(url + path, { headers: { 'x-user': user } });
    expect((await as('a', '/p')).headers.ratelimit).toBeDefined();
    const hit = await as('b', '/p');
    expect([hit.cache, hit.headers.ratelimit, hit.headers['ratelimit-policy']]).toEqual(['hit', undefined, undefined]);
    expect((await as('a', '/q')).status).toBe(429);
    expect((await as('b', '/q')).status).toBe(200);
    limiter.close();
  });

  it('A5.8 stores answers behind a limiter mounted inside the cache, which reads the address for its own purpose', async () => {
    const cache = await on.cache();
    const limiter = rateLimiter({ name: `reads-${Math.random()}`, tiers: { all: { limit: 100, window: '1h' } } });
    const { url } = await on.serve((app) => {
      app.use(responseCache(cache, hour));
      app.use(limiter);
      app.get('/p', (_req, res) => void res.send('page'));
    });
    await ask(`${url}/p`);
    expect((await ask(`${url}/p`)).cache).toBe('hit');
    limiter.close();
  });

  it('A3.5 keeps its memory bounded under ever new URLs, and a key that is in use', { timeout: 60_000 }, async () => {
    const cache = await on.cache({ memory: { maxBytes: '1mb' } });
    await eventually(() => cache.set('hot', 1, { ttl: '1h' }));
    for (let i = 0; i < 1000; i++) {
      await cache.set(`flood:${i}`, 'x'.repeat(6000), { ttl: '1h' });
      if (i % 20 === 0) await cache.get('hot');
    }
    expect(cache.stats().bytes).toBeLessThanOrEqual(1024 * 1024);
    await eventually(async () => (await cache.get('hot')) === 1);
  });

  it('A3.7 stops copying what outgrows the limit, and hands it through whole', async () => {
    const cache = await on.cache({ maxEntryBytes: '64kb' });
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const { url } = await on.serve((app) => {
      app.get('/big', responseCache(cache, hour), async (_req, res) => {
        for (let i = 0; i < 64; i++) if (!res.write(chunk)) await new Promise((resolve) => res.once('drain', resolve));
        res.end();
      });
    });
    for (let i = 0; i < 2; i++) {
      const answer = await ask(`${url}/big`);
      expect([answer.body.length, answer.cache]).toEqual([64 * chunk.length, 'miss']);
    }
    expect(cache.stats().caches['/big']?.notStored['too-large']).toBe(2);
  });

  it('A3.12 lets nobody wait for a handler that never answers', async () => {
    const cache = await on.cache({ waitLimit: '200ms' });
    const held = gate();
    let runs = 0;
    const { url } = await on.serve((app) => {
      app.get('/p', responseCache(cache, hour), async (_req, res) => {
        runs += 1;
        if (runs === 1) await held.wait();
        res.send('page');
      });
    });
    const stuck = ask(`${url}/p`);
    await held.arrived();
    expect(await body(ask(`${url}/p`))).toBe('page');
    held.open();
    await stuck;
  });

  it.each([
    { 'cache-control': 'no-cache' },
    { pragma: 'no-cache' },
    { 'cache-control': 'max-age=0' },
    { 'cache-control': 'no-store' },
  ])('A3.13 lets no client force a miss: %o', async (headers) => {
    const cache = await on.cache();
    const { url } = await on.serve(
      (app) => void app.get('/p', responseCache(cache, hour), (_req, res) => void res.send('page')),
    );
    await ask(`${url}/p`);
    expect((await ask(`${url}/p`, { headers: headers as Record<string, string> })).cache).toBe('hit');
  });

  it('A3.13 obeys the client where the route says so', async () => {
    const cache = await on.cache();
    const { url } = await on.serve(
      (app) =>
        void app.get(
          '/p',
          responseCache(cache, { ...hour, requestDirectives: 'honor' }),
          (_req, res) => void res.send('page'),
        ),
    );
    await ask(`${url}/p`);
    expect((await ask(`${url}/p`, { headers: { 'cache-control': 'no-cache' } })).cache).toBe('miss');
    expect((await ask(`${url}/p`)).cache).toBe('hit');
    expect((await ask(`${url}/other`, { headers: { 'cache-control': 'only-if-cached' } })).status).toBe(404);
    await cache.clear();
    expect((await ask(`${url}/p`, { headers: { 'cache-control': 'only-if-cached' } })).status).toBe(504);
  });

  it('A3.15 keeps the number of names constant, whatever paths are asked for', async () => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.get('/film/:id', responseCache(cache, hour), (req, res) => void res.send(req.params.id));
      app.use(responseCache(cache, hour), (_req, res) => void res.status(404).send('none'));
    });
    for (let i = 0; i < 100; i++) await Promise.all([ask(`${url}/film/${i}`), ask(`${url}/${Math.random()}`)]);
    expect(Object.keys(cache.stats().caches).sort()).toEqual(['/film/:id', 'app']);
  });
});
