import type { Express, Request, RequestHandler } from 'express';
import type { Cache } from '../../lib/cache/cache.js';
import type { Clock } from '../../lib/common/clock.js';
import { cacheHeaders } from '../../lib/middleware/cache-headers.js';
import { invalidateOnWrite } from '../../lib/middleware/invalidate-on-write.js';
import { type RateLimiter, rateLimiter } from '../../lib/middleware/rate-limiter.js';
import { requestMetrics } from '../../lib/middleware/request-metrics.js';
import { responseCache } from '../../lib/middleware/response-cache.js';
import type { ResponseCacheOptions } from '../../lib/middleware/response-cache-options.js';
import type { ExpressModule } from './app.js';

/** A whole app as people write them, and what tells how it was used. */
export interface LaneApp {
  readonly app: Express;
  readonly limiters: readonly RateLimiter[];
  /** Requests that reached Express. */
  seen(): number;
}

/** Fields that the app sets before the cache. */
export const DECLARED = ['Strict-Transport-Security', 'X-Content-Type-Options', 'Vary', 'Access-Control-Allow-Origin'];

const PARAGRAPH = 'It was a dark and stormy night; the rain fell in torrents. ';

/** Two of these, asked the same in the same order, answer the same. */
export function laneApp(module: ExpressModule, cache: Cache, clock: Clock): LaneApp {
  const app = module();
  let seen = 0;
  const versions = new Map<string, number>();
  const limiter = rateLimiter({ name: 'all', tiers: { all: { limit: 60, window: '1m' } }, clock });
  const tiered = rateLimiter({
    name: 'api',
    tiers: { free: { limit: 20, window: '1m' }, paid: { limit: 2000, window: '1m' } },
    tier: (req) => (req.get('x-plan') === 'paid' ? 'paid' : 'free'),
    key: (req) => `${req.baseUrl}:${req.params.shop ?? ''}:${req.query.club ?? ''}`,
    skip: (req) => req.path.endsWith('/open'),
    clock,
  });
  const cached = (options: ResponseCacheOptions = {}): RequestHandler =>
    responseCache(cache, { ttl: '5m', fastLane: true, ...options });
  const echo: RequestHandler = (req, res) => {
    const version = versions.get(req.baseUrl + req.path) ?? 0;
    res.set('X-A', `a-${version}`).json({ url: req.originalUrl, params: req.params, query: req.query, version });
  };

  app.set('trust proxy', 1);
  app.enable('strict routing');
  app.use((_req, _res, next) => {
    seen += 1;
    next();
  });
  app.use(requestMetrics());
  app.use((_req, res, next) => {
    res.set({ 'Strict-Transport-Security': 'max-age=1', 'X-Content-Type-Options': 'nosniff' });
    res.set({ 'Access-Control-Allow-Origin': 'https://films.test', Vary: 'Origin' });
    next();
  });

  const api = module.Router({ strict: true });
  api.get('/films/:id', cached({ tags: ['films', 'film:{id}'] }), echo);
  api.put('/films/:id', invalidateOnWrite(cache, { tags: ['film:{id}'] }), (req, res) => {
    const path = req.baseUrl + req.path;
    versions.set(path, (versions.get(path) ?? 0) + 1);
    res.status(204).end();
  });
  api.get('/search', cached({ query: { allow: ['q'] } }), echo);
  api.get('/language', cached(), (req, res) => {
    res.vary('Accept-Language').send(`in ${req.acceptsLanguages('en', 'de') || 'none'}`);
  });
  api.get('/silent', cached(), (req, res) => void res.send(`for ${req.get('x-feature')}`));
  api.get('/big', cached(), (_req, res) => void res.type('text').send(PARAGRAPH.repeat(400)));
  api.get('/binary', cached(), (_req, res) => void res.type('bin').send(Buffer.alloc(3000, 'é\0ü')));
  api.get('/dated', cached(), (_req, res) => {
    res.set({ 'Last-Modified': 'Wed, 14 Jan 2015 10:00:00 GMT', ETag: '"own"' }).end('dated');
  });
  api.get('/headers', cacheHeaders({ public: true, maxAge: '1m', vary: ['Accept'] }), cached(), echo);
  api.get('/tagged', cacheHeaders({ public: true, maxAge: '1m', etag: 'strong' }), cached(), echo);
  api.get('/moved', cached(), (_req, res) => void res.redirect(301, '/elsewhere'));
  api.get('/empty', cached(), (_req, res) => void res.status(204).end());
  api.get('/private', cached(), (_req, res) => void res.set('Cache-Control', 'private').send('mine'));
  api.get('/cookie', cached(), (_req, res) => void res.cookie('a', 'b').send('set'));
  api.get('/who', cached(), (req, res) => void res.send(`you are ${req.get('cookie')} ${req.get('authorization')}`));
  api.get('/anyone', cached({ credentials: 'ignore' }), echo);
  api.get('/brief', cached({ ttl: '3s', staleWhileRevalidate: '3s' }), echo);
  api.get('/broken', cached(), () => {
    throw new Error('broken');
  });
  api.get('/dir/', cached(), (_req, res) => void res.send('with a slash'));
  api.get('/dir', cached(), (_req, res) => void res.send('without'));
  api.head('/probe', (_req, res) => void res.set('X-Probe', 'head').end());
  api.get('/probe', cached(), echo);
  app.use('/api', limiter, api);

  const guarded = module.Router();
  guarded.use(
    '/key',
    only((req) => req.get('x-api-key') === 'k1'),
  );
  guarded.use(
    '/address',
    only((req) => req.ip === '10.0.0.1'),
  );
  guarded.use(
    '/session',
    only((req) => /theme=dark/.test(req.headers.cookie ?? '')),
  );
  guarded.use(
    '/raw',
    only((req) => req.rawHeaders.includes('X-Feature')),
  );
  guarded.use(
    '/secure',
    only((req) => req.secure),
  );
  guarded.use(
    '/agent',
    only((req) => req.get('user-agent') === 'one/1.0'),
  );
  guarded.get('/:kind/page', cached(), echo);
  app.use('/guarded', guarded);

  app.use('/host', (req, res, next) => (req.hostname === 'a.test' ? next() : void res.status(421).end()));
  app.get('/host/page', cached(), echo);
  app.get('/random', counting('X-Nonce'), cached(), echo);
  app.get('/per-request', counting('Strict-Transport-Security'), cached(), echo);

  const shop = module();
  shop.set('trust proxy', false);
  const shelves = module.Router({ mergeParams: true });
  shelves.get('/:item', cached(), echo);
  shop.use(['/', '/open'], tiered);
  shop.use('/shelves', shelves);
  app.use('/shops/:shop', tiered, module.Router({ mergeParams: true }).get('/:item', cached(), echo));
  app.use('/shop', shop);
  app.use(cached({ name: 'rest' }), (req, res) => void res.status(404).send(`no ${req.path}`));
  return { app, limiters: [limiter, tiered], seen: () => seen };
}

function only(allows: (req: Request) => boolean): RequestHandler {
  return (req, res, next) => (allows(req) ? next() : void res.status(403).send('not for you'));
}

// Another value each time: a lane that froze it would be found out.
function counting(name: string): RequestHandler {
  let count = 0;
  return (_req, res, next) => {
    res.set(name, String(++count));
    next();
  };
}
