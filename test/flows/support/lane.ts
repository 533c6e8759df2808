import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type express from 'express';
import type { Express } from 'express';
import { onTestFinished } from 'vitest';
import { type Cache, type CacheOptions, createCache, createServer, type FastLaneOptions } from '../../../lib/index.js';

export const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** An app behind `createServer`, and how many requests Express saw: that tells the lane from Express. */
export async function countedLane(
  module: typeof express,
  build: (app: Express, cache: Cache) => void,
  options: FastLaneOptions & CacheOptions = {},
): Promise<{ readonly url: string; readonly cache: Cache; seen(): number }> {
  const { headers, ignore, cache: given, ...rest } = options;
  const cache = given ?? createCache({ jitter: 0, logger: silent, ...rest });
  const app = module();
  let seen = 0;
  app.use((_req, _res, next) => {
    seen += 1;
    next();
  });
  build(app, cache);
  const url = await listening(createServer(app, { cache, headers, ignore }));
  return { url, cache, seen: () => seen };
}

/** Starts a server for the running test; its URL. */
export async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
