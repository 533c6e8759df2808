import type { RequestHandler } from 'express';
import express from 'express';
import { expect, it } from 'vitest';
import { responseCache } from '../../lib/index.js';
import { onEveryBackend } from './support/backends.js';
import { getRaw } from './support/raw.js';
import { ask } from './support/serve.js';

const hour = { ttl: '1h' } as const;
const body = async (answer: ReturnType<typeof ask>): Promise<string> => (await answer).body.toString();

/** Answers with what it made of the request, and counts how often it ran. */
function counting(answer: (req: express.Request) => string): { handler: RequestHandler; runs: () => number } {
  let runs = 0;
  return {
    runs: () => runs,
    handler: (req, res) => {
      runs += 1;
      res.send(answer(req));
    },
  };
}

onEveryBackend('A1 key and input confusion', (on) => {
  it.each([
    'x-forwarded-host',
    'x-forwarded-proto',
    'x-forwarded-port',
    'x-forwarded-prefix',
    'x-forwarded-server',
    'x-forwarded-scheme',
    'forwarded',
    'x-host',
    'x-original-host',
  ])('A1.1 does not hand a link built from %s to anybody else', async (name) => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.get('/p', responseCache(cache, hour), (req, res) => void res.send(`link ${req.get(name) ?? 'honest'}`));
    });
    expect(await body(ask(`${url}/p`, { headers: { [name]: 'evil.test' } }))).toBe('link evil.test');
    expect(await body(ask(`${url}/p`))).toBe('link honest');
  });

  it.each(['x-original-url', 'x-rewrite-url'])('A1.2 leaves a request with %s to the handler alone', async (name) => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.get('/', responseCache(cache, hour), (req, res) => void res.send(req.get(name) ?? 'home'));
    });
    const attack = await ask(`${url}/`, { headers: { [name]: '/admin' } });
    expect(attack.headers['cache-status']).toContain('detail=override');
    expect(await body(ask(`${url}/`))).toBe('home');
  });

  it('A1.3 neither stores nor serves a GET with a body', async () => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.use(express.urlencoded({ extended: false }));
      app.get('/p', responseCache(cache, hour), (req, res) => void res.send(String(req.body?.x ?? req.query.x)));
    });
    const attack = await getRaw(url, '/p?x=1', [
      'Host: films.test',
      'Content-Type: application/x-www-form-urlencoded',
      'Content-Length: 0',
    ]);
    expect(attack).toContain('200 OK');
    expect(await body(ask(`${url}/p?x=1`))).toBe('1');
    const chunked = await ask(`${url}/p?x=1`, {
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '0' },
    });
    expect(chunked.status).toBe(200);
    const fat = await getRaw(url, '/p?x=2', [
      'Host: films.test',
      'Content-Type: application/x-www-form-urlencoded',
      'Transfer-Encoding: chunked',
    ]);
    expect(fat).not.toContain('X-Cache: hit');
  });

  it.each(['x-http-method-override', 'x-http-method', 'x-method-override'])(
    'A1.4 stores nothing for a request with %s',
    async (name) => {
      const cache = await on.cache();
      const { url } = await on.serve((app) => {
        app.use((req, _res, next) => {
          const other = req.get(name);
          if (other !== undefined) req.method = other;
          next();
        });
        app.use(responseCache(cache, hour));
        app.delete('/p', (_req, res) => void res.status(200).send('deleted'));
        app.get('/p', (_req, res) => void res.send('page'));
      });
      await ask(`${url}/p`, { headers: { [name]: 'DELETE' } });
      expect(await body(ask(`${url}/p`))).toBe('page');
    },
  );

  it('A1.4 stores nothing when the method was changed behind the cache', async () => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.use(responseCache(cache, hour));
      app.use((req, _res, next) => {
        if (req.query._method === 'DELETE') req.method = 'DELETE';
        next();
      });
      app.all('/p', (req, res) => void res.send(req.method));
    });
    expect(await body(ask(`${url}/p?_method=DELETE`))).toBe('DELETE');
    expect((await ask(`${url}/p?_method=DELETE`)).cache).toBe('miss');
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PURGE'])(
    'A1.5 runs the handler for each %s and gives its answer to no GET',
    async (method) => {
      const cache = await on.cache();
      const { url } = await on.serve((app) => {
        app.use(responseCache(cache));
        app.use((req, res) => void res.set('Cache-Control', 'max-age=60').send(`${req.method} ${Math.random()}`));
      });
      const [first, second] = [await body(ask(`${url}/p`, { method })), await body(ask(`${url}/p`, { method }))];
      expect(first).not.toBe(second);
      expect(await body(ask(`${url}/p`))).toMatch(/^GET/);
    },
  );

  it('A1.6 lets HEAD read a GET entry and never make one', async () => {
    const cache = await on.cache();
    const page = counting(() => 'whole page');
    const { url } = await on.serve((app) => void app.get('/p', responseCache(cache, hour), page.handler));
    await ask(`${url}/p`, { method: 'HEAD' });
    expect(await body(ask(`${url}/p`))).toBe('whole page');
    const head = await ask(`${url}/p`, { method: 'HEAD' });
    expect([head.cache, head.headers['content-length'], head.body.length]).toEqual(['hit', '10', 0]);
    expect(page.runs()).toBe(2);
  });

  it('A1.7 stores no part as the whole, and cuts parts from a stored whole', async () => {
    const cache = await on.cache();
    const whole = '0123456789'.repeat(20);
    const { url } = await on.serve((app) => {
      app.get('/f', responseCache(cache, hour), (req, res) => {
        const range = /^bytes=(\d+)-(\d+)$/.exec(req.get('range') ?? '');
        if (range === null) return void res.send(whole);
        const part = whole.slice(Number(range[1]), Number(range[2]) + 1);
        res.status(206).set('Content-Range', `bytes ${range[1]}-${range[2]}/${whole.length}`).send(part);
      });
    });
    const first = await ask(`${url}/f`, { headers: { range: 'bytes=0-9' } });
    expect([first.status, first.body.toString()]).toEqual([206, '0123456789']);
    expect(await body(ask(`${url}/f`))).toBe(whole);
    const cut = await ask(`${url}/f`, { headers: { range: 'bytes=5-9' } });
    expect([cut.status, cut.cache, cut.body.toString(), cut.headers['content-range']]).toEqual([
      206,
      'hit',
      '56789',
      'bytes 5-9/200',
    ]);
    expect((await ask(`${url}/f`, { headers: { range: 'bytes=900-' } })).status).toBe(416);
    expect((await ask(`${url}/f`, { headers: { range: 'bytes=0-1', 'if-range': '"other"' } })).status).toBe(200);
    expect(await body(ask(`${url}/f`))).toBe(whole);
  });

  it.each(['the tag', '*'])(
    'A1.8 fills with the whole answer when the first request was conditional on %s',
    async (what) => {
      const cache = await on.cache();
      const { url } = await on.serve(
        (app) => void app.get('/p', responseCache(cache, hour), (_req, res) => void res.send('page')),
      );
      const tag = String((await ask(`${url}/p`)).headers.etag);
      await cache.clear();
      const conditional = await ask(`${url}/p`, { headers: { 'if-none-match': what === '*' ? '*' : tag } });
      expect([conditional.status, conditional.body.length]).toEqual([304, 0]);
      const plain = await ask(`${url}/p`);
      expect([plain.status, plain.cache, plain.body.toString()]).toEqual([200, 'hit', 'page']);
    },
  );

  it('A1.9 answers 304 only on a weak match, with the fields of a 304 and no body', async () => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.get(
        '/p',
        responseCache(cache, hour),
        (_req, res) => void res.set({ ETag: 'W/"a,b"', 'X-Other': '1' }).send('page'),
      );
    });
    await ask(`${url}/p`);
    const ifNoneMatch = (value: string) => ask(`${url}/p`, { headers: { 'if-none-match': value } });
    const matched = await ifNoneMatch('"x", "a,b" , W/"y"');
    expect([matched.status, matched.body.length, matched.headers.etag, matched.headers['x-other']]).toEqual([
      304,
      0,
      'W/"a,b"',
      undefined,
    ]);
    for (const value of ['"a"', 'a,b', '"A,B"', `"${'x,'.repeat(5000)}"`, '"'])
      expect((await ifNoneMatch(value)).status).toBe(200);
  });

  it('A1.10 shares an entry only between queries that mean the same to every handler', async () => {
    const cache = await on.cache();
    const { url } = await on.serve(
      (app) => void app.get('/p', responseCache(cache, hour), (req, res) => void res.send(req.originalUrl)),
    );
    const queries = [
      'a=1&a=2',
      'a=2&a=1',
      'a[]=1',
      'a=1;b=2',
      '%61=1',
      'a=1&A=2',
      'a',
      'a=',
      'a=%zz',
      'a=1&b=2',
      'a=1',
    ];
    for (const query of queries) expect(await body(ask(`${url}/p?${query}`))).toBe(`/p?${query}`);
    expect(await body(ask(`${url}/p?b=2&a=1`))).toBe('/p?a=1&b=2');
  });

  it('A1.11 hides ignored parameters from the handler that fills', async () => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.get(
        '/p',
        responseCache(cache, hour),
        (req, res) => void res.send(JSON.stringify([req.url, req.originalUrl, req.query])),
      );
    });
    const seen = await body(ask(`${url}/p?utm_source="><x&a=1&gclid=evil`.replace(/[<>"]/g, encodeURIComponent)));
    expect(seen).toBe(JSON.stringify(['/p?a=1', '/p?a=1', { a: '1' }]));
    const clean = await ask(`${url}/p?a=1`);
    expect([clean.cache, clean.body.toString()]).toEqual(['hit', seen]);
  });

  it('A1.12 keys by host and port, without regard to case', async () => {
    const cache = await on.cache();
    const { url } = await on.serve(
      (app) => void app.get('/p', responseCache(cache, hour), (req, res) => void res.send(String(req.headers.host))),
    );
    expect(await body(ask(`${url}/p`, { host: 'a.test:1337' }))).toBe('a.test:1337');
    expect(await body(ask(`${url}/p`, { host: 'a.test' }))).toBe('a.test');
    expect((await ask(`${url}/p`, { host: 'A.TEST' })).cache).toBe('hit');
  });

  it('A1.13 takes an absolute-form target for its path, with the host of the Host field', async () => {
    const cache = await on.cache();
    const { url } = await on.serve(
      (app) => void app.get('/p', responseCache(cache, hour), (req, res) => void res.send(`seen ${req.originalUrl}`)),
    );
    await getRaw(url, 'http://evil.test/p');
    expect(await body(ask(`${url}/p`))).toBe('seen /p');
  });

  it('A1.14 does not let a fragment into the key or the answer', async () => {
    const cache = await on.cache();
    const { url } = await on.serve(
      (app) => void app.get('/p', responseCache(cache, hour), (req, res) => void res.send(`seen ${req.originalUrl}`)),
    );
    await getRaw(url, '/p#x.css');
    expect(await body(ask(`${url}/p`))).toBe('seen /p');
  });

  it('A1.15 invalidates every spelling of a path that Express sends to the same handler', async () => {
    const cache = await on.cache();
    const { url } = await on.serve(
      (app) => void app.get('/p', responseCache(cache, hour), (_req, res) => void res.send('page')),
    );
    for (const path of ['/p', '/P', '/p/']) await ask(url + path);
    await cache.invalidate({ urls: ['/p'] });
    for (const path of ['/p', '/P', '/p/']) expect((await ask(url + path)).cache).toBe('miss');
  });

  it('A1.16 works with the names of the prototype', async () => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.get(
        '/p',
        responseCache(cache, { ...hour, tags: ['__proto__', 'toString', 'hasOwnProperty'], vary: ['constructor'] }),
        (req, res) => void res.send(String(req.headers.constructor)),
      );
    });
    await ask(`${url}/p?__proto__[x]=1&constructor[prototype][y]=1`);
    await getRaw(url, '/p', ['Host: films.test', '__proto__: x', 'constructor: y']);
    expect(({} as { x?: unknown }).x).toBeUndefined();
    await cache.set('__proto__', 1, { ttl: '1h', tags: ['constructor'] });
    expect(await cache.get('__proto__')).toBe(1);
    expect(await cache.get('toString')).toBeUndefined();
    await cache.invalidate({ tags: ['constructor'] });
    expect(await cache.get('__proto__')).toBeUndefined();
  });

  it('A1.17 gives different identities, paths and fields different entries, whatever they contain', async () => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      const identity = (req: express.Request): string | undefined => req.get('x-user');
      app.use(responseCache(cache, { ...hour, identity, vary: ['x-lang'] }));
      app.use((req, res) => void res.send(JSON.stringify([req.get('x-user'), req.get('x-lang'), req.originalUrl])));
    });
    const parts: [string, string, string][] = [
      ['a', '', '/x:b'],
      ['a:b', '', '/x'],
      ['1|path=/y', 'de', '/'],
      ['1', 'de', '/y'],
      ['1', 'de:1', '/'],
      ['11', 'de', '/'],
      ['1', '1:de', '/'],
    ];
    for (const [user, lang, path] of parts) {
      const own = JSON.stringify([user, lang, path]);
      expect(await body(ask(url + path, { headers: { 'x-user': user, 'x-lang': lang } }))).toBe(own);
    }
    for (const [user, lang, path] of parts) {
      const again = await ask(url + path, { headers: { 'x-user': user, 'x-lang': lang } });
      expect([again.cache, again.body.toString()]).toEqual(['hit', JSON.stringify([user, lang, path])]);
    }
  });

  it.each([
    ['undefined', () => undefined],
    ['null', () => null],
    ['NaN', () => Number.NaN],
    ['an empty text', () => ''],
    ['an object', () => ({})],
    ['an array', () => ['a']],
    ['a promise', () => Promise.reject(new Error('late'))],
    [
      'an exception',
      () => {
        throw new Error('no');
      },
    ],
  ])('A1.18 shares nothing when the identity is %s', async (_what, identity) => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.get(
        '/p',
        responseCache(cache, { ...hour, identity: identity as never }),
        (req, res) => void res.send(`for ${req.get('x-user')}`),
      );
    });
    expect(await body(ask(`${url}/p`, { headers: { 'x-user': 'a' } }))).toBe('for a');
    const other = await ask(`${url}/p`, { headers: { 'x-user': 'b' } });
    expect([other.cache, other.body.toString()]).toEqual(['bypass', 'for b']);
  });
});
