import { once } from 'node:events';
import { createServer as createHttpServer, IncomingMessage, type Server, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import express5, { type Express, type Request, type Response } from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { createCache, createServer, fastLane, requestMetrics, responseCache } from '../../lib/index.js';
import { appMessages, makeMessagesOf } from '../../lib/middleware/app-messages.js';
import { ask } from '../flows/support/serve.js';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listening(server: Server): Promise<string> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

type Prototypes = Express & { request: Record<string, unknown>; response: Record<string, unknown> };

/** Whether the requests of a server are made with the prototypes of the app, as seen before the app sees them. */
function watchMade(server: Server, app: Express): boolean[] {
  const made: boolean[] = [];
  server.prependListener('request', (req, res) => {
    const { request, response } = app as Prototypes;
    made.push(Object.getPrototypeOf(req) === request && Object.getPrototypeOf(res) === response);
  });
  return made;
}

const text = async (url: string): Promise<string> => (await ask(url)).body.toString();

for (const [version, express] of [
  ['4', createRequire(import.meta.url)('express4') as typeof express5],
  ['5', express5],
] as const) {
  describe(`requests made for an app of Express ${version}`, () => {
    const hello = (app: Express): Express => {
      app.get('/', (req, res) => void res.send(`${req.app === app} ${req.ip} ${req.path} ${res.app === app}`));
      return app;
    };

    it('have its prototypes from the beginning: by createServer', async () => {
      const app = hello(express());
      const server = createServer(app);
      const made = watchMade(server, app);
      const url = await listening(server);
      expect([await text(url), await text(url)]).toEqual(Array(2).fill('true 127.0.0.1 / true'));
      expect(made).toEqual([true, true]);
    });

    it.each([
      ['requestMetrics', (app: Express) => void app.use(requestMetrics())],
      ['responseCache', (app: Express) => void app.use(responseCache(createCache(), { ttl: '1h' }))],
    ])('have them after the first one that reaches %s, on a server of the user', async (_, mount) => {
      const app = express();
      mount(app);
      hello(app);
      const server = createHttpServer(app);
      const made = watchMade(server, app);
      const url = await listening(server);
      for (let turn = 0; turn < 3; turn++) expect(await text(url)).toBe('true 127.0.0.1 / true');
      expect(made).toEqual([false, true, true]);
      expect(server.listenerCount('request')).toBe(2); // the test's and the app
    });

    it('have them by fastLane', async () => {
      const app = hello(express());
      const server = createHttpServer(fastLane(app));
      const made = watchMade(server, app);
      const url = await listening(server);
      for (let turn = 0; turn < 2; turn++) await text(url);
      expect(made).toEqual([false, true]);
    });

    it('have what the app gives its requests, before and afterwards', async () => {
      const app = express() as Prototypes;
      app.request.early = 'early';
      const server = createServer(app);
      app.response.late = 'late';
      app.get('/', (req, res) => {
        const { early } = req as Request & { early?: string };
        res.send(`${early} ${(res as Response & { late?: string }).late}`);
      });
      expect(await text(await listening(server))).toBe('early late');
    });

    it('are given to mounted apps and taken back', async () => {
      const [app, inner, later] = [express(), express(), express()] as Prototypes[] as [
        Prototypes,
        Prototypes,
        Prototypes,
      ];
      app.request.of = 'outer';
      inner.request.own = 'inner';
      const tell = (own: Express) => (req: Request, res: Response) => {
        const { of, own: mine } = req as Request & { of?: string; own?: string };
        res.send(`${req.app === own} ${of} ${mine} ${req.baseUrl}`);
      };
      inner.get('/', tell(inner));
      later.get('/', tell(later));
      app.use('/inner', inner);
      const server = createServer(app);
      app.use('/later', later);
      app.get('/', tell(app));
      const url = await listening(server);
      expect(await text(`${url}/inner`)).toBe('true outer inner /inner');
      expect(await text(`${url}/later`)).toBe('true outer undefined /later');
      expect(await text(url)).toBe('true outer undefined ');
    });

    it('stay those of an app that is mounted into another afterwards', async () => {
      const app = hello(express());
      appMessages(app);
      const outer = express() as Prototypes;
      outer.request.of = 'outer';
      outer.use('/inner', app);
      app.get('/of', (req, res) => void res.send((req as Request & { of?: string }).of));
      const url = await listening(createServer(outer));
      expect(await text(`${url}/inner`)).toBe('true 127.0.0.1 / true');
      expect(await text(`${url}/inner/of`)).toBe('outer');
    });

    it('serve two apps by turns', async () => {
      const [one, other] = [hello(express()), hello(express())];
      for (const app of [one, other]) app.use(requestMetrics());
      const server = createHttpServer((req, res) => void (req.headers.host === 'one.test' ? one : other)(req, res));
      const url = await listening(server);
      for (const host of ['one.test', 'other.test', 'one.test', 'other.test']) {
        expect((await ask(url, { host })).body.toString()).toBe('true 127.0.0.1 / true');
      }
    });

    it("are Node's own to whoever asks", async () => {
      const app = express();
      const seen: unknown[] = [];
      app.get('/', (req, res) => {
        seen.push(req instanceof IncomingMessage, res instanceof ServerResponse, req.constructor === IncomingMessage);
        seen.push(res.constructor === ServerResponse, Object.keys(app.request).join());
        res.end();
      });
      const before = Object.keys((app as Prototypes).request).join();
      await ask(await listening(createServer(app)));
      expect(seen).toEqual([true, true, true, true, before]);
    });
  });
}

describe('requests of a server', () => {
  class OwnRequest extends IncomingMessage {}

  it("are the user's own where it has classes for them", async () => {
    const app = express5();
    app.use(requestMetrics());
    const [seen, before] = [[] as boolean[], (app as unknown as Prototypes).request];
    app.get('/', (_req, res) => void res.end());
    for (const server of [
      createHttpServer({ IncomingMessage: OwnRequest }, app),
      createServer(app, { IncomingMessage: OwnRequest }),
    ]) {
      server.prependListener('request', (req) => seen.push(req instanceof OwnRequest));
      const url = await listening(server);
      for (let turn = 0; turn < 2; turn++) await ask(url);
    }
    expect(seen).toEqual([true, true, true, true]);
    expect((app as unknown as Prototypes).request).toBe(before);
  });

  it('are left as they are for what is no Express app', () => {
    const server = createHttpServer();
    for (const app of [undefined, () => {}, { request: {}, response: {} }]) {
      expect(appMessages(app)).toBeUndefined();
      expect(makeMessagesOf(app, server)).toBe(false);
    }
    expect(makeMessagesOf(express5(), {})).toBe(false);
  });

  it('are made once per app, for all of its servers', () => {
    const app = express5();
    const [one, other] = [createHttpServer(app), createHttpServer(app)];
    expect([makeMessagesOf(app, one), makeMessagesOf(app, one), makeMessagesOf(app, other)]).toEqual([
      true,
      true,
      true,
    ]);
    expect(appMessages(app)).toBe(appMessages(app));
    expect(makeMessagesOf(express5(), one)).toBe(false);
  });

  it('may be upgraded', async () => {
    const server = createServer(express5());
    server.on('upgrade', (req, socket) => {
      socket.end(`HTTP/1.1 101 Switching Protocols\r\n\r\n${req.url}`);
    });
    const { port } = new URL(await listening(server));
    const socket = connect(Number(port), '127.0.0.1');
    socket.write('GET /up HTTP/1.1\r\nHost: films.test\r\nConnection: Upgrade\r\nUpgrade: films\r\n\r\n');
    const [said] = (await once(socket, 'data')) as [Buffer];
    expect(said.toString()).toContain('101');
    socket.destroy();
  });
});
