import type { Request, Response } from 'express';
import { filmQuery } from './http/film-input.js';
import type { Lifetimes } from './lifetimes.js';
import type { Written } from './routes/films.js';
import type { CatalogueCaching, FilmCaching, MemberCaching, RouteCaching } from './routes/route-caching.js';
import { type Cache, cacheHeaders, invalidateOnWrite, type ResponseCacheOptions, responseCache } from './warmpath.js';

/** Everything the cache does for the routes, in one place: what is kept, how long, and which write ends it. */
export function routeCaching(cache: Cache, ttl: Lifetimes): RouteCaching {
  return {
    films: filmCaching(cache, ttl),
    catalogue: catalogueCaching(cache, ttl),
    members: memberCaching(cache, ttl),
  };
}

/** An answer that is the same for every reader, whoever asks, and does not depend on the query unless `query` says so. */
function shared(cache: Cache, options: ResponseCacheOptions) {
  return responseCache(cache, { credentials: 'ignore', query: { allow: [] }, ...options });
}

// Browsers ask each time and get a 304 from the cache, so that a write is seen at once by everybody.
const revalidated = cacheHeaders({ public: true, maxAge: 0 });

const MUCH_SEEN = { views: 1000, ttl: '6h' } as const;

function filmCaching(cache: Cache, ttl: Lifetimes): FilmCaching {
  const ofPage = (req: Request) => {
    const { search, sort } = filmQuery(req.query);
    if (search !== undefined) return ttl.search;
    return sort === 'popularity' ? ttl.popular : ttl.movieList;
  };
  const query = { allow: ['page', 'pageSize', 'sort', 'order', 'genre', 'search'] };
  const popular = ['films', 'popular'];
  // The lifetime by the film's own popularity; and a film that is asked for near its end is renewed before it comes.
  const ofFilm = (_req: Request, res: Response) => (res.locals.views >= MUCH_SEEN.views ? MUCH_SEEN.ttl : ttl.movie);
  const stale = { refreshAhead: 0.8, staleWhileRevalidate: '10m', staleIfError: '1h' } as const;
  const film = { ttl: ofFilm, ...stale, tags: ['film:{id}'] };
  const write = (tags: (req: Request, res: Response) => string[]) => [invalidateOnWrite(cache, { tags })];
  return {
    list: [revalidated, shared(cache, { name: 'film-list', ttl: ofPage, tags: tagsOfPage, query })],
    popular: [revalidated, shared(cache, { name: 'popular', ttl: ttl.popular, tags: popular })],
    film: [revalidated, shared(cache, { name: 'film', ...film })],
    create: write((_req, res) => ['films', 'stats', ...genresOf(res)]),
    update: write((req, res) => [`film:${req.params.id}`, 'films', 'stats', ...genresOf(res)]),
    remove: write((req, res) => [`film:${req.params.id}`, 'films', 'stats', ...genresOf(res)]),
    rate: [invalidateOnWrite(cache, { tags: ['film:{id}', 'popular', 'stats'] })],
  };
}

/**
 * `films` for a page that any film may be on, `genre:…` for a page of one genre, and `popular` where ratings decide
 * the order.
 */
function tagsOfPage(req: Request): string[] {
  const { genre, sort } = filmQuery(req.query);
  return [genre === undefined ? 'films' : genreTag(genre), ...(sort === 'popularity' ? ['popular'] : [])];
}

const genreTag = (genre: string) => `genre:${genre.toLowerCase()}`;

/** Which genres a write touched only its handler knows: their pages, and their numbers when a film came or went. */
function genresOf(res: Response): string[] {
  const { genres, genreChanged } = res.locals.written as Written;
  return [...genres.map(genreTag), ...(genreChanged ? ['genres'] : [])];
}

function catalogueCaching(cache: Cache, ttl: Lifetimes): CatalogueCaching {
  // Slow to make and looked at often: a stale report is better than a wait, and much better than an error.
  const stats = { ttl: ttl.stats, staleWhileRevalidate: '5m', staleIfError: '1h', tags: ['stats'] } as const;
  return {
    genres: [revalidated, shared(cache, { name: 'genres', ttl: ttl.genres, tags: ['genres'] })],
    stats: [revalidated, shared(cache, { name: 'stats', ...stats })],
    manifest: [
      cacheHeaders({ public: true, maxAge: '1h' }), // no write changes it
      shared(cache, { name: 'manifest', ttl: ttl.manifest }),
    ],
  };
}

function memberCaching(cache: Cache, ttl: Lifetimes): MemberCaching {
  const ofUser = (req: Request) => [`preferences:${req.user?.name}`];
  return {
    preferences: [
      cacheHeaders({ private: true, maxAge: 0 }),
      responseCache(cache, {
        name: 'preferences',
        ttl: ttl.preferences,
        identity: (req) => req.user?.name, // one private entry for each user
        tags: ofUser,
        query: { allow: [] },
      }),
    ],
    savePreferences: [invalidateOnWrite(cache, { tags: ofUser })],
    history: [cacheHeaders.noStore()],
  };
}
