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
import { checkKnownKeys, textList } from '../common/options.js';
import { appMessages } from './app-messages.js';
import { FastLane } from './fast-lane.js';
import { startLaneTrace } from './lane-trace.js';
import { prepareServerFor } from './request-shape.js';

/** Options of {@link fastLane}. */
export interface FastLaneOptions {
  /** Opens the fast lane for routes marked `fastLane: true` of this cache. @default no fast lane */
  readonly cache?: Cache | undefined;
  /**
   * Fields that middlewares before the cache set to the same value on every answer (security headers). A route before
   * which any other field is set stays out of the lane. @default none but `X-Powered-By`
   */
  readonly headers?: readonly string[] | undefined;
  /**
   * Inputs that middlewares before the cache read, and by which they neither refuse nor change an answer: names of request
   * fields, or `ip`. @default none: a request that says anything there goes to Express
   */
  readonly ignore?: readonly string[] | undefined;
}

/** Options of {@link createServer}; the rest is Node's own. */
export interface CreateServerOptions extends ServerOptions, FastLaneOptions {}

/**
 * `http.createServer(app)` with a fast lane: fresh public entries of routes marked `fastLane: true` are answered before
 * Express runs, with the same bytes, limits and metrics. Middlewares of others that run before the cache do not see such
 * requests; a route before which one could refuse or change an answer by what it reads of the request stays out.
 */
export function createServer(app: Application, options: CreateServerOptions = {}): Server {
  const { cache, headers, ignore, ...serverOptions } = options;
  const { listener, close } = listenerOf('createServer', app, { cache, headers, ignore });
  const hasOwnMessages = 'IncomingMessage' in serverOptions || 'ServerResponse' in serverOptions;
  const messages = hasOwnMessages ? undefined : appMessages(app);
  return createHttpServer({ ...serverOptions, ...messages }, listener).once('close', close);
}

/** The listener of {@link createServer}, for servers made otherwise: `https.createServer(tls, fastLane(app, { cache }))`. */
export function fastLane(app: Application, options: FastLaneOptions = {}): RequestListener {
  checkKnownKeys('fastLane', options, ['cache', 'headers', 'ignore']);
  return listenerOf('fastLane', app, options).listener;
}

type RequestListener = (req: IncomingMessage, res: ServerResponse) => void;

function listenerOf(
  name: string,
  app: Application,
  { cache, headers = [], ignore = [] }: FastLaneOptions,
): { readonly listener: RequestListener; close(): void } {
  const lower = (option: string, names: readonly string[]): readonly string[] =>
    textList(`${name}.${option}`, names).map((text) => text.toLowerCase());
  const fields = new Set(['x-powered-by', ...lower('headers', headers)]);
  const ignored = new Set(lower('ignore', ignore));
  const handle = app as unknown as RequestListener;
  const express: RequestListener = (req, res) => {
    prepareServerFor(app, req);
    handle(req, res);
  };
  if (cache === undefined) return { listener: express, close: () => {} };
  const lane = new FastLane(coreOf(cache), handle, { fields, ignored });
  const listener: RequestListener = (req, res) => {
    prepareServerFor(app, req);
    const verdict = lane.answer(req, res);
    if (verdict === 'answered') return;
    if (verdict === 'follow') startLaneTrace(lane, req, res);
    handle(req, res);
  };
  return { listener, close: () => lane.close() };
}
