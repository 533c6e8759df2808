import type { CatalogueDatabase } from './database.js';
import type { PriceIndex } from './price-index.js';

interface Decade {
  readonly decade: number;
  readonly films: number;
  readonly imdbRating: number | null;
  readonly worldwideGross: number;
}

const BY_DECADE = `
  SELECT CAST(substr(release_date, 1, 3) || '0' AS INTEGER) AS decade, count(*) AS films,
         round(avg(imdb_rating), 2) AS imdbRating, total(worldwide_gross) AS worldwideGross
  FROM movies WHERE release_date IS NOT NULL GROUP BY decade ORDER BY decade`;

const BY_GENRE = `
  SELECT genre, count(*) AS films, round(avg(imdb_rating), 2) AS imdbRating,
         round(avg(CASE WHEN budget > 0 THEN 1.0 * worldwide_gross / budget END), 2) AS grossPerBudgetDollar
  FROM movies WHERE genre IS NOT NULL GROUP BY genre ORDER BY films DESC`;

const GENRE_LEADERS = `
  SELECT genre, title, imdbRating FROM (
    SELECT genre, title, imdb_rating AS imdbRating,
           row_number() OVER (PARTITION BY genre ORDER BY imdb_rating DESC, imdb_votes DESC) AS place
    FROM movies WHERE genre IS NOT NULL AND imdb_votes > 10000)
  WHERE place <= 3 ORDER BY genre, place`;

const TOTALS = `
  SELECT count(*) AS films, sum(rating_count) AS ratings,
         round(sum(rating_sum) * 1.0 / nullif(sum(rating_count), 0), 2) AS averageRating FROM movies`;

/** The report of `GET /api/stats`: four aggregates over the whole catalogue and a call to the price index. */
export async function catalogueStatistics(db: CatalogueDatabase, prices: PriceIndex): Promise<object> {
  const dollarsOf2010 = await prices.fetch();
  const totals = db.get<{ films: number; ratings: number; averageRating: number | null }>(TOTALS);
  const decades = db.all<Decade>(BY_DECADE).map((row) => ({
    ...row,
    worldwideGrossIn2010Dollars: Math.round(row.worldwideGross * dollarsOf2010(row.decade)),
  }));
  return {
    films: totals?.films,
    ratings: { count: totals?.ratings, average: totals?.averageRating },
    decades,
    genres: db.all(BY_GENRE),
    leaders: db.all(GENRE_LEADERS),
  };
}
