import type { CatalogueDatabase } from './database.js';
import type { FilmRecord } from './repair.js';

/** One film with everything the catalogue knows. */
export interface Film extends FilmRecord {
  readonly id: number;
  /** what the users of this site think */
  readonly ratings: { readonly average: number | null; readonly count: number };
}

/** One film as a row of a list. Nothing in it changes when somebody rates the film. */
export type FilmSummary = Pick<Film, 'id' | 'title' | 'releaseDate' | 'genre' | 'director' | 'imdbRating'>;

export const SORTS = ['title', 'releaseDate', 'rating', 'popularity', 'gross'] as const;
export type Sort = (typeof SORTS)[number];

export interface FilmQuery {
  readonly page: number;
  readonly pageSize: number;
  readonly sort: Sort;
  readonly order: 'asc' | 'desc';
  readonly genre?: string | undefined;
  readonly search?: string | undefined;
}

export interface FilmPage {
  readonly page: number;
  readonly pageSize: number;
  readonly pages: number;
  readonly total: number;
  readonly items: readonly FilmSummary[];
}

const COLUMNS: Readonly<Record<keyof FilmRecord, string>> = {
  title: 'title',
  releaseDate: 'release_date',
  genre: 'genre',
  director: 'director',
  distributor: 'distributor',
  mpaaRating: 'mpaa_rating',
  creativeType: 'creative_type',
  source: 'source',
  runningMinutes: 'running_minutes',
  budget: 'budget',
  usGross: 'us_gross',
  worldwideGross: 'worldwide_gross',
  rottenTomatoes: 'rotten_tomatoes',
  imdbRating: 'imdb_rating',
  imdbVotes: 'imdb_votes',
};
const FIELDS = Object.keys(COLUMNS) as (keyof FilmRecord)[];

// Every vote counts the same, whether it was given on IMDb or here.
const POPULARITY = 'coalesce(imdb_votes, 0) + rating_count';
const SORT_BY: Readonly<Record<Sort, string>> = {
  title: 'title COLLATE NOCASE',
  releaseDate: 'release_date',
  rating: 'imdb_rating',
  popularity: POPULARITY,
  gross: 'worldwide_gross',
};
const SUMMARY = 'id, title, release_date AS releaseDate, genre, director, imdb_rating AS imdbRating';
const ALL_FIELDS = FIELDS.map((field) => `${COLUMNS[field]} AS ${field}`).join(', ');

type FilmRow = FilmRecord & { readonly id: number; readonly ratingCount: number; readonly ratingSum: number };
const FILMS = `SELECT id, ${ALL_FIELDS}, rating_count AS ratingCount, rating_sum AS ratingSum FROM movies`;

export function findFilm(db: CatalogueDatabase, id: number): Film | undefined {
  const row = db.get<FilmRow>(`${FILMS} WHERE id = ?`, [id]);
  return row && filmOf(row);
}

/** Those of these films that exist, in one query. */
export function findFilmsById(db: CatalogueDatabase, ids: readonly number[]): readonly Film[] {
  const sql = `${FILMS} WHERE id IN (SELECT value FROM json_each(?))`;
  return db.all<FilmRow>(sql, [JSON.stringify(ids)]).map(filmOf);
}

function filmOf(row: FilmRow): Film {
  const count = row.ratingCount;
  const average = count === 0 ? null : Math.round((row.ratingSum / count) * 10) / 10;
  return { id: row.id, ...filmRecord(row), ratings: { average, count } };
}

export function findFilms(db: CatalogueDatabase, query: FilmQuery): FilmPage {
  const { page, pageSize } = query;
  const { where, values } = conditions(query);
  const total = db.get<{ n: number }>(`SELECT count(*) AS n FROM movies ${where}`, values)?.n ?? 0;
  const direction = query.order === 'asc' ? 'ASC' : 'DESC';
  const rows = db.all<FilmSummary>(
    `SELECT ${SUMMARY} FROM movies ${where} ORDER BY ${SORT_BY[query.sort]} ${direction} NULLS LAST, id LIMIT ? OFFSET ?`,
    [...values, pageSize, (page - 1) * pageSize],
  );
  return { page, pageSize, pages: Math.ceil(total / pageSize), total, items: rows };
}

export type PopularFilm = FilmSummary & { readonly popularity: number };

export function popularFilms(db: CatalogueDatabase, limit: number): readonly PopularFilm[] {
  return db.all(`SELECT ${SUMMARY}, ${POPULARITY} AS popularity FROM movies ORDER BY popularity DESC, id LIMIT ?`, [
    limit,
  ]);
}

export interface GenreCount {
  readonly name: string;
  readonly films: number;
}

export function genreCounts(db: CatalogueDatabase): readonly GenreCount[] {
  return db.all(
    'SELECT genre AS name, count(*) AS films FROM movies WHERE genre IS NOT NULL GROUP BY genre ORDER BY 1',
  );
}

export function insertFilm(db: CatalogueDatabase, film: FilmRecord): number {
  const columns = FIELDS.map((field) => COLUMNS[field]).join(', ');
  const values = FIELDS.map((field) => `@${field}`).join(', ');
  return db.run(`INSERT INTO movies (${columns}) VALUES (${values})`, { ...film }).id;
}

export function updateFilm(db: CatalogueDatabase, id: number, film: FilmRecord): void {
  const columns = FIELDS.map((field) => `${COLUMNS[field]} = @${field}`).join(', ');
  db.run(`UPDATE movies SET ${columns} WHERE id = @id`, { ...filmRecord(film), id });
}

export function deleteFilm(db: CatalogueDatabase, id: number): void {
  db.run('DELETE FROM movies WHERE id = ?', [id]);
}

/** One rating per user and film: a second one replaces the first. */
export function rateFilm(db: CatalogueDatabase, id: number, user: string, score: number): void {
  db.transaction(() => {
    db.run(
      `INSERT INTO ratings (movie_id, user_name, score) VALUES (?, ?, ?)
       ON CONFLICT (movie_id, user_name) DO UPDATE SET score = excluded.score`,
      [id, user, score],
    );
    db.run(
      `UPDATE movies SET rating_count = (SELECT count(*) FROM ratings WHERE movie_id = @id),
                         rating_sum = (SELECT total(score) FROM ratings WHERE movie_id = @id) WHERE id = @id`,
      { id },
    );
  });
}

function conditions({ genre, search }: FilmQuery): { where: string; values: string[] } {
  const clauses: string[] = [];
  const values: string[] = [];
  if (genre !== undefined) {
    clauses.push('genre = ? COLLATE NOCASE');
    values.push(genre);
  }
  if (search !== undefined) {
    const pattern = `%${search.replace(/[\\%_]/g, '\\$&')}%`;
    clauses.push("(title LIKE ? ESCAPE '\\' OR director LIKE ? ESCAPE '\\')");
    values.push(pattern, pattern);
  }
  return { where: clauses.length === 0 ? '' : `WHERE ${clauses.join(' AND ')}`, values };
}

// The driver adds fields of its own to a row, so the known ones are picked.
function filmRecord(row: FilmRecord): FilmRecord {
  return Object.fromEntries(FIELDS.map((field) => [field, row[field]])) as unknown as FilmRecord;
}
