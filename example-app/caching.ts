import type { Request, Response } from 'express';
import { filmQuery } from './http/film-input.js';
import type { Lifetimes } from './lifetimes.js';
import type { Written } from './routes/films.js';
import type { CatalogueCaching, FilmCaching, MemberCaching, RouteCaching } from './routes/route-caching.js';
import { type Cache, cacheHeaders, invalidateOnWrite, responseCache } from './warmpath.js';

/** Everything the cache does for the routes, in one place: what is kept, how long, and which write ends it. */
export function routeCaching(cache: Cache, ttl: Lifetimes): RouteCaching {
  return {
    films: filmCaching(cache, ttl),
    catalogue: catalogueCaching(cache, ttl),
    members: memberCaching(cache, ttl),
  };
}

// Browsers ask each time and get a 304 from the cache: a write is seen at once by everybody.
const revalidated = () => cacheHeaders({ public: true, maxAge: 0 });

function filmCaching(cache: Cache, ttl: Lifetimes): FilmCaching {
  const ofPage = (req: Request) => {
    const { search, sort } = filmQuery(req.query);
    if (search !== undefined) return ttl.search;
    return sort === 'popularity' ? ttl.popular : ttl.movieList;
  };
  const write = (tags: (req: Request, res: Response) => string[]) => [invalidateOnWrite(cache, { tags })];
  return {
    list: [
      revalidated(),
      responseCache(cache, {
        name: 'film-list',
        ttl: ofPage,
        staleWhileRevalidate: '1m',
        tags: tagsOfPage,
        query: { allow: ['page', 'pageSize', 'sort', 'order', 'genre', 'search'] },
      }),
    ],
    popular: [
      revalidated(),
      responseCache(cache, { name: 'popular', ttl: ttl.popular, tags: ['films', 'popular'], query: { allow: [] } }),
    ],
    film: [
      revalidated(),
      responseCache(cache, {
        name: 'film',
        ttl: ttl.movie,
        staleWhileRevalidate: '10m',
        staleIfError: '1h',
        tags: ['film:{id}'],
        query: { allow: [] },
      }),
    ],
    create: write((_req, res) => ['films', 'stats', ...genresOf(res)]),
    update: write((req, res) => [`film:${req.params.id}`, 'films', 'stats', ...genresOf(res)]),
    remove: write((req, res) => [`film:${req.params.id}`, 'films', 'stats', ...genresOf(res)]),
    rate: write((req) => [`film:${req.params.id}`, 'popular', 'stats']),
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

/** Pages of the genres that a write touched, and the numbers of `GET /api/genres` when a film moved between genres. */
function genresOf(res: Response): string[] {
  const written = res.locals.written as Written;
  return [...written.genres.map(genreTag), ...(written.genreChanged ? ['genres'] : [])];
}

function catalogueCaching(cache: Cache, ttl: Lifetimes): CatalogueCaching {
  return {
    genres: [
      cacheHeaders({ public: true, maxAge: '1m' }),
      responseCache(cache, { name: 'genres', ttl: ttl.genres, tags: ['genres'], query: { allow: [] } }),
    ],
    stats: [
      revalidated(),
      responseCache(cache, {
        name: 'stats',
        ttl: ttl.stats,
        staleWhileRevalidate: '5m',
        staleIfError: '1h',
        tags: ['stats'],
        query: { allow: [] },
      }),
    ],
    manifest: [
      cacheHeaders({ public: true, maxAge: '1h' }),
      responseCache(cache, { name: 'manifest', ttl: ttl.manifest, query: { allow: [] } }),
    ],
  };
}

function memberCaching(cache: Cache, ttl: Lifetimes): MemberCaching {
  const ofUser = (req: Request) => [`preferences:${req.user?.name}`];
  return {
    preferences: [
      responseCache(cache, {
        name: 'preferences',
        ttl: ttl.preferences,
        identity: (req) => req.user?.name,
        tags: ofUser,
        query: { allow: [] },
      }),
    ],
    savePreferences: [invalidateOnWrite(cache, { tags: ofUser })],
    history: [cacheHeaders.noStore()],
  };
}
