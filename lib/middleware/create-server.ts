import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import type { Application } from 'express';
import type { Cache } from '../cache/cache.js';
import { coreOf } from '../cache/cache-core.js';
import { textList } from '../common/options.js';
import { FastLane } from './fast-lane.js';
import { startLaneTrace } from './lane-trace.js';

/** Options of {@link createServer}; the rest is Node's own. */
export interface CreateServerOptions extends ServerOptions {
  /** Opens the fast lane for routes marked `fastLane: true` of this cache. @default no fast lane */
  readonly cache?: Cache | undefined;
  /**
   * Fields that middlewares before the cache set to the same value on every answer (security headers). A route before
   * which any other field is set stays out of the lane. @default none but `X-Powered-By`
   */
  readonly headers?: readonly string[] | undefined;
}

/**
 * `http.createServer(app)` with a fast lane: fresh public entries of routes marked `fastLane: true` are answered before
 * Express runs, with the same bytes, limits and metrics. Middlewares of others that run before the cache do not see such
 * requests; use it where they only set constant headers.
 */
export function createServer(app: Application, options: CreateServerOptions = {}): Server {
  const { cache, headers = [], ...serverOptions } = options;
  const declared = textList('createServer.headers', headers);
  const lane = cache === undefined ? undefined : new FastLane(coreOf(cache), app, declared);
  const express = app as unknown as (req: IncomingMessage, res: ServerResponse) => void;

  return createHttpServer(serverOptions, (req, res) => {
    if (lane?.answer(req, res) === true) return;
    keepShape(req, res);
    if (lane !== undefined) startLaneTrace(req);
    express(req, res);
  });
}

// Express sets the prototype of req and res and adds these properties afterwards. Up to Node 22 each such addition gives
// the object a hidden class of its own, and every later access to any property of it is slow; present beforehand, they
// leave it the class it shares with all other requests.
function keepShape(req: IncomingMessage, res: ServerResponse): void {
  const shaped = req as unknown as Record<string, unknown>;
  shaped.res = undefined;
  shaped.next = undefined;
  shaped.baseUrl = '';
  shaped.originalUrl = undefined;
  shaped._parsedUrl = undefined;
  shaped.params = undefined;
  shaped.route = undefined;
  shaped._eventsCount ??= 0;
  res.statusCode = 200;
  (res as unknown as Record<string, unknown>).locals = Object.create(null);
}
