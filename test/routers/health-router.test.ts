import express from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { createCache } from '../../lib/cache/cache.js';
import { startDraining, stopDraining } from '../../lib/middleware/draining.js';
import { type HealthRouterOptions, healthRouter } from '../../lib/routers/health-router.js';
import { EXPRESSES, serve } from './support/serve.js';

afterEach(() => stopDraining());

async function healthOf(options: HealthRouterOptions, path: string, make = express) {
  const app = make();
  app.use(healthRouter(options));
  const { url } = await serve(app);
  const response = await fetch(url + path);
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

const healthy = () => true;
const down = () => false;

describe.each(EXPRESSES)('health on %s', (_name, make) => {
  it('is one status word and one line per check', async () => {
    const { status, body, headers } = await healthOf(
      { checks: { sqlite: healthy, upstream: healthy } },
      '/healthz',
      make,
    );
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      status: 'healthy',
      checks: {
        sqlite: { status: 'healthy', latencyMs: expect.any(Number) },
        upstream: { status: 'healthy', latencyMs: expect.any(Number) },
      },
    });
  });
});

describe('health', () => {
  it('is degraded, and 200, when a check that is not critical is down', async () => {
    const { status, body } = await healthOf(
      { checks: { search: down, db: { run: healthy, critical: true } } },
      '/healthz',
    );
    expect([status, body.status]).toEqual([200, 'degraded']);
  });

  it('is down, and 503, when a critical check is', async () => {
    const { status, body } = await healthOf({ checks: { db: { run: down, critical: true } } }, '/healthz');
    expect([status, body.status]).toEqual([503, 'down']);
  });

  it('asks only critical checks for /readyz and none for /livez', async () => {
    let asked = 0;
    const checks = {
      search: () => {
        asked++;
        return false;
      },
      db: { run: healthy, critical: true },
    };
    expect((await healthOf({ checks }, '/readyz')).body).toMatchObject({ status: 'healthy', checks: { db: {} } });
    expect((await healthOf({ checks }, '/livez')).body).toEqual({ status: 'healthy', checks: {} });
    expect(asked).toBe(0);
    const dead = { db: { run: down, critical: true } };
    expect((await healthOf({ checks: dead }, '/livez')).status).toBe(200);
    expect((await healthOf({ checks: dead }, '/readyz')).status).toBe(503);
  });

  it('turns /readyz and /healthz 503 while draining, /livez not', async () => {
    startDraining();
    expect(await healthOf({}, '/readyz')).toMatchObject({ status: 503, body: { status: 'down', draining: true } });
    expect((await healthOf({}, '/healthz')).status).toBe(503);
    expect((await healthOf({}, '/livez')).status).toBe(200);
  });

  it('names the policy in force', async () => {
    const cache = createCache();
    expect((await healthOf({ cache }, '/healthz')).body.policy).toMatchObject({ cache: 'process memory' });
  });

  it('shows reasons and versions only to those `details` allows, and treats its failure as a no (A2.16)', async () => {
    const checks = {
      db: () => {
        throw new Error('OOM secret.internal:6379');
      },
    };
    const text = async (details?: HealthRouterOptions['details']) =>
      JSON.stringify((await healthOf({ checks, ...(details && { details }) }, '/healthz')).body);
    const plain = await text();
    for (const secret of ['secret', '6379', process.version, 'Error', 'OOM', 'uptime'])
      expect(plain).not.toContain(secret);
    expect(
      await text(() => {
        throw new Error('x');
      }),
    ).not.toContain(process.version);
    expect(await text(() => 'yes' as never)).not.toContain(process.version);
    const detailed = await text(async () => true);
    expect(detailed).toContain(process.version);
    expect(detailed).toContain('Error OOM');
    expect(detailed).not.toContain('secret.internal');
  });

  it('takes any name for a check (A1.16)', async () => {
    const checks = JSON.parse('{"__proto__": 1, "constructor": 1}');
    for (const name of Object.keys(checks)) Object.defineProperty(checks, name, { value: healthy, enumerable: true });
    const { body } = await healthOf({ checks }, '/healthz');
    expect(Object.keys(body.checks as object).sort()).toEqual(['__proto__', 'constructor']);
  });

  it('answers HEAD without a body and refuses other methods', async () => {
    const app = express();
    app.use(healthRouter());
    app.get('/other', (_req, res) => void res.send('mine'));
    const { url } = await serve(app);
    const head = await fetch(`${url}/livez`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await fetch(`${url}/livez`, { method: 'DELETE' })).status).toBe(405);
    expect(await (await fetch(`${url}/other`)).text()).toBe('mine');
  });

  it('refuses options that are not right', () => {
    expect(() => healthRouter({ check: {} } as never)).toThrow("Did you mean 'checks'?");
    expect(() => healthRouter({ details: true as never })).toThrow('healthRouter.details');
  });
});
