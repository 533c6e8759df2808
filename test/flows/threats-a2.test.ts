import compression from 'compression';
import { expect, it } from 'vitest';
import { responseCache } from '../../lib/index.js';
import { eventually, gate } from '../../lib/testing/index.js';
import { onEveryBackend } from './support/backends.js';
import { getRaw } from './support/raw.js';
import { ask } from './support/serve.js';

const hour = { ttl: '1h' } as const;
const body = async (answer: ReturnType<typeof ask>): Promise<string> => (await answer).body.toString();

onEveryBackend('A2 who may see what', (on) => {
  it.each([
    ['res.cookie', (res: never) => (res as { cookie(n: string, v: string): void }).cookie('sid', '1')],
    ['res.append', (res: never) => (res as { append(n: string, v: string): void }).append('Set-Cookie', 'sid=1')],
    [
      'setHeader',
      (res: never) => (res as { setHeader(n: string, v: string[]): void }).setHeader('set-cookie', ['sid=1', 'b=2']),
    ],
  ])('A2.1 does not store a response with Set-Cookie by %s', async (_how, set) => {
    const cache = await on.cache();
    let runs = 0;
    const { url } = await on.serve((app) => {
      app.get('/p', responseCache(cache, hour), (_req, res) => {
        runs += 1;
        set(res as never);
        res.send('page');
      });
    });
    await ask(`${url}/p`);
    expect((await ask(`${url}/p`)).cache).toBe('miss');
    expect(runs).toBe(2);
  });

  it.each(['before', 'after'])(
    'A2.1 does not store a response to which a middleware mounted %s the cache adds a cookie at header time',
    async (place) => {
      const cache = await on.cache();
      const { url } = await on.serve((app) => {
        const late: import('express').RequestHandler = (_req, res, next) => {
          const { writeHead } = res;
          res.writeHead = ((...args: unknown[]) => {
            res.setHeader('Set-Cookie', 'sid=secret');
            return writeHead.apply(res, args as never);
          }) as never;
          next();
        };
        if (place === 'before') app.use(late);
        app.use('/p', responseCache(cache, hour));
        if (place === 'after') app.use(late);
        app.get('/p', (_req, res) => void res.send('page'));
      });
      await ask(`${url}/p`);
      expect((await ask(`${url}/p`)).cache).toBe('miss');
    },
  );

  it('A2.1 does not store a cookie set by writeHead, in any of its forms', async () => {
    const cache = await on.cache();
    const forms = [{ 'Set-Cookie': 'a=1' }, ['Set-Cookie', 'a=1'], ['X-A', '1', 'Set-Cookie', 'a=1']];
    const { url } = await on.serve((app) => {
      app.get('/p/:form', responseCache(cache, hour), (req, res) => {
        res.writeHead(200, forms[Number(req.params.form)] as never);
        res.end('page');
      });
    });
    for (const form of forms.keys()) {
      expect((await ask(`${url}/p/${form}`)).headers['set-cookie']).toEqual(['a=1']);
      expect((await ask(`${url}/p/${form}`)).cache).toBe('miss');
    }
  });

  it('A2.2 keeps requests with a session cookie out of the shared space', async () => {
    const cache = await on.cache();
    const { url } = await on.serve(
      (app) => void app.get('/p', responseCache(cache, hour), (_req, res) => void res.send('page')),
    );
    await ask(`${url}/p`);
    const withSession = await ask(`${url}/p`, { headers: { cookie: 'theme=dark; connect.sid=s%3Aabc' } });
    expect([withSession.cache, withSession.headers['cache-status']]).toEqual([
      'bypass',
      'warmpath; fwd=bypass; detail=cookie',
    ]);
    expect((await ask(`${url}/p`, { headers: { cookie: 'theme=dark; _ga=1' } })).cache).toBe('hit');
  });

  it('A2.3 runs the handler for every request with Authorization', async () => {
    const cache = await on.cache();
    let runs = 0;
    const { url } = await on.serve((app) => {
      app.get('/p', responseCache(cache, hour), (_req, res) => {
        runs += 1;
        res.set('Cache-Control', 'public, max-age=60').send(`run ${runs}`);
      });
    });
    await ask(`${url}/p`, { headers: { authorization: 'Bearer a' } });
    await ask(`${url}/p`);
    await ask(`${url}/p`, { headers: { authorization: 'Bearer c' } });
    expect(runs).toBe(3);
  });

  it.each([
    'private',
    'Private',
    'private="set-cookie"',
    'private=""',
    'private, private="x"',
    'no-store,max-age=60',
    'max-age=60, no-store',
    ['max-age=60', 'no-store'],
    's-maxage=0',
    'max-age=-1',
  ])('A2.4 does not serve what says %s', async (value) => {
    const cache = await on.cache();
    let runs = 0;
    const { url } = await on.serve((app) => {
      app.get('/p', responseCache(cache), (_req, res) => {
        runs += 1;
        res.setHeader('Cache-Control', value);
        res.send(`run ${runs}`);
      });
    });
    await ask(`${url}/p`);
    expect(await body(ask(`${url}/p`))).toBe('run 2');
  });

  it.each(['*', ' * ', 'Accept, *', ['a', '*'], 'a b'])('A2.5 does not store what varies by %s', async (value) => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.get('/p', responseCache(cache, hour), (_req, res) => {
        res.setHeader('Vary', value);
        res.send('page');
      });
    });
    await ask(`${url}/p`);
    expect((await ask(`${url}/p`)).cache).toBe('miss');
  });

  it.each(['Cookie', 'Authorization'])('A2.6 does not store what varies by %s', async (name) => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.get('/p', responseCache(cache, { ...hour, observe: 'off' }), (_req, res) => void res.vary(name).send('page'));
    });
    await ask(`${url}/p`);
    expect((await ask(`${url}/p`)).cache).toBe('miss');
  });

  it('A2.7 bounds the fields and the variants a resource may vary by', { timeout: 30_000 }, async () => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.get('/names', responseCache(cache, hour), (_req, res) => {
        for (let i = 0; i < 9; i++) res.vary(`x-${i}`);
        res.send('page');
      });
      app.get(
        '/values',
        responseCache(cache, hour),
        (req, res) => void res.vary('x-a').send(String(req.headers['x-a'])),
      );
    });
    await ask(`${url}/names`);
    expect((await ask(`${url}/names`)).cache).toBe('miss');
    for (let i = 0; i < 70; i++) await ask(`${url}/values`, { headers: { 'x-a': String(i) } });
    const words = [];
    for (let i = 0; i < 70; i++) words.push((await ask(`${url}/values`, { headers: { 'x-a': String(i) } })).cache);
    expect(words.filter((word) => word === 'hit').length).toBeLessThanOrEqual(64);
    expect(words.filter((word) => word === 'hit').length).toBeGreaterThan(50);
  });

  it.each([true, false])('A2.8 keeps reflected origins apart (Vary: Origin sent: %s)', async (varies) => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.get('/p', responseCache(cache, { ...hour, observe: 'off' }), (req, res) => {
        if (req.headers.origin !== undefined) res.set('Access-Control-Allow-Origin', req.headers.origin);
        if (varies) res.vary('Origin');
        res.send('page');
      });
    });
    const allowed = async (origin?: string) =>
      (await ask(`${url}/p`, origin === undefined ? {} : { headers: { origin } })).headers[
        'access-control-allow-origin'
      ];
    expect(await allowed('https://a.test')).toBe('https://a.test');
    expect(await allowed('https://b.test')).toBe('https://b.test');
    expect(await allowed()).toBeUndefined();
  });

  it.each(['inside', 'outside', 'absent'])(
    'A2.9 A4.6 sends bytes that match their coding, with compression %s',
    async (place) => {
      const cache = await on.cache();
      const text = 'compressible '.repeat(500);
      const { url } = await on.serve((app) => {
        if (place === 'outside') app.use(compression());
        app.use('/p', responseCache(cache, hour));
        if (place === 'inside') app.use(compression());
        app.get('/p', (_req, res) => void res.type('text').send(text));
      });
      const { gunzipSync, brotliDecompressSync } = await import('node:zlib');
      const decode = { gzip: gunzipSync, br: brotliDecompressSync } as Record<string, (bytes: Buffer) => Buffer>;
      for (const accepted of ['gzip', undefined, 'identity', 'gzip;q=0', 'br', '*;q=0', 'gzip', 'br, gzip']) {
        const answer = await ask(
          `${url}/p`,
          accepted === undefined ? {} : { headers: { 'accept-encoding': accepted } },
        );
        const coding = answer.headers['content-encoding'] as string | undefined;
        expect((decode[coding ?? ''] ?? ((bytes: Buffer) => bytes))(answer.body).toString()).toBe(text);
        if (coding !== undefined) expect(String(accepted)).toMatch(new RegExp(`(^|\\W)${coding}(?!;q=0)`));
      }
    },
  );

  it('A2.10 gives a waiter nothing of an answer that turns out not to be for sharing', async () => {
    const cache = await on.cache();
    const held = gate();
    const { url } = await on.serve((app) => {
      app.get('/p', responseCache(cache, hour), async (req, res) => {
        const user = req.get('x-user');
        await held.wait();
        res.set('Cache-Control', 'private').send(`for ${user}`);
      });
    });
    const first = ask(`${url}/p`, { headers: { 'x-user': 'a' } });
    await held.arrived();
    const second = ask(`${url}/p`, { headers: { 'x-user': 'b' } });
    await eventually(() => cache.stats().caches['/p']?.collapsed === 1);
    held.open();
    expect([await body(first), await body(second)]).toEqual(['for a', 'for b']);
  });

  it.each([
    '/account/x.css',
    '/account;x.css',
    '/account%3Bx.css',
    '/account%00.css',
    '/account%2Fx.css',
    '/account/..%2fstatic/x.css',
    '//account',
  ])('A2.11 stores no personal page for the look of its URL: %s', async (path) => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.use(responseCache(cache, hour));
      app.use((req, res) => void res.send(`private of ${req.headers.cookie ?? 'nobody'}`));
    });
    await getRaw(url, path, ['Host: films.test', 'Cookie: sid=victim']);
    expect(await getRaw(url, path)).toContain('private of nobody');
  });

  it('A2.13 does not store what a guard behind the cache let through', async () => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.use(responseCache(cache, { ...hour, credentials: 'ignore' }));
      app.use((req, res, next) =>
        req.headers.authorization === 'Bearer a' ? next() : void res.status(401).send('who?'),
      );
      app.get('/p', (_req, res) => void res.set('Cache-Control', 'public').send('secret'));
    });
    expect(await body(ask(`${url}/p`, { headers: { authorization: 'Bearer a' } }))).toBe('secret');
    expect((await ask(`${url}/p`)).status).toBe(401);
  });

  it.each(['cookies', 'session', 'user', 'signedCookies'])(
    'A2.13 does not store what depends on req.%s',
    async (name) => {
      const cache = await on.cache();
      const { url } = await on.serve((app) => {
        app.use((req, _res, next) => {
          (req as unknown as Record<string, unknown>)[name] = { who: req.get('x-user') };
          next();
        });
        app.get(
          '/p',
          responseCache(cache, hour),
          (req, res) => void res.send(`for ${(req as unknown as Record<string, { who: string }>)[name]?.who}`),
        );
      });
      expect(await body(ask(`${url}/p`, { headers: { 'x-user': 'a' } }))).toBe('for a');
      const other = await ask(`${url}/p`, { headers: { 'x-user': 'b' } });
      expect([other.cache, other.body.toString()]).toEqual(['miss', 'for b']);
      expect(cache.stats().caches['/p']?.findings[0]?.input).toBe(`req.${name}`);
    },
  );

  it.each([
    [
      'res.locals',
      (app: import('express').Express) =>
        void app.use((req, res, next) => {
          res.locals.who = req.get('x-user');
          next();
        }),
      (_req: import('express').Request, res: import('express').Response) => String(res.locals.who),
    ],
    ['req.ip', () => {}, (req: import('express').Request) => String(req.ip)],
    ['the socket', () => {}, (req: import('express').Request) => String(req.socket.remoteAddress)],
    ['all fields', () => {}, (req: import('express').Request) => JSON.stringify({ ...req.headers })],
    ['rawHeaders', () => {}, (req: import('express').Request) => req.rawHeaders.join()],
  ])('A2.13 does not store what depends on %s', async (_what, prepare, read) => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      prepare(app);
      app.get('/p', responseCache(cache, hour), (req, res) => void res.send(read(req, res)));
    });
    await ask(`${url}/p`, { headers: { 'x-user': 'a' } });
    expect((await ask(`${url}/p`, { headers: { 'x-user': 'a' } })).cache).toBe('miss');
  });

  it.each([400, 401, 403, 500, 503])('A2.14 does not store an error page of status %i', async (status) => {
    const cache = await on.cache();
    let runs = 0;
    const { url } = await on.serve((app) => {
      app.get('/p', responseCache(cache, { ...hour, statuses: [200, status] }), (_req, res) => {
        runs += 1;
        res.status(status).send(`stack of run ${runs}`);
      });
    });
    await ask(`${url}/p`);
    expect(await body(ask(`${url}/p`))).toBe('stack of run 2');
  });

  it('A2.15 puts no secret into keys, logs or figures', async () => {
    const logged: unknown[] = [];
    const log = (...args: unknown[]): void => void logged.push(...args);
    const cache = await on.cache({ logger: { debug: log, info: log, warn: log, error: log } });
    const { url } = await on.serve((app) => {
      app.use(responseCache(cache, { ...hour, identity: (req) => req.get('x-user') }));
      app.use((req, res) => void res.send(`seen ${req.headers.cookie} ${req.headers.authorization}`));
    });
    const headers = { authorization: 'Bearer SECRET', cookie: 'sid=SECRET', 'x-user': 'SECRET' };
    await ask(`${url}/p?token=SECRET`, { headers });
    await ask(`${url}/p?token=SECRET`, { headers });
    expect(JSON.stringify(logged.map(String))).not.toContain('SECRET');
    expect(JSON.stringify(cache.stats())).not.toContain('SECRET');
    if (cache.stats().level === 'redis') expect(String(await on.redis().cli('KEYS', '*'))).not.toContain('SECRET');
  });
});

onEveryBackend('languages', (on) => {
  it('gives each list of languages what its own negotiation would, and reuses the language somebody wants most', async () => {
    const cache = await on.cache();
    let runs = 0;
    const { url } = await on.serve((app) => {
      app.get('/p', responseCache(cache, hour), (req, res) => {
        runs += 1;
        const language = req.acceptsLanguages('en', 'de') || 'en';
        res.vary('Accept-Language').set('Content-Language', String(language)).send(`in ${language}`);
      });
    });
    const inLanguage = (list: string) => body(ask(`${url}/p`, { headers: { 'accept-language': list } }));
    expect(await inLanguage('en, de')).toBe('in en');
    expect(await inLanguage('de, en')).toBe('in de');
    expect(runs).toBe(2);
    expect(await inLanguage('fr;q=0.5, de;q=0.9')).toBe('in de');
    expect(runs).toBe(2);
    expect(await inLanguage('fr, en;q=0.9, de;q=0.1')).toBe('in en');
    expect(await inLanguage('de-CH, de;q=0.5')).toMatch(/^in /);
  });
});
