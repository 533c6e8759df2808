import type { RequestHandler } from 'express';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createCache } from '../../lib/cache/cache.js';
import { type CacheHeadersOptions, cacheHeaders } from '../../lib/middleware/cache-headers.js';
import { responseCache } from '../../lib/middleware/response-cache.js';
import type { ResponseCacheOptions } from '../../lib/middleware/response-cache-options.js';
import { EXPRESS, serve } from './cache-headers-support.js';

const ORDERS = ['cacheHeaders before responseCache', 'responseCache before cacheHeaders'] as const;

describe.each(EXPRESS)('cacheHeaders and responseCache on %s', (_name, express) => {
  describe.each(ORDERS)('%s', (order) => {
    /** An app with both, and how often its handler ran. */
    async function both(headers: CacheHeadersOptions, caching: ResponseCacheOptions = {}, handle?: RequestHandler) {
      let runs = 0;
      const cache = createCache();
      onTestFinished(() => cache.close().then(() => {}));
      const pair = [cacheHeaders(headers), responseCache(cache, caching)];
      const handler: RequestHandler = (req, res, next) => {
        runs += 1;
        if (handle) handle(req, res, next);
        else res.send(`run ${runs}`);
      };
      const app = express();
      app.get('/x', ...(order === ORDERS[0] ? pair : pair.reverse()), handler);
      return { get: await serve(app), runs: () => runs };
    }

    it('stores by the lifetime that cacheHeaders gives, and sends the same fields on hit and miss', async () => {
      const { get, runs } = await both({ public: true, maxAge: '1m', vary: 'X-A' });
      const miss = await get('/x');
      const hit = await get('/x');
      expect(runs()).toBe(1);
      for (const { headers, body } of [miss, hit]) {
        expect(headers).toMatchObject({ 'cache-control': 'public, max-age=60', vary: 'X-A', etag: miss.headers.etag });
        expect(body).toBe('run 1');
      }
      expect(hit.headers['x-cache']).toBe('hit');
    });

    it('stores by a lifetime for CDNs, which this cache is one of', async () => {
      const { get, runs } = await both({ private: true, cdn: { maxAge: '1m' } });
      await get('/x');
      expect((await get('/x')).headers).toMatchObject({ 'x-cache': 'hit', 'cdn-cache-control': 'max-age=60' });
      expect(runs()).toBe(1);
    });

    it.each<CacheHeadersOptions>([{ noStore: true }, { private: true, maxAge: '1m' }, { cdn: { noStore: true } }])(
      'does not store what cacheHeaders forbids, with a ttl either: %j',
      async (headers) => {
        const { get, runs } = await both(headers, { ttl: '1m' });
        await get('/x');
        await get('/x');
        expect(runs()).toBe(2);
      },
    );

    it('does not store a response that sets a cookie', async () => {
      const { get, runs } = await both(
        { public: true, maxAge: '1m' },
        {},
        (_req, res) => void res.cookie('a', 'b').send('x'),
      );
      await get('/x');
      await get('/x');
      expect(runs()).toBe(2);
    });

    it("answers a client's condition with 304 on a miss and on a hit", async () => {
      const { get, runs } = await both({ maxAge: '1m', etag: 'strong' }, {}, (_req, res) => void res.send('x'));
      const { etag } = (await get('/x?first')).headers;
      expect(etag).toMatch(/^"1-/);
      for (const word of ['miss', 'hit']) {
        const answer = await get('/x', { headers: { 'if-none-match': String(etag) } });
        expect([answer.status, answer.body, answer.headers.etag, answer.headers['x-cache']]).toEqual([
          304,
          '',
          etag,
          word,
        ]);
      }
      expect(await get('/x')).toMatchObject({ status: 200, body: 'x' });
      expect(runs()).toBe(2);
    });

    it('leaves an error no-store and unstored', async () => {
      const { get, runs } = await both(
        { public: true, maxAge: '1m' },
        { ttl: '1m' },
        (_req, res) => void res.status(503).send('no'),
      );
      expect((await get('/x')).headers['cache-control']).toBe('no-store');
      await get('/x');
      expect(runs()).toBe(2);
    });
  });
});
