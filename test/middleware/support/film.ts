import express, { type Express, type RequestHandler } from 'express';
import { createCache, invalidateOnWrite, type ResponseCacheOptions, responseCache } from '../../../lib/index.js';
import { quiet } from '../../flows/support/backends.js';
import { type Ask, ask, serve } from '../../flows/support/serve.js';

const TURNS = 4;

/** A cached route that says what it was asked, and how often it ran. What is to be closed afterwards goes to `closing`. */
export async function serveFilms(
  closing: (() => unknown)[],
  options: ResponseCacheOptions = {},
  cache = createCache({ jitter: 0 }),
) {
  const state = { runs: 0 };
  const app: Express = express();
  const handler: RequestHandler = (req, res) => {
    state.runs += 1;
    res.type('text').send(`${req.method} ${req.hostname} ${req.url} #${state.runs}`);
  };
  app.get('/films/:id', responseCache(cache, { ttl: '1h', observe: 'off', tags: ['film:{id}'], ...options }), handler);
  app.put('/films/:id', invalidateOnWrite(cache, { tags: ['film:{id}'] }), (_req, res) => void res.sendStatus(204));
  const served = await serve(app);
  closing.push(served.close, () => cache.close());
  const get = async (path: string, how: Ask = {}) => {
    const answer = await ask(`${served.url}${path}`, how);
    return { ...answer, text: answer.body.toString() };
  };
  return { state, cache, get };
}

export type Films = Awaited<ReturnType<typeof serveFilms>>;

/** What a path answers, several times over. */
export async function turns(get: Films['get'], path: string, how: Ask = {}): Promise<readonly string[]> {
  const seen: string[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const { cache, text } = await get(path, how);
    seen.push(`${cache} ${text}`);
  }
  return seen;
}

/** A logger that does not want to hear of each lookup: one that does sends hits the long way. */
export const calm = { ...quiet, isLevelEnabled: () => false };
