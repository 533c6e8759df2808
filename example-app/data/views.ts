import type { CatalogueDatabase } from './database.js';

/** Somebody opened the page of a film. */
export interface FilmView {
  /** tells it from others: writing it twice is writing it once */
  readonly id: string;
  readonly film: number;
  readonly at: string;
}

export function addViews(db: CatalogueDatabase, views: readonly FilmView[]): void {
  const sql = 'INSERT OR IGNORE INTO views (id, movie_id, at) VALUES (?, ?, ?)';
  db.transaction(() => {
    for (const { id, film, at } of views) db.run(sql, [id, film, at]);
  });
}

/** How often each of these films was opened, in one query. Films that never were are left out. */
export function viewCounts(db: CatalogueDatabase, films: readonly number[]): ReadonlyMap<number, number> {
  const sql = `SELECT movie_id AS film, count(*) AS views FROM views
    WHERE movie_id IN (SELECT value FROM json_each(?)) GROUP BY movie_id`;
  const rows = db.all<{ film: number; views: number }>(sql, [JSON.stringify(films)]);
  return new Map(rows.map(({ film, views }) => [film, views]));
}
