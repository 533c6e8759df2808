import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { Catalogue } from '../data/catalogue.js';
import type { CatalogueDatabase } from '../data/database.js';
import { deleteFilm, type Film, findFilm, insertFilm, popularFilms, rateFilm, updateFilm } from '../data/movies.js';
import { staffOnly, userName, usersOnly } from '../http/auth.js';
import { filmChanges, filmId, filmQuery, newFilm, ratingScore } from '../http/film-input.js';
import { notFound } from '../http/problem.js';
import type { FilmCaching } from './route-caching.js';

export interface FilmRoutesParts {
  /** what is written, and what a write is based on */
  readonly db: CatalogueDatabase;
  /** what is read */
  readonly catalogue: Catalogue;
  /** the middlewares that stand before each handler; see ../caching.ts */
  readonly caching: FilmCaching;
  readonly remember: RequestHandler;
}

/** The films of `/api/movies`. */
export function filmRoutes({ db, catalogue, caching, remember }: FilmRoutesParts): Router {
  const router = Router();

  router.get('/', remember, ...caching.list, async (req, res) => {
    res.json(await catalogue.page(filmQuery(req.query)));
  });

  router.get('/popular', ...caching.popular, async (_req, res) => {
    res.json({ items: await catalogue.withViews(popularFilms(db, 20)) });
  });

  router.get('/:id', remember, ...caching.film, async (req, res) => {
    const id = filmId(req.params);
    const film = await catalogue.film(id);
    if (!film) throw notFound(`Film ${id}`);
    res.locals.views = (await catalogue.withViews([film]))[0]?.views; // how long it is kept depends on it
    res.json(film);
  });

  router.post('/', staffOnly, ...caching.create, (req, res) => {
    const id = insertFilm(db, newFilm(req.body));
    const film = findFilm(db, id);
    written(res, undefined, film);
    res.status(201).location(`${req.baseUrl}/${id}`).json(film);
  });

  // Fields that the body does not give stay as they are.
  router.put('/:id', staffOnly, ...caching.update, (req, res) => {
    const before = existingFilm(db, req);
    updateFilm(db, before.id, { ...before, ...filmChanges(req.body) });
    const after = findFilm(db, before.id);
    written(res, before, after);
    res.json(after);
  });

  router.delete('/:id', staffOnly, ...caching.remove, (req, res) => {
    const film = existingFilm(db, req);
    deleteFilm(db, film.id);
    written(res, film, undefined);
    res.status(204).end();
  });

  router.post('/:id/ratings', usersOnly, ...caching.rate, (req, res) => {
    const { id } = existingFilm(db, req);
    rateFilm(db, id, userName(req), ratingScore(req.body));
    res.status(201).json({ film: id, ratings: findFilm(db, id)?.ratings });
  });

  return router;
}

function existingFilm(db: CatalogueDatabase, req: Request): Film {
  const id = filmId(req.params);
  const film = findFilm(db, id);
  if (!film) throw notFound(`Film ${id}`);
  return film;
}

/** What a write leaves in `res.locals.written` for the middlewares around it. */
export interface Written {
  /** the genres whose pages are no longer true */
  readonly genres: readonly string[];
  /** whether the number of films of a genre changed */
  readonly genreChanged: boolean;
}

/** `undefined` stands for a film that is not there: before it was created, after it was deleted. */
function written(res: Response, before: Film | undefined, after: Film | undefined): void {
  const genres = new Set([before?.genre, after?.genre].filter((genre) => genre !== null && genre !== undefined));
  res.locals.written = { genres: [...genres], genreChanged: before?.genre !== after?.genre } satisfies Written;
}
