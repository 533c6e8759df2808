import express, { type Express, type RequestHandler } from 'express';
import { createCache } from '../../../lib/cache/cache.js';
import type { CacheOptions } from '../../../lib/cache/cache-options.js';
import { responseCache } from '../../../lib/middleware/response-cache.js';
import { type AdminRouterOptions, adminRouter } from '../../../lib/routers/admin-router.js';
import { serve } from './serve.js';

interface Setup {
  readonly admin?: Partial<AdminRouterOptions>;
  readonly cache?: CacheOptions;
  readonly mount?: string;
  readonly before?: readonly RequestHandler[];
  readonly make?: () => Express;
}

/** An application of two routes with an admin page that lets everybody in unless told otherwise. */
export async function adminApp({
  admin = {},
  cache: options = {},
  mount = '/admin',
  before = [],
  make = express,
}: Setup = {}) {
  const cache = createCache(options);
  const runs = { count: 0 };
  const app = make();
  for (const handler of before) app.use(handler);
  app.use(mount, adminRouter({ cache, redis: options.redis, authorize: () => true, ...admin }));
  const answer: RequestHandler = (req, res) => {
    runs.count++;
    res.json({ path: req.path, run: runs.count });
  };
  app.get('/movies/:id', responseCache(cache, { ttl: '1h', tags: ['movies', 'movie:{id}'] }), answer);
  app.get('/search', responseCache(cache, { ttl: '1h', query: { ignore: [] } }), answer);
  const { url, server } = await serve(app);
  const base = url + mount;
  const post = (path: string, body: unknown = {}, headers: Record<string, string> = {}) =>
    fetch(`${base}/${path}`, { method: 'POST', headers: { ...ALLOWED, ...headers }, body: JSON.stringify(body) });
  const get = async (path: string): Promise<Record<string, unknown>> =>
    (await fetch(`${base}/${path}`)).json() as never;
  return { app, server, cache, url, base, runs, post, get };
}

/** What a changing request must carry. */
export const ALLOWED = { 'content-type': 'application/json', 'x-requested-with': 'test' };
