// What a middleware costs that lets the handler answer and says so in two fields, by how the fields are set.
import { IncomingMessage, type RequestListener, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import express, { type RequestHandler } from 'express';
import type { VariantFactory } from '../harness/serve.js';
import { originHeaders, text } from '../variants/environment.js';

type Kept = Record<string, [string, string]>;
const probe = new ServerResponse(new IncomingMessage(new Socket()));
probe.setHeader('X-Probe', 'a');
const keptBy = Object.getOwnPropertySymbols(probe).find(
  (key) => (probe as unknown as Record<symbol, Kept | null>)[key]?.['x-probe'] !== undefined,
)!;

const MEMBER = 'warmpath; fwd=bypass; detail=skip';
const xCache: [string, string] = ['X-Cache', 'bypass'];
const cacheStatus: [string, string] = ['Cache-Status', MEMBER];

const layers: Record<string, RequestHandler | undefined> = {
  'no layer': undefined,
  'next()': (_req, _res, next) => next(),
  setHeader: (_req, res, next) => {
    res.setHeader('X-Cache', 'bypass');
    res.setHeader('Cache-Status', MEMBER);
    next();
  },
  kept: (_req, res, next) => {
    const kept = (res as unknown as Record<symbol, Kept>)[keptBy]!;
    kept['x-cache'] = xCache;
    kept['cache-status'] = cacheStatus;
    next();
  },
};

function app(layer: RequestHandler | undefined): RequestListener {
  const made = express();
  if (layer) made.use(layer);
  made.get('/movies/:id', (_req, res) => {
    res.set(originHeaders).send(text);
  });
  return made as unknown as RequestListener;
}

export const variants: Record<string, VariantFactory> = Object.fromEntries(
  Object.entries(layers).map(([name, layer]) => [name, () => ({ listener: app(layer) })]),
);
export const names = Object.keys(variants);
