import { describe, expect, it } from 'vitest';
import type { RateLimiterOptions } from '../../lib/middleware/rate-limiter.js';
import { rateLimiter } from '../../lib/middleware/rate-limiter.js';
import { EXPRESSES, recordingLogger, serve } from '../quota/quota-support.js';

const LIMIT = 5;

describe.each(EXPRESSES)('the client’s address, %s', (_name, express) => {
  async function site(trustProxy: unknown, options: Partial<RateLimiterOptions> = {}, host?: string) {
    const logger = recordingLogger();
    const app = express();
    app.set('trust proxy', trustProxy);
    app.use(rateLimiter({ tiers: { a: { limit: LIMIT, window: '1m' } }, logger, ...options }));
    app.get('/', (_req, res) => void res.send('ok'));
    return { logger, ...(await serve(app, host)) };
  }

  async function rotating(get: Awaited<ReturnType<typeof site>>['get'], field: string, count = 200): Promise<number> {
    let admitted = 0;
    for (let index = 0; index < count; index++) {
      const { status } = await get('/', { [field]: `198.51.${index >> 8}.${index & 255}` });
      if (status === 200) admitted++;
    }
    return admitted;
  }

  it('is not what X-Forwarded-For says while no proxy is trusted; reported once (A5.1)', async () => {
    const { get, logger } = await site(false);
    expect(await rotating(get, 'x-forwarded-for')).toBe(LIMIT);
    expect(logger.lines.filter((line) => line.includes('ERR_FORWARDED_IGNORED'))).toHaveLength(1);
  });

  it('is the socket’s when every proxy is trusted, reported once, unless that is confirmed (A5.1)', async () => {
    const { get, logger } = await site(true);
    expect(await rotating(get, 'x-forwarded-for')).toBe(LIMIT);
    expect(logger.lines.filter((line) => line.includes('ERR_TRUST_PROXY'))).toHaveLength(1);
    const confirmed = await site(true, { trustProxyConfirmed: true });
    expect(await rotating(confirmed.get, 'x-forwarded-for', 20)).toBe(20);
    expect(confirmed.logger.lines).toEqual([]);
  });

  it('is the one the trusted proxy saw, not the one the client claims (A5.1)', async () => {
    const { get } = await site(1);
    let admitted = 0;
    for (let index = 0; index < 20; index++) {
      const { status } = await get('/', { 'x-forwarded-for': `10.0.0.${index}, 203.0.113.9` });
      if (status === 200) admitted++;
    }
    expect(admitted).toBe(LIMIT);
    expect((await get('/', { 'x-forwarded-for': '203.0.113.10' })).status).toBe(200);
  });

  it('is told by a trusted range', async () => {
    const { get } = await site('loopback');
    expect(await rotating(get, 'x-forwarded-for', 20)).toBe(20);
  });

  it.each(['forwarded', 'x-real-ip', 'cf-connecting-ip', 'true-client-ip', 'x-client-ip'])(
    'is not what %s says (A5.1)',
    async (field) => {
      const { get } = await site(false);
      expect(await rotating(get, field, 20)).toBe(LIMIT);
    },
  );

  it('folds IPv6 and its disguises behind a trusted proxy (A5.2, A5.3)', async () => {
    const { get } = await site(1);
    const statuses = new Set<number>();
    for (let index = 0; index < LIMIT + 1; index++) {
      statuses.add((await get('/', { 'x-forwarded-for': `2001:db8:0:${index.toString(16)}::1` })).status);
    }
    expect(statuses).toEqual(new Set([200, 429]));
    expect((await get('/', { 'x-forwarded-for': '::ffff:1.2.3.4' })).headers.ratelimit).toMatch(/r=4/);
    expect((await get('/', { 'x-forwarded-for': '1.2.3.4' })).headers.ratelimit).toMatch(/r=3/);
    expect((await get('/', { 'x-forwarded-for': '::ffff:102:304' })).headers.ratelimit).toMatch(/r=2/);
    expect((await get('/', { 'x-forwarded-for': '1.2.3.4:1111' })).headers.ratelimit).toMatch(/r=1/);
    expect((await get('/', { 'x-forwarded-for': '::ffff:5.6.7.8' })).headers.ratelimit).toMatch(/r=4/);
  });

  it('is the socket’s when the proxy hands on no address', async () => {
    const { get, logger } = await site(1);
    let admitted = 0;
    for (let index = 0; index < 20; index++) {
      if ((await get('/', { 'x-forwarded-for': `_hidden${index}` })).status === 200) admitted++;
    }
    expect(admitted).toBe(LIMIT);
    expect(logger.lines.filter((line) => line.includes('ERR_ADDRESS'))).toHaveLength(1);
  });

  it('follows the settings of a mounted app', async () => {
    const outer = express();
    const inner = express();
    inner.set('trust proxy', 1);
    inner.use(rateLimiter({ tiers: { a: { limit: 1, window: '1m' } }, logger: recordingLogger() }));
    inner.get('/', (_req, res) => void res.send('ok'));
    outer.use('/api', inner);
    const { get } = await serve(outer);
    expect((await get('/api', { 'x-forwarded-for': '1.1.1.1' })).status).toBe(200);
    expect((await get('/api', { 'x-forwarded-for': '2.2.2.2' })).status).toBe(200);
    expect((await get('/api', { 'x-forwarded-for': '1.1.1.1' })).status).toBe(429);
  });

  it('says nothing about a client in the log (A2.15)', async () => {
    const { get, logger } = await site(true);
    await get('/', { 'x-forwarded-for': '203.0.113.77', forwarded: 'for=203.0.113.78' });
    expect(logger.lines.join('\n')).not.toMatch(/203\.0\.113|127\.0\.0\.1/);
  });
});

describe('without Express', () => {
  it('takes the socket’s address', () => {
    const limiter = rateLimiter({ tiers: { a: { limit: 1, window: '1m' } }, logger: recordingLogger() });
    const req = { headers: {}, socket: { remoteAddress: '203.0.113.5' } } as unknown as Parameters<typeof limiter>[0];
    const res = {} as Parameters<typeof limiter>[1];
    expect(limiter.decide(req, res)).toMatchObject({ admitted: true });
    expect(limiter.decide({ ...req } as typeof req, res)).toMatchObject({ admitted: false });
    expect(limiter.decide({ headers: {} } as unknown as typeof req, res)).toMatchObject({ admitted: true });
  });
});
