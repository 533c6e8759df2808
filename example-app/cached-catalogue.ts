import type { Catalogue } from './data/catalogue.js';
import type { CatalogueDatabase } from './data/database.js';
import { type FilmQuery, findFilm, findFilms, findFilmsById } from './data/movies.js';
import { viewCounts } from './data/views.js';
import type { Lifetimes } from './lifetimes.js';
import { type Cache, cachedRepository } from './warmpath.js';

/**
 * The catalogue behind a cache of data. It serves what no stored answer can: one film that many pages show, a page that
 * two routes need, a report for a HEAD. The tags are those of the answers (caching.ts), so one write ends both.
 */
export function cachedCatalogue(cache: Cache, db: CatalogueDatabase, source: Catalogue, ttl: Lifetimes): Catalogue {
  const films = cachedRepository(cache, {
    name: 'movie',
    findById: (id: number) => findFilm(db, id),
    findMany: (ids: readonly number[]) => findFilmsById(db, ids),
    findAll: (query: FilmQuery) => findFilms(db, query),
    entitiesOf: ({ items }) => items,
    ttl: ttl.movie,
    listTtl: ttl.movieList,
    tags: ['films', 'film:{id}'],
    statistics: { ttl: '1m', find: (ids: readonly number[]) => viewCounts(db, ids) },
  });

  const genres = cache.cached(source.genres, { name: 'genre-counts', ttl: ttl.genres, tags: ['genres'] });

  const statistics = cache.cached(source.statistics, {
    name: 'statistics',
    ttl: ttl.stats,
    tags: ['stats'],
    staleIfError: '1h', // the partner's price index may be away
    softTimeout: '2s', // or slow: then the report before this one, if there is one
  });

  return {
    film: (id) => films.findById(id),
    films: (ids) => films.findMany(ids),
    // A rating moves films between the pages of this order, on which they need not be yet.
    page: (query) => (query.sort === 'popularity' ? source.page(query) : films.findAll(query)),
    async withViews(list) {
      const counted = await films.withStatistics(list);
      return list.map((film, place) => ({ ...film, views: counted[place]?.statistics ?? 0 }));
    },
    genres: () => genres(),
    statistics: () => statistics(),
    preferences: (user) =>
      cache.wrap(preferencesKey(user), () => source.preferences(user), { name: 'member', ttl: ttl.preferences }),
    // The database first, then the cache: who reads next finds what was written, without asking the database.
    changePreferences: (user, changes) =>
      cache.writeThrough(preferencesKey(user), () => source.changePreferences(user, changes), {
        ttl: ttl.preferences,
      }),
  };
}

const preferencesKey = (user: string) => `preferences:${user}`;
