import compression from 'compression';
import type { ErrorRequestHandler, Express, RequestHandler } from 'express';
import { describe, expect, it } from 'vitest';
import { type CacheHeadersOptions, cacheHeaders } from '../../lib/middleware/cache-headers.js';
import { addTags } from '../../lib/middleware/handler-tags.js';
import { EXPRESS, serve } from './cache-headers-support.js';

const MINUTE = { public: true, maxAge: '1m' } as const;
const LONG_AGO = 'Wed, 14 Jan 2015 10:00:00 GMT';
const text = 'hello '.repeat(400);

const inTwoPieces: RequestHandler = (_req, res) => {
  res.write('o');
  res.end('k');
};

describe.each(EXPRESS)('cacheHeaders on %s', (_name, express) => {
  function app(options: CacheHeadersOptions, handler: RequestHandler, before: readonly RequestHandler[] = []): Express {
    const made = express();
    for (const middleware of before) made.use(middleware);
    made.all('/x', cacheHeaders(options), handler);
    return made;
  }

  it('writes Cache-Control, CDN-Cache-Control and Vary', async () => {
    const get = await serve(
      app(
        { ...MINUTE, vary: 'Accept-Language', cdn: { maxAge: '1h', staleIfError: '1d' } },
        (_req, res) => void res.send('ok'),
      ),
    );
    const { headers } = await get('/x');
    expect(headers['cache-control']).toBe('public, max-age=60');
    expect(headers['cdn-cache-control']).toBe('max-age=3600, stale-if-error=86400');
    expect(headers.vary).toBe('Accept-Language');
  });

  it.each<[string, RequestHandler]>([
    ['send', (_req, res) => void res.send('ok')],
    ['json', (_req, res) => void res.json({ ok: true })],
    ['end', (_req, res) => void res.end('ok')],
    ['write', inTwoPieces],
    ['writeHead', (_req, res) => void res.writeHead(200, { 'X-A': '1' }).end('ok')],
    [
      'writeHead with a reason and a list',
      (_req, res) => void res.writeHead(200, 'Fine', ['X-A', '1'] as never).end('ok'),
    ],
    [
      'flushHeaders',
      (_req, res) => {
        res.flushHeaders();
        res.end('ok');
      },
    ],
    ['redirect', (_req, res) => void res.redirect(301, '/y')],
  ])('writes them for %s', async (_how, handler) => {
    const get = await serve(app(MINUTE, handler));
    expect((await get('/x')).headers['cache-control']).toBe('public, max-age=60');
  });

  it('keeps what writeHead was given', async () => {
    const get = await serve(
      app(
        MINUTE,
        (_req, res) => void res.writeHead(201, 'Made', { 'X-A': '1', 'Cache-Control': 'no-cache' }).end('ok'),
      ),
    );
    const { status, headers } = await get('/x');
    expect([status, headers['x-a'], headers['cache-control']]).toEqual([201, '1', 'no-cache']);
  });

  it('never overrides what the handler set, and sends a CDN no lifetime that would', async () => {
    const get = await serve(
      app(
        { ...MINUTE, cdn: { maxAge: '1h' }, etag: 'strong' },
        (_req, res) => void res.set({ 'Cache-Control': 'private', ETag: '"mine"' }).send('ok'),
      ),
    );
    const { headers } = await get('/x');
    expect(headers).toMatchObject({ 'cache-control': 'private', etag: '"mine"' });
    expect(headers['cdn-cache-control']).toBeUndefined();
  });

  it('takes Expires of the handler as its word', async () => {
    const get = await serve(app(MINUTE, (_req, res) => void res.set('Expires', '0').send('ok')));
    expect((await get('/x')).headers['cache-control']).toBeUndefined();
  });

  it('merges Vary', async () => {
    const handler: RequestHandler = (req, res) => void res.set('Vary', String(req.query.vary ?? '')).send('ok');
    const get = await serve(app({ vary: ['Accept-Language', 'Origin'] }, handler));
    expect((await get('/x?vary=origin,%20X-A')).headers.vary).toBe('origin, X-A, Accept-Language');
    expect((await get('/x?vary=*')).headers.vary).toBe('*');
  });

  it.each([400, 401, 403, 404, 429, 500, 503])(
    'leaves a %d no-store, unless the handler says otherwise',
    async (status) => {
      const handler: RequestHandler = (req, res) =>
        void (req.query.own ? res.set('Cache-Control', 'max-age=5') : res).status(status).send('no');
      const get = await serve(app({ ...MINUTE, cdn: { maxAge: '1h' } }, handler));
      const { headers } = await get('/x');
      expect(headers['cache-control']).toBe('no-store');
      expect(headers['cdn-cache-control']).toBeUndefined();
      expect((await get('/x?own=1')).headers['cache-control']).toBe('max-age=5');
    },
  );

  it('A2.14 leaves a thrown error no-store', async () => {
    const made = app(MINUTE, () => {
      throw Object.assign(new Error('secret'), { expose: false });
    });
    const sorry: ErrorRequestHandler = (_error, _req, res, _next) => void res.status(500).send('sorry');
    made.use(sorry);
    const get = await serve(made);
    expect((await get('/x')).headers['cache-control']).toBe('no-store');
  });

  it.each([302, 303, 307])('gives a %d, which answers this one request, no lifetime', async (status) => {
    const get = await serve(app(MINUTE, (_req, res) => void res.redirect(status, '/login')));
    expect((await get('/x')).headers['cache-control']).toBeUndefined();
  });

  it('forbids for every status and method what it forbids', async () => {
    const get = await serve(app({ private: true, noCache: true }, (_req, res) => void res.redirect(302, '/login')));
    expect((await get('/x')).headers['cache-control']).toBe('private, no-cache');
    expect((await get('/x', { method: 'POST' })).headers['cache-control']).toBe('private, no-cache');
  });

  it('gives answers to unsafe methods no lifetime', async () => {
    const get = await serve(app(MINUTE, (_req, res) => void res.send('ok')));
    expect((await get('/x', { method: 'POST' })).headers['cache-control']).toBeUndefined();
    expect((await get('/x', { method: 'HEAD' })).headers['cache-control']).toBe('public, max-age=60');
  });

  it('A2.1 does not offer a response that sets a cookie to shared caches', async () => {
    const get = await serve(
      app({ ...MINUTE, sMaxAge: '1h', cdn: { maxAge: '1h' } }, (_req, res) => void res.cookie('sid', '1').send('ok')),
    );
    const { headers } = await get('/x');
    expect(headers).toMatchObject({ 'cache-control': 'private, max-age=60', 'cdn-cache-control': 'private' });
  });

  it('lets the middleware nearest to the handler decide', async () => {
    const get = await serve(
      app({ private: true }, (_req, res) => void res.send('ok'), [cacheHeaders({ ...MINUTE, vary: 'X-A' })]),
    );
    const { headers } = await get('/x');
    expect(headers).toMatchObject({ 'cache-control': 'private', vary: 'X-A' });
  });

  describe('presets', () => {
    it.each<[string, RequestHandler, string]>([
      ['immutable', cacheHeaders.immutable(), 'public, immutable, max-age=31536000'],
      ['noStore', cacheHeaders.noStore(), 'no-store'],
      ['privateOnly', cacheHeaders.privateOnly(), 'private, no-cache'],
      ['rules', cacheHeaders.rules({ '/': MINUTE, '/X': 'no-store' }), 'no-store'],
    ])('%s', async (_preset, middleware, value) => {
      const get = await serve(express().use(middleware, (_req, res) => void res.send('ok')));
      expect((await get('/x')).headers['cache-control']).toBe(value);
    });

    it('match rules below the mount path, as app.use does', async () => {
      const router = express
        .Router()
        .use(cacheHeaders.rules({ '/history': 'private' }), (_req, res) => void res.send('ok'));
      const get = await serve(express().use('/api', router));
      expect((await get('/api/HISTORY/1')).headers['cache-control']).toBe('private, no-cache');
      expect((await get('/api/movies')).headers['cache-control']).toBeUndefined();
    });
  });

  describe('entity tags', () => {
    const raw: RequestHandler = (_req, res) => void res.end('ok');

    it("are Express' own by default, and none for a bare end()", async () => {
      expect((await (await serve(app(MINUTE, (_req, res) => void res.send('ok'))))('/x')).headers.etag).toMatch(/^W\//);
      expect((await (await serve(app(MINUTE, raw)))('/x')).headers.etag).toBeUndefined();
    });

    it('are weak for any body in one piece, when asked for', async () => {
      const get = await serve(app({ etag: 'weak' }, raw));
      const { headers } = await get('/x');
      expect(headers.etag).toMatch(/^W\/"2-/);
      expect((await get('/x', { headers: { 'if-none-match': headers.etag as string } })).status).toBe(304);
    });

    it('are strong and the same on 200, HEAD and 304, when asked for', async () => {
      const get = await serve(app({ ...MINUTE, etag: 'strong' }, (_req, res) => void res.send('ok')));
      const { etag } = (await get('/x')).headers;
      expect(etag).toMatch(/^"2-/);
      expect((await get('/x', { method: 'HEAD' })).headers.etag).toBe(etag);
      const again = await get('/x', { headers: { 'if-none-match': etag as string } });
      expect([again.status, again.body, again.headers.etag]).toEqual([304, '', etag]);
      expect(again.headers['cache-control']).toBe('public, max-age=60');
    });

    it("are none with etag: false, except the handler's own", async () => {
      const get = await serve(
        app({ etag: false }, (req, res) => void (req.query.own ? res.set('ETag', '"mine"') : res).send('ok')),
      );
      expect((await get('/x')).headers.etag).toBeUndefined();
      expect((await get('/x?own=1')).headers.etag).toBe('"mine"');
    });

    it('are not made for streams, errors and other methods', async () => {
      expect((await (await serve(app({ etag: 'strong' }, inTwoPieces)))('/x')).headers.etag).toBeUndefined();
      const failing: RequestHandler = (_req, res) => void res.status(500).end('no');
      expect((await (await serve(app({ etag: 'weak' }, failing)))('/x')).headers.etag).toBeUndefined();
      expect((await (await serve(app({ etag: 'weak' }, raw)))('/x', { method: 'POST' })).headers.etag).toBeUndefined();
    });

    it('A4.10 stay weak where compression may still change the bytes', async () => {
      const get = await serve(
        app({ etag: 'strong' }, (_req, res) => void res.type('text').send(text), [compression()]),
      );
      const gzipped = await get('/x', { headers: { 'accept-encoding': 'gzip' } });
      expect(gzipped.headers).toMatchObject({ 'content-encoding': 'gzip', etag: expect.stringMatching(/^W\//) });
    });

    it('may be strong under compression that must not transform', async () => {
      const get = await serve(
        app({ noTransform: true, maxAge: 1, etag: 'strong' }, (_req, res) => void res.type('text').send(text), [
          compression(),
        ]),
      );
      const { headers } = await get('/x', { headers: { 'accept-encoding': 'gzip' } });
      expect(headers['content-encoding']).toBeUndefined();
      expect(headers.etag).toMatch(/^"/);
    });
  });

  describe('304', () => {
    it('answers by the entity tag or the date that the handler set, without a body', async () => {
      const handler: RequestHandler = (_req, res) => {
        res.set({ ETag: '"mine"', 'Last-Modified': LONG_AGO, 'Content-Type': 'text/plain', 'Content-Length': '2' });
        res.write('o');
        res.end('k');
      };
      const get = await serve(app(MINUTE, handler));
      for (const headers of [
        { 'if-none-match': 'W/"mine"' },
        { 'if-none-match': '*' },
        { 'if-modified-since': LONG_AGO },
      ]) {
        const answer = await get('/x', { headers: headers as Record<string, string> });
        expect([answer.status, answer.body]).toEqual([304, '']);
        expect(answer.headers).toMatchObject({ etag: '"mine"', 'cache-control': 'public, max-age=60' });
        expect(answer.headers['content-length'] ?? answer.headers['content-type']).toBeUndefined();
      }
      expect(await get('/x', { headers: { 'if-none-match': '"other"', 'if-modified-since': LONG_AGO } })).toMatchObject(
        { status: 200, body: 'ok' },
      );
    });

    it('is not answered without a validator, to an unsafe method, or for another status', async () => {
      const get = await serve(
        app(
          MINUTE,
          (req, res) =>
            void res
              .status(Number(req.query.status))
              .set(req.query.tag ? { ETag: '"a"' } : {})
              .end('ok'),
        ),
      );
      expect((await get('/x?status=200', { headers: { 'if-none-match': '*' } })).status).toBe(200);
      expect((await get('/x?status=201&tag=1', { headers: { 'if-none-match': '*' } })).status).toBe(201);
      expect((await get('/x?status=200&tag=1', { method: 'POST', headers: { 'if-none-match': '*' } })).status).toBe(
        200,
      );
    });
  });

  describe('tags for a CDN', () => {
    const tagging: RequestHandler = (_req, res) => {
      addTags(res, 'late tag', 'f\u00fcr,x');
      res.send('ok');
    };

    it('are sent as Surrogate-Key and Cache-Tag when asked for', async () => {
      const made = express();
      made.get(
        '/movies/:id',
        cacheHeaders({ tags: ['movies', 'movie:{id}'], surrogateKey: true, cacheTag: true }),
        tagging,
      );
      const { headers } = await (await serve(made))('/movies/7');
      expect(headers['surrogate-key']).toBe('movies movie:7 late%20tag f%C3%BCr%2Cx');
      expect(headers['cache-tag']).toBe('movies,movie:7,late%20tag,f%C3%BCr%2Cx');
    });

    it('never leak otherwise', async () => {
      const get = await serve(app(MINUTE, tagging));
      expect(
        Object.keys((await get('/x')).headers).filter((name) => /surrogate|tag$|groups/.test(name) && name !== 'etag'),
      ).toEqual([]);
    });
  });
});
