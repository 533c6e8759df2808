import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Application, Request } from 'express';
import type { LaneStep } from './lane-trace.js';

type Prototypes = Application & { readonly request: object; readonly response: object };

/** What a limiter is shown of a request that Express does not see. */
interface Shown {
  method: string | undefined;
  headers: IncomingMessage['headers'];
  socket: IncomingMessage['socket'];
}

const makers = new WeakMap<Application, (req: IncomingMessage) => Shown>();

/** The request as Express would show it to a limiter: addresses by `trust proxy`, the route's parameters, without routing it. */
export function shownRequest({ app, limiter, shown }: LaneStep, req: IncomingMessage, res: ServerResponse): Request {
  const seen = makerFor(app)(req);
  if (limiter?.asksUser) {
    const { rawHeaders, httpVersion } = req;
    Object.assign(seen, { rawHeaders, httpVersion, res, originalUrl: req.url, url: req.url }, shown);
    Object.setPrototypeOf(res, (app as Prototypes).response);
    (res as ServerResponse & { locals?: unknown }).locals ??= Object.create(null);
  }
  return seen as unknown as Request;
}

// A constructor per app gives all its requests one shape.
function makerFor(app: Application): (req: IncomingMessage) => Shown {
  const known = makers.get(app);
  if (known !== undefined) return known;
  function ShownRequest(this: Shown, req: IncomingMessage): void {
    this.method = req.method;
    this.headers = req.headers;
    this.socket = req.socket;
  }
  ShownRequest.prototype = (app as Prototypes).request;
  const Maker = ShownRequest as unknown as new (req: IncomingMessage) => Shown;
  const maker = (req: IncomingMessage): Shown => new Maker(req);
  makers.set(app, maker);
  return maker;
}
