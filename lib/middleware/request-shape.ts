import { IncomingMessage, type ServerResponse } from 'node:http';
import { markServed } from './served-by-cache.js';

/**
 * Whether Express makes requests slow to everybody who uses them. It sets the prototype of `req` and `res` and adds
 * properties afterwards. Before V8 12 (Node 24) each such addition gives the object a hidden class of its own, so that every
 * later access to any of its properties, Node's own included, is slow.
 */
const NEEDS_SHAPE = Number(process.versions.node.split('.')[0]) < 24;

/** Gives a request and its response the properties that Express adds, so that they keep the class they share with all others. */
export function keepShape(req: IncomingMessage, res: ServerResponse): void {
  const shaped = req as unknown as Record<string | symbol, unknown>;
  shaped.res = undefined;
  shaped.next = undefined;
  shaped.baseUrl = '';
  shaped.originalUrl = undefined;
  shaped._parsedUrl = undefined;
  shaped.params = undefined;
  shaped.route = undefined;
  if (ofRouter !== undefined) shaped[ofRouter] = undefined;
  // biome-ignore lint/correctness/noSelfAssign: what is inherited becomes the request's own
  shaped._eventsCount = shaped._eventsCount;
  const answer = res as unknown as Record<string, unknown>;
  answer.statusMessage = undefined;
  answer.statusCode = 200;
  answer.locals = Object.create(null);
  if (NEEDS_SHAPE) keepMethods(answer);
  markServed(res, undefined);
}

/** {@link keepShape} where that is of use: for a request that comes to an app by no server. */
export function keepShapeIfNeeded(req: IncomingMessage, res: ServerResponse): void {
  if (NEEDS_SHAPE) keepShape(req, res);
}

// What captures an answer, compression and many others replace.
function keepMethods(answer: Record<string, unknown>): void {
  const { writeHead, write, end, on } = answer;
  answer.writeHead = writeHead;
  answer.write = write;
  answer.end = end;
  answer.on = on;
  answer.flush = undefined; // compression's own
}

// The router of Express 5 keeps a property under a symbol that it shows to nobody.
let ofRouter: symbol | undefined;

function symbolOfRouter(req: IncomingMessage): symbol | undefined {
  return Object.getOwnPropertySymbols(req).find(({ description }) => description === 'router.tracing.matchedRoute');
}

/** The part of a server that is used here. */
interface RequestSource {
  prependListener(event: 'request', listener: (req: IncomingMessage, res: ServerResponse) => void): unknown;
}

const shaped = new WeakSet<object>();

/**
 * Has the server of a request keep the shape of all requests to come, where that is of use: they cost half as much, those
 * that are not cached as well. Once per server; a request that came by another way (a test's, HTTP/2) changes nothing.
 */
export function keepShapeOf(req: IncomingMessage): void {
  if (!NEEDS_SHAPE) return;
  const { server } = req.socket as { server?: unknown };
  if (typeof server !== 'object' || server === null || shaped.has(server)) return;
  shaped.add(server);
  ofRouter ??= symbolOfRouter(req);
  const source = server as Partial<RequestSource>;
  source.prependListener?.('request', (next, res) => {
    if (next instanceof IncomingMessage) keepShape(next, res);
  });
}
