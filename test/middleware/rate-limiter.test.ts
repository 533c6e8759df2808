import type { Request } from 'express';
import { describe, expect, it, vi } from 'vitest';
import { markInternalDispatch } from '../../lib/middleware/internal-dispatch.js';
import type { RateLimiter, RateLimiterOptions } from '../../lib/middleware/rate-limiter.js';
import { rateLimiter } from '../../lib/middleware/rate-limiter.js';
import { liveLimiters } from '../../lib/quota/limiter-registry.js';
import { fakeClock } from '../../lib/testing/fake-clock.js';
import { EXPRESSES, recordingLogger, serve } from '../quota/quota-support.js';

const TIERS = { anonymous: { rate: 5, burst: 10 }, member: { rate: 10, burst: 20 } };

describe.each(EXPRESSES)('rateLimiter in memory, %s', (_name, express) => {
  async function site(options: RateLimiterOptions, prepare: (app: ReturnType<typeof express>) => void = () => {}) {
    const clock = fakeClock();
    const limiter = rateLimiter({ clock, logger: recordingLogger(), ...options });
    const app = express();
    prepare(app);
    app.use(limiter);
    app.all('/login', (_req, res) => void res.send('ok'));
    app.get('/', (_req, res) => void res.send('ok'));
    return { clock, limiter, ...(await serve(app)) };
  }

  it('admits exactly the burst at once, then one per 200 ms', async () => {
    const { flood, clock, get } = await site({ tiers: { anonymous: TIERS.anonymous } });
    expect(await flood(30)).toEqual(
      new Map([
        [200, 10],
        [429, 20],
      ]),
    );
    clock.advance(199);
    expect((await get()).status).toBe(429);
    clock.advance(1);
    expect(await flood(5)).toEqual(
      new Map([
        [200, 1],
        [429, 4],
      ]),
    );
  });

  it('answers 429 with problem details, Retry-After and draft-8 fields (RFC 6585 §4, RFC 9457)', async () => {
    const { flood, get } = await site({ tiers: { anonymous: TIERS.anonymous } });
    await flood(10);
    const { status, headers, body } = await get();
    expect(status).toBe(429);
    expect(headers['retry-after']).toBe('1');
    expect(headers['content-type']).toBe('application/problem+json');
    expect(headers['cache-control']).toBe('no-store');
    expect(headers.ratelimit).toBe('"10-burst-5-per-1sec"; r=0; t=1');
    expect(headers['ratelimit-policy']).toMatch(/^"10-burst-5-per-1sec"; q=10; w=2; pk=:[A-Za-z0-9+/=]+:$/);
    expect(JSON.parse(body)).toEqual({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      title: 'Request cannot be satisfied as assigned quota has been exceeded',
      status: 429,
      'violated-policies': ['10-burst-5-per-1sec'],
    });
  });

  it('counts /LOGIN, /login/ and HEAD with /login (A5.4, A5.5)', async () => {
    const { get } = await site({ tiers: { a: { limit: 3, window: '1m' } } });
    const statuses = [await get('/login'), await get('/LOGIN'), await get('/login/', {}, 'HEAD')].map(
      ({ status }) => status,
    );
    expect(statuses).toEqual([200, 200, 200]);
    for (const [path, method] of [
      ['/login', 'GET'],
      ['/LOGIN/', 'GET'],
      ['/%6cogin', 'GET'],
      ['//login', 'GET'],
      ['/login', 'HEAD'],
    ] as const) {
      expect((await get(path, {}, method)).status).toBe(429);
    }
  });

  it('sends no body to a refused HEAD', async () => {
    const { get } = await site({ tiers: { a: { limit: 1, window: '1m' } } });
    await get();
    expect(await get('/', {}, 'HEAD')).toMatchObject({ status: 429, body: '' });
  });

  it('takes the tier’s quota', async () => {
    const { flood } = await site({ tiers: TIERS, tier: (req) => (req.get('x-member') ? 'member' : 'anonymous') });
    expect(await flood(40, '/', { 'x-member': '1' })).toEqual(
      new Map([
        [200, 20],
        [429, 20],
      ]),
    );
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
    ['is unknown', () => 'gold'],
    ['is __proto__', () => '__proto__'],
    ['is toString', () => 'toString'],
    ['is undefined', () => undefined],
    ['is an object', () => ({}) as unknown as string],
    ['is an array', () => ['member'] as unknown as string],
  ])('falls to the strictest tier when the tier %s, and reports it once (A5.7)', async (_case, tier) => {
    const logger = recordingLogger();
    const { flood, limiter } = await site({ tiers: TIERS, tier, logger });
    expect(await flood(20)).toEqual(
      new Map([
        [200, 10],
        [429, 10],
      ]),
    );
    expect(limiter.stats().tiers.anonymous).toMatchObject({ allowed: 10, limited: 10 });
    expect(logger.lines.filter((line) => line.includes('ERR_TIER'))).toHaveLength(1);
  });

  it('grants no fresh quota to whoever changes tiers back and forth (A5.7)', async () => {
    const { get } = await site({ tiers: TIERS, tier: (req) => String(req.get('x-tier')) });
    let admitted = 0;
    for (let index = 0; index < 60; index++) {
      const { status } = await get('/', { 'x-tier': index % 2 ? 'member' : 'anonymous' });
      if (status === 200) admitted++;
    }
    expect(admitted).toBeLessThanOrEqual(20);
  });

  it('checks several policies, reports the tightest and charges none when one refuses', async () => {
    const { get, clock } = await site({
      tiers: {
        a: [
          { rate: 2, burst: 2, name: 'burst' },
          { limit: 3, window: '1m', name: 'minute' },
        ],
      },
    });
    const first = await get();
    expect(first.headers.ratelimit).toBe('"burst"; r=1; t=1');
    expect(first.headers['ratelimit-policy']).toMatch(/^"burst"; q=2; w=1; pk=:.+:, "minute"; q=3; w=60; pk=:.+:$/);
    await get();
    expect((await get()).status).toBe(429);
    clock.advance(1000);
    expect((await get()).headers.ratelimit).toBe('"minute"; r=0; t=59');
    const refused = await get();
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '59' } });
    expect(JSON.parse(refused.body)['violated-policies']).toEqual(['minute']);
  });

  it('charges the cost, and refuses one larger than what is left without charging it', async () => {
    const { get } = await site({
      tiers: { a: { limit: 10, window: '1m' } },
      cost: (req) => Number(req.get('x-cost') ?? 1),
    });
    const remaining = async (cost: string) => {
      const { status, headers } = await get('/', { 'x-cost': cost });
      return [status, /r=(\d+)/.exec(String(headers.ratelimit))?.[1]];
    };
    expect(await remaining('7')).toEqual([200, '3']);
    expect(await remaining('4')).toEqual([429, '3']);
    expect(await remaining('0')).toEqual([200, '3']);
    expect(await remaining('3')).toEqual([200, '0']);
    expect(await remaining('nonsense')).toEqual([429, '0']);
  });

  it('counts by key where one is given, and by address where it is not (A1.18)', async () => {
    const logger = recordingLogger();
    const odd: Record<string, unknown> = { object: {}, array: ['a'], nan: Number.NaN, empty: '', null: null };
    const { get } = await site({
      logger,
      tiers: { a: { limit: 1, window: '1m' } },
      key: (req) => {
        const name = req.get('x-user');
        if (name === 'throw') throw new Error('no');
        return (name !== undefined && name in odd ? odd[name] : name) as string;
      },
    });
    const status = async (user: string) => (await get('/', { 'x-user': user })).status;
    expect([await status('ann'), await status('ben'), await status('ann')]).toEqual([200, 200, 429]);
    expect((await get()).status).toBe(200);
    for (const user of [...Object.keys(odd), 'throw']) expect(await status(user)).toBe(429);
    expect(logger.lines.filter((line) => line.includes('ERR_LIMITER_KEY'))).toHaveLength(1);
  });

  it('folds an address that a key function hands on', async () => {
    const { get, limiter } = await site({ tiers: { a: { limit: 1, window: '1m' } }, key: (req) => req.ip });
    await get();
    expect((await limiter.check({ address: '127.0.0.1' })).remaining).toBe(0);
    expect((await limiter.check({ address: '::ffff:127.0.0.1' })).remaining).toBe(0);
  });

  it('takes keys of 8 kB (A5.13)', async () => {
    const { get } = await site({ tiers: { a: { limit: 1, window: '1m' } }, key: (req) => req.get('x-api-key') });
    const key = 'k'.repeat(8192);
    expect([(await get('/', { 'x-api-key': key })).status, (await get('/', { 'x-api-key': key })).status]).toEqual([
      200, 429,
    ]);
    expect((await get('/', { 'x-api-key': `${key}2` })).status).toBe(200);
  });

  it('in shadow mode counts and reports, and neither blocks nor tells the client', async () => {
    const events: string[] = [];
    const { flood, get, limiter } = await site({ tiers: { a: { limit: 3, window: '1m' } }, mode: 'shadow' });
    limiter.events.on('quota', (event) => events.push(event.result));
    expect(await flood(5)).toEqual(new Map([[200, 5]]));
    expect(limiter.stats().tiers.a).toMatchObject({ allowed: 3, shadow: 2, limited: 0 });
    expect(events).toEqual(['allowed', 'allowed', 'allowed', 'shadow', 'shadow']);
    expect((await get()).headers.ratelimit).toBeUndefined();
  });

  it('leaves out skipped requests, and counts when skip throws', async () => {
    const { get } = await site({
      tiers: { a: { limit: 1, window: '1m' } },
      skip: (req) => {
        if (req.get('x-boom')) throw new Error('no');
        return req.get('x-skip') !== undefined;
      },
    });
    for (let index = 0; index < 3; index++)
      expect((await get('/', { 'x-skip': '1' })).headers.ratelimit).toBeUndefined();
    expect((await get('/', { 'x-boom': '1' })).status).toBe(200);
    expect((await get('/', { 'x-boom': '1' })).status).toBe(429);
  });

  it('does not count requests the app sends itself', async () => {
    const { get, limiter } = await site({ tiers: { a: { limit: 1, window: '1m' } } }, (app) => {
      app.use((req, _res, next) => {
        if (req.url === '/?refresh') markInternalDispatch(req);
        next();
      });
    });
    for (let index = 0; index < 3; index++) expect((await get('/?refresh')).status).toBe(200);
    expect(limiter.stats().tiers.a?.allowed).toBe(0);
  });

  it('counts a request once, mounted twice', async () => {
    const limiter = rateLimiter({ tiers: { a: { limit: 5, window: '1m' } } });
    const app = express();
    app.use(limiter);
    app.get('/', limiter, (_req, res) => void res.send('ok'));
    const { get } = await serve(app);
    expect((await get()).headers.ratelimit).toMatch(/r=4/);
    expect((await get()).headers.ratelimit).toMatch(/r=3/);
  });

  it('decides ahead of the middleware without counting twice', async () => {
    const { get, limiter } = await site({ tiers: { a: { limit: 2, window: '1m' } } }, (app) => {
      app.use((req, res, next) => {
        const decision = (limiters.at(-1) as RateLimiter).decide(req, res);
        expect(decision).toMatchObject({ source: 'memory' });
        next();
      });
    });
    limiters.push(limiter);
    expect([(await get()).headers.ratelimit, (await get()).headers.ratelimit]).toEqual([
      expect.stringContaining('r=1'),
      expect.stringContaining('r=0'),
    ]);
    expect((await get()).status).toBe(429);
  });
  const limiters: RateLimiter[] = [];

  it('keeps two limiters apart and reports both on one response (A5.6)', async () => {
    const search = rateLimiter({ name: 'search', tiers: { a: { limit: 2, window: '1m' } } });
    const { get } = await site({ tiers: { a: { limit: 5, window: '1m' } } }, (app) => {
      app.use('/search', search);
    });
    const both = await get('/search');
    expect(both.headers.ratelimit).toBe('"search-2-in-1min"; r=1; t=60, "5-in-1min"; r=4; t=60');
    await get('/search');
    expect((await get('/search')).status).toBe(429);
    expect((await get('/')).headers.ratelimit).toMatch(/r=2/);
  });

  it('gives back failed or successful requests as express-rate-limit does', async () => {
    const { get } = await site({ tiers: { a: { limit: 2, window: '1m' } }, skipFailedRequests: true });
    for (let index = 0; index < 5; index++) expect((await get('/missing')).status).toBe(404);
    const good = await site({ tiers: { a: { limit: 2, window: '1m' } }, skipSuccessfulRequests: true });
    for (let index = 0; index < 5; index++) expect((await good.get()).status).toBe(200);
    await good.get('/missing');
    await good.get('/missing');
    expect((await good.get()).status).toBe(429);
  });

  it('hands a refusal to `handler`, or sends `message` with `statusCode`', async () => {
    const handler = vi.fn((_req, res, _next, options) =>
      res.status(503).send(`limit ${options.limit} in ${options.windowMs}`),
    );
    const own = await site({ tiers: { a: { limit: 1, window: '1m' } }, handler });
    await own.get();
    expect(await own.get()).toMatchObject({ status: 503, body: 'limit 1 in 60000', headers: { 'retry-after': '60' } });
    const told = await site({ limit: 1, windowMs: 60_000, message: { slow: 'down' }, statusCode: 420 });
    await told.get();
    expect(await told.get()).toMatchObject({ status: 420, body: '{"slow":"down"}' });
  });

  it('passes an error of `handler` to the app', async () => {
    const { get } = await site({
      tiers: { a: { limit: 0, window: '1m' } },
      handler: async () => {
        throw Object.assign(new Error('mine'), { status: 418 });
      },
    });
    expect((await get()).status).toBe(418);
  });

  it('survives functions of the user that throw: never a 500', async () => {
    const boom = (): never => {
      throw new Error('boom');
    };
    const { flood } = await site({
      ...{ tiers: { a: { limit: 3, window: '1m' } }, tier: boom, key: boom, cost: boom, skip: boom },
      ...{ identifier: boom, retryAfter: boom, onNearLimit: boom },
    });
    expect(await flood(5)).toEqual(
      new Map([
        [200, 3],
        [429, 2],
      ]),
    );
  });

  it('waits for functions of the user that answer later', async () => {
    const { flood } = await site({
      tiers: TIERS,
      tier: async () => 'member',
      key: async () => 'someone',
      cost: async () => 2,
      skip: async () => false,
    });
    expect(await flood(15)).toEqual(
      new Map([
        [200, 10],
        [429, 5],
      ]),
    );
  });

  it('signals a tenth of the quota left, once per crossing', async () => {
    const near: number[] = [];
    const { get, clock, limiter } = await site({
      tiers: { a: { rate: 10, burst: 20 } },
      onNearLimit: (_req, info) => near.push(info.remaining),
    });
    for (let index = 0; index < 25; index++) await get();
    expect(near).toEqual([2]);
    expect(limiter.stats().tiers.a?.nearLimit).toBe(3);
    clock.advance(2000);
    for (let index = 0; index < 20; index++) await get();
    expect(near).toEqual([2, 2]);
  });

  it('tells and resets how a client stands, without charging it', async () => {
    const { get, limiter } = await site({ tiers: TIERS });
    await get();
    expect(await limiter.check('127.0.0.1')).toMatchObject({ limit: 10, remaining: 9, used: 1, tier: 'anonymous' });
    expect(await limiter.check('127.0.0.1', { tier: 'member' })).toMatchObject({ limit: 20, remaining: 19 });
    expect(await limiter.reset('127.0.0.1')).toBe(true);
    expect(await limiter.check('127.0.0.1')).toMatchObject({ remaining: 10 });
    await expect(limiter.check('ann')).rejects.toThrow(/ERR_KEY|not an address/);
    expect(await limiter.check({ key: 'ann' })).toMatchObject({ remaining: 10 });
  });

  it('puts express-rate-limit’s info on the request', async () => {
    const limiter = rateLimiter({ tiers: { a: { limit: 5, window: '1m' } }, requestPropertyName: 'quota' });
    const app = express();
    app.get('/', limiter, (req, res) => void res.json((req as Request & { quota?: unknown }).quota));
    const { get } = await serve(app);
    expect(JSON.parse((await get()).body)).toEqual({
      ...{ limit: 5, used: 1, remaining: 4, tier: 'a', policy: '5-in-1min' },
      ...{ resetTime: expect.any(String), key: expect.any(String) },
    });
  });

  it('is found by metrics and admin pages until it is closed', () => {
    const limiter = rateLimiter({ name: 'found', tiers: TIERS });
    const names = () => liveLimiters().map(({ name }) => name);
    expect(names()).toContain('found');
    limiter.close();
    expect(names()).not.toContain('found');
  });

  it('shows neither address nor key in stats (A2.15)', async () => {
    const { get, limiter } = await site({ tiers: TIERS, key: (req) => req.get('x-api-key') });
    await get('/', { 'x-api-key': 'SECRET' });
    await get();
    expect(JSON.stringify(limiter.stats())).not.toMatch(/SECRET|127\.0\.0\.1/);
    expect(limiter.stats().busiest).toHaveLength(2);
  });
});
