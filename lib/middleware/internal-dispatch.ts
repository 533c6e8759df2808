import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { type AppMessages, appMessages } from './app-messages.js';
import { keepShape } from './request-shape.js';

// Membership is by object identity: no header, property or symbol a client could send makes a request internal.
const internal = new WeakSet<IncomingMessage>();

/** Marks a request that this process dispatches through the app itself: a background refresh or a warm-up. */
export function markInternalDispatch(req: IncomingMessage): void {
  internal.add(req);
}

/**
 * Whether a request was dispatched by this process itself: a background refresh or a warm-up, no client's. Limits and
 * request metrics leave such requests out; what of the app counts or logs clients should too.
 */
export function isInternalDispatch(req: IncomingMessage): boolean {
  return internal.has(req);
}

/** An Express app, or anything that answers requests like one. */
export type RequestListener = (req: IncomingMessage, res: ServerResponse) => void;

/** What to ask the app. */
export interface InternalRequest {
  readonly url: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly remoteAddress?: string | undefined;
  readonly encrypted?: boolean | undefined;
}

/** How an internal request ended: its status, or `undefined` when the connection was torn down or time ran out. */
export interface InternalAnswer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
}

/**
 * Runs a GET through an app without a client: all middlewares run, the body goes nowhere and is not kept.
 * `before` sees the request object first. Never rejects.
 */
export function dispatchInternally(
  app: RequestListener,
  request: InternalRequest,
  limitMs: number,
  before?: (req: IncomingMessage) => void,
): Promise<InternalAnswer> {
  return new Promise((resolve) => {
    const socket = new SilentSocket(request.remoteAddress ?? '127.0.0.1', request.encrypted === true);
    const messages = appMessages(app) ?? NODES_OWN;
    const req = requestOver(messages, socket, request);
    const res = new messages.ServerResponse(req);
    if (messages === NODES_OWN) keepShape(req, res);
    internal.add(req);
    before?.(req);
    let settled = false;
    const settle = (whole: boolean): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      resolve({ status: whole ? res.statusCode : undefined, headers: res.getHeaders() });
      socket.destroy();
    };
    const timer = setTimeout(() => socket.destroy(), limitMs).unref();
    res.once('finish', () => settle(true));
    socket.once('close', () => settle(false));
    res.assignSocket(socket);
    try {
      app(req, res);
    } catch {
      // An app that throws out of its own dispatcher has failed this request like any other.
      socket.destroy();
    }
  });
}

type Done = (error?: Error | null) => void;

/** A socket that is connected to nothing: takes what is written and forgets it. A class, so that all are of one kind. */
class SilentSocket extends Socket {
  constructor(
    /** Whose address a handler is shown. */
    readonly clientAddress: string,
    readonly encrypted: boolean,
  ) {
    super();
  }

  override _write(_chunk: unknown, _encoding: unknown, done: Done): void {
    process.nextTick(done);
  }

  override _writev(_chunks: unknown, done: Done): void {
    process.nextTick(done);
  }

  override _final(done: Done): void {
    done();
  }
}

// In Node an accessor as well, which its types call a property.
Object.defineProperty(SilentSocket.prototype, 'remoteAddress', {
  configurable: true,
  get(this: SilentSocket) {
    return this.clientAddress;
  },
});

const NODES_OWN: AppMessages = { IncomingMessage, ServerResponse };

function requestOver(messages: AppMessages, socket: Socket, request: InternalRequest): IncomingMessage {
  const req = new messages.IncomingMessage(socket);
  req.method = 'GET';
  req.url = request.url;
  req.httpVersion = '1.1';
  req.httpVersionMajor = 1;
  req.httpVersionMinor = 1;
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined) continue;
    req.headers[name] = Array.isArray(value) ? [...value] : (value as string);
    for (const line of Array.isArray(value) ? value : [value as string]) req.rawHeaders.push(name, line);
  }
  req.complete = true;
  req.push(null);
  return req;
}
