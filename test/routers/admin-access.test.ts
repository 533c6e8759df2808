import type { Request, RequestHandler } from 'express';
import { describe, expect, it, vi } from 'vitest';
import { createCache } from '../../lib/cache/cache.js';
import { responseCache } from '../../lib/middleware/response-cache.js';
import { adminRouter } from '../../lib/routers/admin-router.js';
import { ALLOWED, adminApp } from './support/admin-app.js';
import { EXPRESSES } from './support/serve.js';

const PATHS = [
  '',
  '/',
  '/observability',
  '/observability/',
  '/observability/events',
  '/observability/data',
  '/cache/stats',
  '/cache/keys',
  '/cache/tags',
  '/cache/low-hit',
  '/cache/clear/x',
  '/cache/invalidate',
  '/cache/preview',
  '/cache/refresh',
  '/cache/flush',
  '/no/such/page',
  '/..%2f',
  '/%00',
  '/cache/clear/%zz',
];
const METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE', 'PATCH'];

describe.each(EXPRESSES)('who may see the admin page, on %s', (_name, make) => {
  it.each<[string, (req: Request) => unknown]>([
    ['says false', () => false],
    [
      'throws',
      () => {
        throw new Error('no session');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no session'))],
    ['answers something that is only truthy', () => ({ user: 'x' })],
  ])('nobody on any path or method when authorize %s (A6.1)', async (_how, authorize) => {
    const { base, cache } = await adminApp({ make, admin: { authorize: authorize as never } });
    const clear = vi.spyOn(cache, 'clear');
    for (const method of METHODS) {
      for (const path of PATHS) {
        const response = await fetch(base + path, { method, headers: ALLOWED, redirect: 'manual' });
        expect(response.status, `${method} ${path}`).toBe(403);
        expect(response.headers.get('cache-control')).toBe('no-store');
        expect(await response.text()).toBe(method === 'HEAD' ? '' : '{"error":403,"message":"not authorized"}');
      }
    }
    expect(clear).not.toHaveBeenCalled();
  });
});

describe('who may see the admin page', () => {
  it('is asked of the application: there is no page without authorize (A6.1)', () => {
    const cache = createCache();
    expect(() => adminRouter({ cache } as never)).toThrow(expect.objectContaining({ code: 'ERR_AUTHORIZE_MISSING' }));
    expect(() => adminRouter({ cache, authorize: 'staff' } as never)).toThrow('adminRouter.authorize');
    expect(() => adminRouter({ cache, authorize: () => true, readonly: true } as never)).toThrow("'readOnly'");
    expect(() => (adminRouter as () => unknown)()).toThrow();
  });

  it('can be those who log in: a challenge makes the refusal a 401', async () => {
    const { base } = await adminApp({
      admin: {
        authorize: async (req, res) => {
          if (req.headers.authorization === `Basic ${btoa('staff:x')}`) return true;
          res.setHeader('WWW-Authenticate', 'Basic realm="admin"');
          return false;
        },
      },
    });
    expect((await fetch(`${base}/cache/stats`)).status).toBe(401);
    const headers = { authorization: `Basic ${btoa('staff:x')}` };
    expect((await fetch(`${base}/cache/stats`, { headers })).status).toBe(200);
  });

  it('leaves paths of others alone when it is mounted at the root', async () => {
    const { url } = await adminApp({ mount: '/', admin: { authorize: () => false } });
    expect((await fetch(`${url}/movies/1`)).status).toBe(200);
    expect((await fetch(`${url}/cache/stats`)).status).toBe(403);
  });
});

describe('a changing request from elsewhere (A6.2)', () => {
  const json = { 'content-type': 'application/json' };
  const ours = { 'x-requested-with': 'x' };

  it.each<[string, RequestInit]>([
    ['a form', { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'prefix=/' }],
    ['a multipart form', { headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: '--x--' }],
    ['plain text that is JSON', { headers: { 'content-type': 'text/plain', ...ours }, body: '{}' }],
    ['no content type', { headers: { ...ours } }],
    [
      'JSON that a form can be made to look like',
      { headers: { 'content-type': 'text/plain; application/json', ...ours } },
    ],
    ['JSON without a field of its own', { headers: json, body: '{}' }],
    ['another site by Sec-Fetch-Site', { headers: { ...json, ...ours, 'sec-fetch-site': 'cross-site' }, body: '{}' }],
    ['a sibling site by Sec-Fetch-Site', { headers: { ...json, ...ours, 'sec-fetch-site': 'same-site' }, body: '{}' }],
    ['another site by Origin', { headers: { ...json, ...ours, origin: 'https://evil.test' }, body: '{}' }],
    ['another port by Origin', { headers: { ...json, ...ours, origin: 'http://127.0.0.1:1' }, body: '{}' }],
    ['an opaque Origin', { headers: { ...json, ...ours, origin: 'null' }, body: '{}' }],
  ])('is refused: %s', async (_how, init) => {
    const { base, cache } = await adminApp();
    const clear = vi.spyOn(cache, 'clear');
    const response = await fetch(`${base}/cache/flush`, { method: 'POST', ...init });
    expect(response.status).toBe(403);
    expect(clear).not.toHaveBeenCalled();
  });

  it('is not made of a GET, whatever a method override says', async () => {
    const override: RequestHandler = (req, _res, next) => {
      const wanted = req.headers['x-http-method-override'];
      if (typeof wanted === 'string') {
        Object.assign(req, { originalMethod: req.method });
        req.method = wanted;
      }
      next();
    };
    const { base, cache } = await adminApp({ before: [override] });
    const clear = vi.spyOn(cache, 'clear');
    const headers = { ...ALLOWED, 'x-http-method-override': 'POST' };
    expect((await fetch(`${base}/cache/flush`, { headers })).status).toBe(405);
    expect((await fetch(`${base}/cache/flush`)).status).toBe(405);
    expect(clear).not.toHaveBeenCalled();
  });

  it('is none of these when the page itself sends it', async () => {
    const { base, url } = await adminApp();
    const headers = { ...ALLOWED, 'sec-fetch-site': 'same-origin', origin: url };
    expect((await fetch(`${base}/cache/flush`, { method: 'POST', headers, body: '{}' })).status).toBe(200);
  });

  it.each([
    [true, 200],
    [false, 403],
  ])('is known by the host a proxy states only where the app trusts it (%s)', async (trust, status) => {
    const { app, base } = await adminApp();
    app.set('trust proxy', trust);
    const headers = { ...ALLOWED, origin: 'https://admin.example', 'x-forwarded-host': 'admin.example' };
    expect((await fetch(`${base}/cache/flush`, { method: 'POST', headers, body: '{}' })).status).toBe(status);
  });

  it('cannot read an answer either: permissions of the app for other sites do not reach it', async () => {
    const { base } = await adminApp({
      before: [
        (_req, res, next) => {
          res.setHeader('Access-Control-Allow-Origin', '*');
          next();
        },
      ],
    });
    const { headers } = await fetch(`${base}/cache/stats`);
    expect(headers.get('access-control-allow-origin')).toBeNull();
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
  });
});

describe('a page that only shows', () => {
  it('refuses every action and offers none', async () => {
    const { base, post, cache } = await adminApp({ admin: { readOnly: true } });
    const [clear, invalidate] = [vi.spyOn(cache, 'clear'), vi.spyOn(cache, 'invalidate')];
    for (const path of ['cache/flush', 'cache/invalidate', 'cache/clear/x', 'cache/refresh', 'cache/preview']) {
      expect((await post(path, { tags: ['a'] })).status, path).toBe(403);
    }
    const page = await (await fetch(`${base}/observability`)).text();
    expect(page).not.toContain('id="flush"');
    expect(page).not.toContain('cache/flush');
    expect(clear).not.toHaveBeenCalled();
    expect(invalidate).not.toHaveBeenCalled();
  });
});

describe('the admin page behind a cache for the whole app (A6.7)', () => {
  it('is never kept', async () => {
    const outer = createCache();
    const { base } = await adminApp({ before: [responseCache(outer, { ttl: '1h' })] });
    const first = await (await fetch(`${base}/observability`)).text();
    const second = await fetch(`${base}/observability`);
    expect(second.headers.get('x-cache')).not.toBe('hit');
    expect(await second.text()).not.toBe(first); // another nonce at least
    expect(outer.stats().entries).toBe(0);
  });
});
