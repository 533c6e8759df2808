import { IncomingMessage, type ServerResponse } from 'node:http';
import type { Application, Request } from 'express';
import { makeMessagesOf } from './app-messages.js';
import { rootApp } from './root-app.js';
import { markServed } from './served-by-cache.js';

/**
 * Whether a property that is added to a request after its prototype was changed makes it slow to everybody who uses it:
 * before V8 12 (Node 24) each such addition gives the object a hidden class of its own, so that every later access to any of
 * its properties, Node's own included, is slow.
 */
const NEEDS_SHAPE = Number(process.versions.node.split('.')[0]) < 24;

/** The part of a server that is used here. */
interface RequestSource {
  prependListener(event: 'request', listener: (req: IncomingMessage, res: ServerResponse) => void): unknown;
}

const prepared = new WeakSet<object>();

/**
 * Sees to it, once per server, that its requests to this app are as quick as can be, those that are not cached as well: they
 * are made with the prototypes of the app, or are given beforehand what Express will add to them. A request that came by
 * another way (a test's, HTTP/2) has no server, and changes nothing.
 */
export function prepareServerOf(req: Request): void {
  const { server } = req.socket as { server?: unknown };
  if (isUnprepared(server)) prepare(server, rootApp(req));
}

/** {@link prepareServerOf} for a request that Express has not seen. */
export function prepareServerFor(app: Application, { socket }: IncomingMessage): void {
  const { server } = socket as { server?: unknown };
  if (isUnprepared(server)) prepare(server, app);
}

function isUnprepared(server: unknown): server is object {
  return typeof server === 'object' && server !== null && !prepared.has(server);
}

function prepare(server: object, app: unknown): void {
  prepared.add(server);
  if (makeMessagesOf(app, server) || !NEEDS_SHAPE) return;
  (server as Partial<RequestSource>).prependListener?.('request', (req, res) => {
    if (req instanceof IncomingMessage) keepShape(req, res);
  });
}

/** Gives a request and its response what Express and others add, where that keeps them of the kind they share with all others. */
export function keepShape(req: IncomingMessage, res: ServerResponse): void {
  if (!NEEDS_SHAPE) return;
  keepRequestShape(req);
  const answer = res as unknown as Record<string, unknown>;
  answer.statusMessage = undefined;
  answer.statusCode = 200;
  answer.locals = Object.create(null);
  // What captures an answer, compression and many others replace.
  const { writeHead, write, end, on } = answer;
  answer.writeHead = writeHead;
  answer.write = write;
  answer.end = end;
  answer.on = on;
  answer.flush = undefined; // compression's own
  markServed(res, undefined);
}

/** {@link keepShape} for a request that may be on its way already: whatever it has keeps its value. */
export function keepRequestShape(req: IncomingMessage): void {
  if (!NEEDS_SHAPE) return;
  const shaped = req as unknown as Record<string | symbol, unknown>;
  ofRouter ??= symbolOfRouter(req);
  for (const name of ADDED) makeOwn(shaped, name);
  if (ofRouter !== undefined) makeOwn(shaped, ofRouter);
}

function makeOwn(object: Record<string | symbol, unknown>, name: string | symbol): void {
  const value = object[name];
  object[name] = value;
}

// What Express adds to a request, what is inherited and becomes its own with the first listener, and body-parser's.
const ADDED = ['res', 'next', 'baseUrl', 'originalUrl', '_parsedUrl', 'params', 'route', '_eventsCount', 'body'];

// The router of Express 5 keeps a property under a symbol that it shows to nobody.
let ofRouter: symbol | undefined;

function symbolOfRouter(req: IncomingMessage): symbol | undefined {
  return Object.getOwnPropertySymbols(req).find(({ description }) => description === 'router.tracing.matchedRoute');
}
