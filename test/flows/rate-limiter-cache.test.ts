import { describe, expect, it } from 'vitest';
import { createCache } from '../../lib/cache/cache.js';
import { rateLimiter } from '../../lib/middleware/rate-limiter.js';
import { responseCache } from '../../lib/middleware/response-cache.js';
import { eventually } from '../../lib/testing/eventually.js';
import { fakeClock } from '../../lib/testing/fake-clock.js';
import { EXPRESSES, recordingLogger, serve } from '../quota/quota-support.js';

const QUOTA_FIELDS = /^(ratelimit|x-ratelimit|retry-after)/;

describe.each(EXPRESSES)('limiter and cache, %s', (_name, express) => {
  function parts() {
    const cache = createCache();
    const limiter = rateLimiter({
      tiers: { a: { limit: 3, window: '1m' } },
      legacyHeaders: true,
      logger: recordingLogger(),
      key: (req) => req.get('x-client'),
    });
    let runs = 0;
    const app = express();
    const handler = (_req: unknown, res: { send(body: string): unknown }): void => void res.send(`run ${++runs}`);
    return { cache, limiter, app, handler };
  }
  const as = (client: string) => ({ 'x-client': client });
  const quotaFields = (headers: object): string[] => Object.keys(headers).filter((name) => QUOTA_FIELDS.test(name));

  it('limiter before cache: hits count, and show the counters of whoever asks (A5.8)', async () => {
    const { cache, limiter, app, handler } = parts();
    app.get('/', limiter, responseCache(cache, { ttl: '1m' }), handler);
    const { get } = await serve(app);
    expect((await get('/', as('ann'))).headers.ratelimit).toMatch(/r=2/);
    const hit = await get('/', as('ben'));
    expect([hit.body, hit.headers['x-cache']]).toEqual(['run 1', 'hit']);
    expect(hit.headers.ratelimit).toMatch(/r=2/);
    for (let index = 0; index < 2; index++) await get('/', as('ben'));
    expect((await get('/', as('ben'))).status).toBe(429);
    expect((await get('/', as('ann'))).status).toBe(200);
  });

  it('cache before limiter: hits are free, and replay nobody’s counters (A5.8, A3.4)', async () => {
    const { cache, limiter, app, handler } = parts();
    // What the limiter reads decides on a refusal, never on what is stored.
    app.get('/', responseCache(cache, { ttl: '1m', observe: 'off' }), limiter, handler);
    const { get } = await serve(app);
    expect((await get('/', as('ann'))).headers.ratelimit).toMatch(/r=2/);
    for (let index = 0; index < 10; index++) {
      const hit = await get('/', as('ben'));
      expect([hit.status, hit.headers['x-cache'], quotaFields(hit.headers)]).toEqual([200, 'hit', []]);
    }
  });

  it('a 429 is never stored, and no one else receives it (A3.4)', async () => {
    const { cache, limiter, app, handler } = parts();
    app.get('/:id', responseCache(cache, { ttl: '1m', statuses: [200, 429], observe: 'off' }), limiter, handler);
    const { get } = await serve(app);
    for (let index = 0; index < 3; index++) await get(`/${index}`, as('ann'));
    expect((await get('/fresh', as('ann'))).status).toBe(429);
    expect((await get('/fresh', as('ben'))).status).toBe(200);
  });

  it('a background refresh is not counted', async () => {
    const clock = fakeClock();
    const cache = createCache({ clock });
    const limiter = rateLimiter({ tiers: { a: { limit: 3, window: '1h' } }, logger: recordingLogger() });
    const app = express();
    let runs = 0;
    app.use(limiter);
    app.get(
      '/',
      responseCache(cache, { ttl: '10s', staleWhileRevalidate: '1h' }),
      (_req, res) => void res.send(`run ${++runs}`),
    );
    const { get } = await serve(app);
    await get();
    clock.advance(11_000);
    expect((await get()).body).toBe('run 1');
    await eventually(() => runs === 2);
    expect(limiter.stats().tiers.a?.allowed).toBe(2);
    await eventually(async () => (await get()).body === 'run 2', { timeoutMs: 500 });
  });
});
