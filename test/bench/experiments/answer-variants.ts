// What it costs to answer 8 headers + 1 KB, in raw http and inside Express, in every way Node offers.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import express from 'express';
import type { VariantFactory } from '../harness/serve.js';
import { answerHeaders, jsonBody } from '../variants/fixtures.js';

const body = jsonBody(Number(process.env.BODY_BYTES ?? 1024));
const latin1 = body.toString('latin1');
const headers = answerHeaders(body);
const entries = Object.entries(headers);
const flat = entries.flat();

type Answer = (req: IncomingMessage, res: ServerResponse) => void;

const setAndEnd: Answer = (_req, res) => {
  for (const [name, value] of entries) res.setHeader(name, value);
  res.end(body);
};
const setAndEndText: Answer = (_req, res) => {
  for (const [name, value] of entries) res.setHeader(name, value);
  res.end(latin1, 'latin1');
};
const setHeaders = new Map(entries);
const setHeadersMap: Answer = (_req, res) => {
  res.setHeaders(setHeaders);
  res.end(body);
};
const headObject: Answer = (_req, res) => {
  res.writeHead(200, headers);
  res.end(body);
};
const headFlat: Answer = (_req, res) => {
  res.writeHead(200, flat);
  res.end(body);
};
const headFlatText: Answer = (_req, res) => {
  res.writeHead(200, flat);
  res.end(latin1, 'latin1');
};
const headObjectText: Answer = (_req, res) => {
  res.writeHead(200, headers);
  res.end(latin1, 'latin1');
};
const removeThenFlatText: Answer = (_req, res) => {
  res.removeHeader('X-Powered-By');
  res.writeHead(200, flat);
  res.end(latin1, 'latin1');
};

// Node's own slot of headers set so far, found by its description: only to learn what an empty slot would be worth.
let slot: symbol | undefined;
function outHeaders(res: ServerResponse): symbol {
  if (slot) return slot;
  for (let at: object | null = res; at && !slot; at = Object.getPrototypeOf(at) as object | null) {
    slot = Object.getOwnPropertySymbols(at).find((symbol) => symbol.description === 'kOutHeaders');
  }
  return slot!;
}
const clearedFlatText: Answer = (_req, res) => {
  (res as unknown as Record<symbol, unknown>)[outHeaders(res)] = null;
  res.writeHead(200, ['X-Powered-By', 'Express', ...flat]);
  res.end(latin1, 'latin1');
};
const flatWithPowered = ['X-Powered-By', 'Express', ...flat];
const clearedFlatConstText: Answer = (_req, res) => {
  (res as unknown as Record<symbol, unknown>)[outHeaders(res)] = null;
  res.writeHead(200, flatWithPowered);
  res.end(latin1, 'latin1');
};

// Fields in the form in which Node keeps them: nothing is checked again, nothing is set one by one.
const kept = entries.map(([name, value]) => [name.toLowerCase(), [name, value]] as const);
let second = 0;
const filledSlotText: Answer = (_req, res) => {
  const holder = res as unknown as Record<symbol, Record<string, unknown>>;
  holder[outHeaders(res)] ??= Object.create(null) as Record<string, unknown>;
  const fields = holder[outHeaders(res)]!;
  for (const [name, field] of kept) fields[name] = field;
  fields.age = ['age', String(second++ % 60)];
  fields['cache-status'] = ['cache-status', `warmpath; hit; ttl=${second % 60}`];
  res.writeHead(200);
  res.end(latin1, 'latin1');
};
const shared: Record<string, [string, string]> = Object.fromEntries([
  ['x-powered-by', ['X-Powered-By', 'Express']],
  ...kept.map(([name, field]) => [name, [...field]]),
]);
const sharedSlotText: Answer = (_req, res) => {
  (res as unknown as Record<symbol, unknown>)[outHeaders(res)] = shared;
  shared.age![1] = String(second++ % 60);
  shared['cache-status']![1] = `warmpath; hit; ttl=${second % 60}`;
  res.writeHead(200);
  res.end(latin1, 'latin1');
};

