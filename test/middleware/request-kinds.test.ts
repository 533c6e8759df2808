import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import compression from 'compression';
import express, { type Express } from 'express';
import { afterEach, expect, it } from 'vitest';
import { createCache, createServer, requestMetrics, responseCache } from '../../lib/index.js';
import { eventually } from '../../lib/testing/eventually.js';
import { fakeClock } from '../../lib/testing/fake-clock.js';
import { ask, serve } from '../flows/support/serve.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

// V8's own word on whether two objects are of one kind: code that meets many kinds is slow for all of them.
setFlagsFromString('--allow-natives-syntax');
const isSameKind = new Function('one', 'other', 'return %HaveSameMap(one, other)') as (a: object, b: object) => boolean;

function counted(): { add(object: object): void; readonly kinds: object[] } {
  const kinds: object[] = [];
  return { kinds, add: (object) => void (kinds.some((kind) => isSameKind(kind, object)) || kinds.push(object)) };
}

const TARGETS = 30;

for (const [what, prepare] of [
  ['as it is', (): void => {}],
  ['behind compression', (app: Express): void => void app.use(compression())],
] as const) {
  it(`keeps requests and responses of few kinds, however many are filled, followed and answered, ${what}`, async () => {
    const cache = createCache();
    const app = express();
    prepare(app);
    app.use(requestMetrics());
    app.get('/films/:id', responseCache(cache, { ttl: '1h', fastLane: true }), (_req, res) => void res.send('film'));
    app.get('/stills/:id', responseCache(cache, { ttl: '1h' }), (_req, res) => void res.send('still'));
    const server = createServer(app, { cache });
    const [requests, responses] = [counted(), counted()];
    server.on('request', (req, res) => {
      res.on('close', () => {
        requests.add(req);
        responses.add(res);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(
      () => server.close(),
      () => cache.close(),
    );
    const { port } = server.address() as { port: number };
    let hits = 0;
    for (let turn = 0; turn < 5; turn++) {
      for (let id = 0; id < TARGETS; id++) {
        for (const path of [`/films/${id}`, `/stills/${id}`]) {
          const answer = await ask(`http://127.0.0.1:${port}${path}`);
          if (answer.cache === 'hit') hits += 1;
        }
      }
    }
    expect(hits).toBe(TARGETS * 8);
    expect(requests.kinds.length).toBeLessThanOrEqual(8);
    expect(responses.kinds.length).toBeLessThanOrEqual(8);
  });
}

it('keeps requests, responses and connections of few kinds, however many are refreshed behind clients', async () => {
  const clock = fakeClock(Date.now());
  const cache = createCache({ clock, jitter: 0 });
  const app = express();
  const [requests, responses, sockets] = [counted(), counted(), counted()];
  let runs = 0;
  app.use((req, res, next) => {
    res.on('finish', () => {
      requests.add(req);
      responses.add(res);
      sockets.add(req.socket);
    });
    next();
  });
  app.get('/films/:id', responseCache(cache, { ttl: '1s', staleWhileRevalidate: '1h' }), (_req, res) => {
    runs += 1;
    res.send('film');
  });
  const served = await serve(app);
  closing.push(served.close, () => cache.close());
  for (const word of ['miss', 'stale', 'stale']) {
    for (let id = 0; id < TARGETS; id++) expect((await ask(`${served.url}/films/${id}`)).cache).toBe(word);
    clock.advance(2000);
  }
  await eventually(() => runs === TARGETS * 3);
  expect(requests.kinds.length).toBeLessThanOrEqual(8);
  expect(responses.kinds.length).toBeLessThanOrEqual(8);
  expect(sockets.kinds.length).toBeLessThanOrEqual(8);
});

it('keeps connections of few kinds, however many bring a request that is filled', async () => {
  const cache = createCache();
  const app = express();
  app.get('/films/:id', responseCache(cache, { ttl: '1h' }), (_req, res) => void res.send('film'));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets: Socket[] = [];
  server.on('connection', (socket) => sockets.push(socket));
  closing.push(
    () => server.close(),
    () => cache.close(),
  );
  const { port } = server.address() as { port: number };
  for (let client = 0; client < TARGETS; client++) {
    const agent = new Agent({ keepAlive: true });
    closing.push(() => agent.destroy());
    for (let turn = 0; turn < 3; turn++) {
      const asked = get({ agent, port, host: '127.0.0.1', path: `/films/${client % 2 ? client : 'same'}` });
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      await once(answer.resume(), 'end');
    }
  }
  expect(sockets.length).toBe(TARGETS);
  const { kinds, add } = counted();
  for (const socket of sockets) add(socket);
  expect(kinds.length).toBeLessThanOrEqual(3);
});
