import type { Request } from 'express';
import { expect, it } from 'vitest';
import { responseCache } from '../../lib/index.js';
import { onEveryBackend } from './support/backends.js';
import { ask } from './support/serve.js';

type Read = (req: Request) => unknown;
const property =
  (name: string): Read =>
  (req) =>
    (req as unknown as Record<string, unknown>)[name];

// Whatever tells who asks, there or not: what is made without a user is for people without one.
const READS: readonly (readonly [string, Read])[] = [
  ['req.user', property('user')],
  ['whether there is a req.session', (req) => Reflect.get(req, 'session') !== undefined],
  ['req.auth', property('auth')],
  ['req.cookies', property('cookies')],
  ['req.ip', (req) => req.ip],
  ['req.ips', (req) => req.ips],
  ['the address of the socket', (req) => req.socket.remoteAddress],
  ['the cookie field', (req) => req.headers.cookie],
  ['req.get("authorization")', (req) => req.get('authorization')],
  ['one of the raw fields', (req) => req.rawHeaders[1]],
  ['all raw fields', (req) => [...req.rawHeaders]],
  ['all distinct fields', (req) => req.headersDistinct],
  ['all fields', (req) => ({ ...req.headers })],
];

const PLACES = ['a route', 'a router', 'a mounted app', 'an app mounted in a mounted app'] as const;

onEveryBackend('a handler that is observed', (on) => {
  function place(app: ReturnType<typeof on.express>, where: (typeof PLACES)[number]): ReturnType<typeof on.express> {
    if (where === 'a route') return app;
    const inner = where === 'a router' ? (on.express.Router() as never) : on.express();
    app.use('/in', inner);
    return where === 'an app mounted in a mounted app' ? place(inner, 'a mounted app') : inner;
  }
  const pathTo: Record<(typeof PLACES)[number], string> = {
    'a route': '/p',
    'a router': '/in/p',
    'a mounted app': '/in/p',
    'an app mounted in a mounted app': '/in/in/p',
  };

  it.each(PLACES)('is not stored for others when it reads what tells who asks, in %s', async (where) => {
    for (const [what, read] of READS) {
      const cache = await on.cache();
      let runs = 0;
      const { url } = await on.serve((app) => {
        app.use(responseCache(cache, { ttl: '1h' }));
        place(app, where).get('/p', (req, res) => {
          runs += 1;
          res.send(String(read(req) === undefined));
        });
      });
      for (let i = 0; i < 4; i++) expect((await ask(url + pathTo[where])).cache, what).toBe('miss');
      expect(runs, what).toBe(4);
    }
  });

  it.each(PLACES)('is stored when it reads nothing, in %s, and answers whoever comes after', async (where) => {
    const cache = await on.cache();
    let runs = 0;
    const { url } = await on.serve((app) => {
      app.use(responseCache(cache, { ttl: '1h' }));
      place(app, where).get('/p', (_req, res) => {
        runs += 1;
        res.send('page');
      });
    });
    // The first request that an app hands to a mounted one is not watched to its end.
    const unwatched = where.includes('mounted') ? 1 : 0;
    for (let i = 0; i < unwatched + 1; i++) expect((await ask(url + pathTo[where])).cache).toBe('miss');
    expect((await ask(url + pathTo[where])).cache).toBe('hit');
    expect(runs).toBe(unwatched + 1);
  });

  it('finds the request as it was when the answer is out', async () => {
    const cache = await on.cache();
    const seen: unknown[] = [];
    const { url } = await on.serve((app) => {
      app.use((req, res, next) => {
        const { headers, rawHeaders } = req;
        const prototype = Object.getPrototypeOf(req);
        res.on('close', () => {
          seen.push(req.headers === headers, req.rawHeaders === rawHeaders, Object.getPrototypeOf(req) === prototype);
          seen.push('user' in req, typeof req.socket.remoteAddress);
        });
        next();
      });
      app.get('/p', responseCache(cache, { ttl: '1h' }), (_req, res) => void res.send('page'));
    });
    await ask(`${url}/p`);
    await expect.poll(() => seen).toEqual([true, true, true, false, 'string']);
  });

  it('keeps what an outer middleware set, and what the handler sets itself', async () => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.use(responseCache(cache, { ttl: '1h' }));
      app.get('/own', (req, res) => {
        Object.assign(req, { user: 'made here' });
        res.send(String(Reflect.get(req, 'user')));
      });
    });
    // What the handler itself puts on the request is no input.
    expect((await ask(`${url}/own`)).body.toString()).toBe('made here');
    expect((await ask(`${url}/own`)).cache).toBe('hit');
  });
});
