import type { CatalogueDatabase } from './database.js';
import { findPreferences, type Preferences, savePreferences } from './members.js';
import {
  type Film,
  type FilmPage,
  type FilmQuery,
  findFilm,
  findFilms,
  findFilmsById,
  type GenreCount,
  genreCounts,
} from './movies.js';
import type { PriceIndex } from './price-index.js';
import { catalogueStatistics } from './statistics.js';
import { viewCounts } from './views.js';

export type Viewed<T> = T & { readonly views: number };

/** What the routes read. They do not know whether it comes from the database or from a cache. */
export interface Catalogue {
  film(id: number): Promise<Film | undefined>;
  /** in the order of the ids */
  films(ids: readonly number[]): Promise<readonly (Film | undefined)[]>;
  page(query: FilmQuery): Promise<FilmPage>;
  /** the same films with how often each was opened */
  withViews<T extends { readonly id: number }>(films: readonly T[]): Promise<readonly Viewed<T>[]>;
  genres(): Promise<readonly GenreCount[]>;
  statistics(): Promise<object>;
  preferences(user: string): Promise<Preferences>;
  /** fields that are not given stay as they are */
  changePreferences(user: string, changes: Partial<Preferences>): Promise<Preferences>;
}

/** The catalogue as the database has it at this moment. */
export function databaseCatalogue(db: CatalogueDatabase, prices: PriceIndex): Catalogue {
  return {
    film: async (id) => findFilm(db, id),
    async films(ids) {
      const found = new Map(findFilmsById(db, ids).map((film) => [film.id, film]));
      return ids.map((id) => found.get(id));
    },
    page: async (query) => findFilms(db, query),
    async withViews(films) {
      const ids = films.map(({ id }) => id);
      const views = viewCounts(db, ids);
      return films.map((film) => ({ ...film, views: views.get(film.id) ?? 0 }));
    },
    genres: async () => genreCounts(db),
    statistics: () => catalogueStatistics(db, prices),
    preferences: async (user) => findPreferences(db, user),
    async changePreferences(user, changes) {
      const preferences = { ...findPreferences(db, user), ...changes };
      savePreferences(db, user, preferences);
      return preferences;
    },
  };
}
