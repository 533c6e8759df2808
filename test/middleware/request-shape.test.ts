import { createServer, IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Express } from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { createCache } from '../../lib/cache/cache.js';
import { dispatchInternally } from '../../lib/middleware/internal-dispatch.js';
import { keepShape } from '../../lib/middleware/request-shape.js';
import { responseCache } from '../../lib/middleware/response-cache.js';
import { ask } from '../flows/support/serve.js';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listening(
  listener: (req: IncomingMessage, res: ServerResponse) => void,
  options: ServerOptions = {},
): Promise<{ server: Server; url: string }> {
  const server = createServer(options, listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function films(): Express {
  const app = express();
  app.use(responseCache(createCache(), { ttl: '1h' }));
  app.get('/films/:id', (req, res) => void res.json({ id: req.params.id, base: req.baseUrl, url: req.originalUrl }));
  return app;
}

const isOldEngine = Number(process.versions.node.split('.')[0]) < 24;

describe('the shape of requests', () => {
  it('leaves Express nothing to add to them, where the engine profits', async () => {
    const app = films();
    const added: PropertyKey[][] = [];
    const { url } = await listening((req, res) => {
      keepShape(req, res);
      const before = new Set([...Reflect.ownKeys(req), ...Reflect.ownKeys(res)]);
      res.on('close', () =>
        added.push([...Reflect.ownKeys(req), ...Reflect.ownKeys(res)].filter((name) => !before.has(name))),
      );
      app(req, res);
    });
    for (let turn = 0; turn < 3; turn++) await ask(`${url}/films/1`);
    // The first is a miss, which is captured; hits are what counts.
    expect(added.slice(1).map(({ length }) => length === 0)).toEqual(Array(2).fill(isOldEngine));
  });

  it('is kept where a server makes requests of its own, and only where the engine profits', async () => {
    class OwnRequest extends IncomingMessage {}
    const { server, url } = await listening(films(), { IncomingMessage: OwnRequest });
    for (let turn = 0; turn < 3; turn++) await ask(`${url}/films/1`);
    expect(server.listenerCount('request')).toBe(isOldEngine ? 2 : 1);
  });

  it('changes no answer', async () => {
    const { url } = await listening(films());
    const answers: string[] = [];
    for (let turn = 0; turn < 3; turn++) answers.push((await ask(`${url}/films/1?a=b`)).body.toString());
    expect(answers).toEqual(Array(3).fill('{"id":"1","base":"","url":"/films/1?a=b"}'));
    expect((await ask(`${url}/books`)).status).toBe(404);
  });

  it('is left alone where a request has no server', async () => {
    const { status } = await dispatchInternally(films(), { url: '/films/1', headers: { host: 'films.test' } }, 5000);
    expect(status).toBe(200);
  });
});
