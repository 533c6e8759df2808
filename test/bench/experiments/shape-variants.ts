// Express changes the prototype of req and res and then adds properties to them. Up to Node 22 every property added after a
// change of prototype gives the object a hidden class nobody else has, so that each later access misses its inline cache.
// Here the properties exist before Express touches the objects.
import { createServer, IncomingMessage, type RequestListener, ServerResponse } from 'node:http';
import express from 'express';
import type { VariantFactory } from '../harness/serve.js';
import { answerHeaders, jsonBody } from '../variants/fixtures.js';

const body = jsonBody(1024);
const latin1 = body.toString('latin1');
const headers = answerHeaders(body);
const entries = Object.entries(headers);
const flat = ['X-Powered-By', 'Express', ...entries.flat()];

function route(): RequestListener {
  const app = express();
  app.get('/movies/:id', (_req, res) => {
    for (const [name, value] of entries) res.setHeader(name, value);
    res.end(body);
  });
  return app as unknown as RequestListener;
}
function use(): RequestListener {
  const app = express();
  app.use((_req, res) => {
    for (const [name, value] of entries) res.setHeader(name, value);
    res.end(body);
  });
  return app as unknown as RequestListener;
}

type Loose = Record<string | symbol, unknown>;
const MATCHED = Symbol.for('router.tracing.matchedRoute');

/** Gives both objects, as Node made them, the properties Express and its router will write. */
function prepare(req: IncomingMessage, res: ServerResponse): void {
  const request = req as unknown as Loose;
  const response = res as unknown as Loose;
  request.res = undefined;
  request.next = undefined;
  request.baseUrl = '';
  request.originalUrl = undefined;
  request._parsedUrl = undefined;
  request.params = undefined;
  request.route = undefined;
  request[MATCHED] = undefined;
  request._eventsCount = (request._eventsCount as number) ?? 0;
  response.statusCode = 200;
  response.statusMessage = undefined;
  response.locals = Object.create(null);
}
function prepared(listener: RequestListener): RequestListener {
  return (req, res) => {
    prepare(req, res);
    listener(req, res);
  };
}

class ShapedRequest extends IncomingMessage {
  res = undefined;
  next = undefined;
  baseUrl = '';
  originalUrl = undefined;
  _parsedUrl = undefined;
  params = undefined;
  route = undefined;
  [MATCHED] = undefined;
}
class ShapedResponse extends ServerResponse {
  locals = Object.create(null) as object;
  override statusCode = 200;
  override statusMessage = undefined as unknown as string;
}

const made: Record<string, VariantFactory> = {
  'bare route': () => ({ listener: route() }),
  'bare route again': () => ({ listener: route() }),
  'bare route, prepared': () => ({ listener: prepared(route()) }),
  'bare route, shaped classes': () => ({
    server: createServer({ IncomingMessage: ShapedRequest as never, ServerResponse: ShapedResponse as never }, route()),
  }),
  use: () => ({ listener: use() }),
  'use, prepared': () => ({ listener: prepared(use()) }),
  'use, prepared, flat+latin1': () => {
    const app = express();
    app.disable('x-powered-by');
    app.use((_req, res) => {
      res.writeHead(200, flat);
      res.end(latin1, 'latin1');
    });
    return { listener: prepared(app as unknown as RequestListener) };
  },
  'before Express, flat+latin1': () => ({
    listener: (_req, res) => {
      res.writeHead(200, flat);
      res.end(latin1, 'latin1');
    },
  }),
};
export const names = Object.keys(made);
export const variants = made;
