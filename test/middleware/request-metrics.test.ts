import { request } from 'node:http';
import express from 'express';
import { beforeEach, describe, expect, it } from 'vitest';
import { requestDurations } from '../../lib/metrics/request-durations.js';
import { markInternalDispatch } from '../../lib/middleware/internal-dispatch.js';
import { requestMetrics } from '../../lib/middleware/request-metrics.js';
import { markServed } from '../../lib/middleware/served-by-cache.js';
import { gate } from '../../lib/testing/index.js';
import { EXPRESSES, serve } from '../routers/support/serve.js';
import { soon } from '../routers/support/soon.js';

const series = () =>
  [...requestDurations.series()].map(
    ({ method, route, status, durations }) => `${method} ${route} ${status} ${durations.count}`,
  );

beforeEach(() => requestDurations.reset());

describe.each(EXPRESSES)('request metrics on %s', (_name, express) => {
  it('label a request with the pattern that matched, mounts and their parameters included', async () => {
    const app = express();
    app.use(requestMetrics());
    const posts = express.Router();
    posts.get('/', (_req, res) => void res.send('all'));
    posts.get('/:post', (_req, res) => void res.send('one'));
    const inner = express();
    inner.use('/posts', posts);
    app.use('/users/:id/posts', posts);
    app.use('/tenants/:tenant', inner);
    app.get(['/a', '/b'], (_req, res) => void res.send('two paths'));
    const { url } = await serve(app);

    for (const path of [
      '/users/1/posts',
      '/users/2/posts/7',
      '/USERS/3/posts/8',
      '/tenants/x/posts/9',
      '/b',
      '/no/such',
    ]) {
      await fetch(url + path);
    }
    await soon(() => expect(series().length).toBe(5));
    expect(series().sort()).toEqual([
      'GET /a|/b 200 1',
      'GET /tenants/:tenant/posts/:post 200 1',
      'GET /users/:id/posts 200 1',
      'GET /users/:id/posts/:post 200 2',
      'GET unmatched 404 1',
    ]);
  });

  it('have the same series after a thousand random paths, mounts and methods (A3.15, A2.15)', async () => {
    const app = express();
    app.use(requestMetrics());
    const router = express.Router();
    router.all('/item/:id', (_req, res) => void res.send('ok'));
    app.use('/t/:token', router);
    const { url } = await serve(app);
    const random = () => Math.random().toString(36).slice(2);
    const visit = async () => {
      await fetch(`${url}/t/${random()}/item/${random()}`);
      await fetch(`${url}/${random()}`, { method: 'DELETE' });
    };
    await visit();
    await soon(() => expect(series()).toHaveLength(2));
    for (let i = 0; i < 500; i += 20) await Promise.all(Array.from({ length: 20 }, visit));
    await soon(() => {
      expect(series().sort()).toEqual(['DELETE unmatched 404 501', 'GET /t/:token/item/:id 200 501']);
    });
  });
});

describe('request metrics', () => {
  it('leave out what this process dispatches to itself, and what `skip` names', async () => {
    const app = express();
    app.use((req, _res, next) => {
      if (req.headers['x-inner']) markInternalDispatch(req);
      next();
    });
    app.use(requestMetrics({ skip: (req) => req.path === '/probe' }));
    app.get('/a', (_req, res) => void res.send('a'));
    const { url } = await serve(app);
    await fetch(`${url}/a`, { headers: { 'x-inner': '1' } });
    await fetch(`${url}/probe`);
    await fetch(`${url}/a`);
    await soon(() => expect(series()).toEqual(['GET /a 200 1']));
  });

  it('count a client that leaves before the answer began as 499', async () => {
    const arrived = gate();
    const app = express();
    app.use(requestMetrics());
    app.get('/slow', () => void arrived.wait());
    const { url } = await serve(app);
    const client = request(`${url}/slow`);
    client.on('error', () => {});
    client.end();
    await arrived.arrived();
    client.destroy();
    await soon(() => expect(series()).toEqual(['GET /slow 499 1']));
  });

  it('measure by cache result, and take the route of a hit that was answered before routing', async () => {
    const app = express();
    app.use(requestMetrics());
    app.use((_req, res) => {
      markServed(res, { result: 'hit', route: '/movies/:id' });
      res.send('kept');
    });
    const { url } = await serve(app);
    await fetch(`${url}/movies/1`);
    await soon(() => expect(series()).toEqual(['GET /movies/:id 200 1']));
    expect(requestDurations.results().get('hit')?.count).toBe(1);
  });

  it('take a trace id as exemplar only when asked, and only a well-formed one', async () => {
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const exemplarsWith = async (options: { exemplars?: boolean }, traceparent: string) => {
      requestDurations.reset();
      const app = express();
      app.use(requestMetrics(options));
      app.get('/', (_req, res) => void res.send('x'));
      const { url } = await serve(app);
      await fetch(url, { headers: { traceparent } });
      await soon(() => expect(series()).toHaveLength(1));
      return [...requestDurations.series()].flatMap(({ exemplars }) =>
        [...exemplars.values()].map(({ labels }) => labels),
      );
    };
    const good = `00-${trace}-b7ad6b7169203331-01`;
    expect(await exemplarsWith({ exemplars: true }, good)).toEqual([{ trace_id: trace }]);
    expect(await exemplarsWith({}, good)).toEqual([]);
    expect(await exemplarsWith({ exemplars: true }, `00-${'0'.repeat(32)}-b7ad6b7169203331-01`)).toEqual([]);
    expect(await exemplarsWith({ exemplars: true }, '"><script>')).toEqual([]);
  });

  it('measure until the response has ended, not until the handler returned', async () => {
    const app = express();
    app.use(requestMetrics());
    app.get('/', (_req, res) => {
      res.write('a');
      setTimeout(() => res.end('b'), 60);
    });
    const { url } = await serve(app);
    await (await fetch(url)).text();
    await soon(() => expect(series()).toHaveLength(1));
    const [one] = [...requestDurations.series()];
    expect(one?.durations.sum).toBeGreaterThan(0.055);
  });

  it('refuse an option they do not know', () => {
    expect(() => requestMetrics({ exemplar: true } as never)).toThrow("Did you mean 'exemplars'?");
  });
});
