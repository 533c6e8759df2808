import { createHash } from 'node:crypto';
import { Agent, request } from 'node:http';
import express, { type Express } from 'express';
import { createCache } from '../../../lib/cache/cache.js';
import type { CacheOptions } from '../../../lib/cache/cache-options.js';
import type { Logger } from '../../../lib/common/logger.js';
import { invalidateOnWrite } from '../../../lib/middleware/invalidate-on-write.js';
import { rateLimiter } from '../../../lib/middleware/rate-limiter.js';
import { responseCache } from '../../../lib/middleware/response-cache.js';
import type { RedisClient } from '../../../lib/redis/guard.js';

/** Where the films live. An app of its own has them in memory, several share those of the observer. */
export interface Database {
  read(id: string): number | Promise<number>;
  /** Resolves to the version written. */
  write(id: string): number | Promise<number>;
}

/** What an app says of itself at `/state`. */
export interface AppState {
  readonly level: 'memory' | 'redis';
  readonly limiter: 'memory' | 'redis' | 'local';
  readonly redisHits: number;
  readonly runs: number;
  readonly errors: readonly string[];
  readonly rss: number;
  readonly heap: number;
}

export interface FilmAppOptions {
  readonly redis: RedisClient | undefined;
  readonly database?: Database;
  readonly cache?: CacheOptions;
  readonly logger?: Logger;
}

export interface FilmApp {
  readonly app: Express;
  readonly cache: ReturnType<typeof createCache>;
  state(): AppState;
  close(): Promise<void>;
}

export const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} };

const PAD_BYTES = 2000;
const LARGE_BYTES = 100_000;

// Text that does not compress well, the same in every process.
const TEXT = Array.from({ length: 7000 }, (_, i) => createHash('sha512').update(String(i)).digest('base64')).join('');

/** The whole body of a film at a version: always the same bytes, and others for every id. */
export function filmBody(id: string, version: number): string {
  const from = createHash('sha1').update(id).digest().readUInt16BE() * 2;
  return JSON.stringify({
    id,
    version,
    pad: TEXT.slice(from, from + (id.startsWith('large') ? LARGE_BYTES : PAD_BYTES)),
  });
}

/** A database in this process. */
export function memoryDatabase(): Database {
  const versions = new Map<string, number>();
  return {
    read: (id) => versions.get(id) ?? 0,
    write(id) {
      const version = (versions.get(id) ?? 0) + 1;
      versions.set(id, version);
      return version;
    },
  };
}

/** A database that another process serves at `url`. */
export function remoteDatabase(url: string): Database {
  const agent = new Agent({ keepAlive: true });
  const ask = (method: string, id: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const req = request(`${url}/${id}`, { method, agent }, (res) => {
        let text = '';
        res.on('data', (chunk) => {
          text += chunk;
        });
        res.on('end', () => resolve(Number(text)));
      });
      req.on('error', reject);
      req.end();
    });
  return { read: (id) => ask('GET', id), write: (id) => ask('PUT', id) };
}

/** An app with a limiter, cached films, writes, private pages, handlers that fail, and the films once more without a cache. */
export function filmApp({
  redis,
  database = memoryDatabase(),
  cache: options,
  logger = quiet,
}: FilmAppOptions): FilmApp {
  const cache = createCache({ redis, logger, ...options });
  const limiter = rateLimiter({ redis, logger, tiers: { all: { rate: 10_000, burst: 10_000 } } });
  const errors: string[] = [];
  let runs = 0;
  cache.events.on('store-error', ({ op, error }) => {
    if (errors.length < 1000) errors.push(`${op} ${error}`);
  });

  const film: express.RequestHandler = async (req, res) => {
    runs += 1;
    const id = String(req.params.id);
    if (id.startsWith('slow')) await new Promise((resolve) => setTimeout(resolve, 300));
    res.type('json').send(filmBody(id, await database.read(id)));
  };
  const app = express();
  app.set('env', 'test');
  app.get('/state', (req, res) => {
    // What is left after it is what is kept; needs `--expose-gc`.
    if (req.query.gc !== undefined) globalThis.gc?.();
    res.json(state());
  });
  app.get('/plain/:id', film);
  app.use(limiter);
  app.get('/film/:id', responseCache(cache, { ttl: '1h', tags: ['films', 'film:{id}'] }), film);
  app.put('/film/:id', invalidateOnWrite(cache, { tags: ['film:{id}'] }), async (req, res) => {
    res.json({ version: await database.write(String(req.params.id)) });
  });
  const identity = (req: express.Request): string | undefined => req.get('x-user');
  app.get(
    '/me',
    responseCache(cache, { ttl: '1h', identity }),
    (req, res) => void res.json({ user: req.get('x-user') }),
  );
  app.get('/broken/:how', responseCache(cache, { ttl: '1h' }), breakDown);

  function state(): AppState {
    const { level, caches } = cache.stats();
    const redisHits = Object.values(caches).reduce((sum, one) => sum + one.redisHits, 0);
    const { rss, heapUsed } = process.memoryUsage();
    return { level, limiter: limiter.stats().store, redisHits, runs, errors, rss, heap: heapUsed };
  }
  return {
    app,
    cache,
    state,
    async close() {
      await cache.close({ grace: '100ms' });
      limiter.close();
    },
  };
}

const breakDown: express.RequestHandler = (req, res, next) => {
  switch (req.params.how) {
    case 'throw':
      throw new Error('thrown');
    case 'reject':
      return Promise.reject(new Error('rejected'));
    case 'next':
      return next(new Error('passed on'));
    case 'destroy':
      res.write('half');
      res.destroy();
      return;
    case 'late-throw':
      res.write('half');
      throw new Error('after the head');
    case 'twice':
      res.json({ first: true });
      res.json({ second: true });
      return;
    default: // 'silent': never answers
  }
};
