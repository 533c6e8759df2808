import { Router } from 'express';
import type { Catalogue } from '../data/catalogue.js';
import { SORTS } from '../data/movies.js';
import { PAGE_SIZE } from '../http/film-input.js';
import type { CatalogueCaching } from './route-caching.js';

const MANIFEST = {
  name: 'Film catalogue',
  about: 'The films of the vega-datasets package (BSD-3-Clause), served by an Express app with warmpath in front',
  films: {
    href: '/api/movies',
    query: { page: 1, pageSize: PAGE_SIZE, sort: SORTS, order: ['asc', 'desc'], genre: 'Drama', search: 'moon' },
  },
  links: [
    '/api/movies/popular',
    '/api/movies/1',
    '/api/genres',
    '/api/stats',
    '/api/me/preferences',
    '/api/me/history',
  ],
};

/** What is true of the catalogue as a whole. */
export function catalogueRoutes(catalogue: Catalogue, caching: CatalogueCaching): Router {
  const router = Router();

  router.get('/genres', ...caching.genres, async (_req, res) => {
    res.json({ items: await catalogue.genres() });
  });

  router.get('/stats', ...caching.stats, async (_req, res) => {
    res.json(await catalogue.statistics());
  });

  router.get('/manifest', ...caching.manifest, (_req, res) => {
    res.json(MANIFEST);
  });

  return router;
}