// A head built once, put where Node keeps the serialised head. Not public API: the bound of what any documented way can reach.
const head = `HTTP/1.1 200 OK\r\n${entries.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\nDate: ${new Date().toUTCString()}\r\nConnection: keep-alive\r\nKeep-Alive: timeout=60\r\n\r\n`;
const prebuiltHead: Answer = (_req, res) => {
  (res as unknown as { _header: string })._header = head;
  res.end(latin1, 'latin1');
};
// Head and body as one piece of memory, that of the answer before.
const whole = Buffer.concat([Buffer.from(head, 'latin1'), body]);
const oneBuffer: Answer = (_req, res) => {
  const open = res as unknown as Record<string, unknown> & { _send(data: Buffer, encoding: string): void };
  res.statusMessage = 'OK';
  res.statusCode = 200;
  open._contentLength = body.length;
  open._hasBody = true;
  open._header = head;
  open._headerSent = true;
  open._send(whole, 'buffer');
  res.end();
};

// As whoever answers many targets has it: each with memory of its own.
const bodies = new Map<string, Buffer>();
const ownBody: Answer = (req, res) => {
  const url = req.url as string;
  const own = bodies.get(url) ?? Buffer.from(body);
  bodies.set(url, own);
  res.writeHead(200, flat);
  res.end(own);
};

const socketWrite: Answer = (_req, res) => {
  res.socket!.write(head + latin1, 'latin1');
  (res as unknown as { _header: string })._header = head;
  (res as unknown as { _headerSent: boolean })._headerSent = true;
  (res as unknown as { _hasBody: boolean })._hasBody = false;
  res.end();
};

// Head and body as one text where Node keeps the head it has not sent yet: `end()` then writes once, without corking.
const oneText: Answer = (_req, res) => {
  const open = res as unknown as Record<string | symbol, unknown>;
  open[outHeaders(res)] = shared;
  res.statusCode = 200;
  res.statusMessage = 'OK';
  open._contentLength = body.length;
  open._header = head + latin1;
  res.end();
};

function inUse(answer: Answer, prepare?: (app: express.Express) => void): RequestListener {
  const app = express();
  prepare?.(app);
  app.use((req, res) => answer(req, res));
  return app;
}
function inRoute(answer: Answer): RequestListener {
  const app = express();
  app.get('/movies/:id', (req, res) => answer(req, res));
  return app;
}
const quiet = (app: express.Express): unknown => app.disable('x-powered-by');

const listeners: Record<string, () => RequestListener> = {
  'route set+end(buffer)': () => inRoute(setAndEnd),
  'route again': () => inRoute(setAndEnd),
  'route writeHead(object)': () => inRoute(headObject),
  'route res.set+send(buffer)': () => {
    const app = express();
    app.get('/movies/:id', (_req, res) => {
      res.set(headers).send(body);
    });
    return app;
  },
  'use set+end(buffer)': () => inUse(setAndEnd),
  'use setHeaders(Map)': () => inUse(setHeadersMap),
  'use set+end(latin1)': () => inUse(setAndEndText),
  'use writeHead(object)': () => inUse(headObject),
  'use writeHead(object)+latin1': () => inUse(headObjectText),
  'use writeHead(flat)': () => inUse(headFlat),
  'use writeHead(flat)+latin1': () => inUse(headFlatText),
  'use remove powered, flat+latin1': () => inUse(removeThenFlatText),
  'use cleared slot, spread flat+latin1': () => inUse(clearedFlatText),
  'use cleared slot, const flat+latin1': () => inUse(clearedFlatConstText),
  'use no powered, set+end': () => inUse(setAndEnd, quiet),
  'use no powered, flat+buffer': () => inUse(headFlat, quiet),
  'use no powered, flat+latin1': () => inUse(headFlatText, quiet),
  'use filled slot+latin1': () => inUse(filledSlotText),
  'use shared slot+latin1': () => inUse(sharedSlotText),
  'use prebuilt _header+latin1': () => inUse(prebuiltHead),
  'use one text': () => inUse(oneText),
  'use socket.write': () => inUse(socketWrite),
  'http set+end(buffer)': () => setAndEnd,
  'http writeHead(object)': () => headObject,
  'http writeHead(flat)': () => headFlat,
  'http writeHead(object)+latin1': () => headObjectText,
  'http writeHead(flat)+latin1': () => headFlatText,
  'http prebuilt _header+latin1': () => prebuiltHead,
  'http one text': () => oneText,
  'http writeHead(flat), a body per target': () => ownBody,
  'http one buffer': () => oneBuffer,
  'use one buffer': () => inUse(oneBuffer),
  'http socket.write': () => socketWrite,
  'http end() only': () => (_req, res) => res.end(body),
};

export const names = Object.keys(listeners);
export const variants: Record<string, VariantFactory> = Object.fromEntries(
  Object.entries(listeners).map(([name, make]) => [name, () => ({ listener: make() as RequestListener })]),
);
