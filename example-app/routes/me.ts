import { Router } from 'express';
import type { Catalogue } from '../data/catalogue.js';
import type { CatalogueDatabase } from '../data/database.js';
import { findHistory, type HistoryItem } from '../data/members.js';
import { userName, usersOnly } from '../http/auth.js';
import { Fields } from '../http/fields.js';
import { preferenceChanges } from '../http/preference-input.js';
import type { MemberCaching } from './route-caching.js';

/** What belongs to the user who asks. */
export function memberRoutes(db: CatalogueDatabase, catalogue: Catalogue, caching: MemberCaching): Router {
  const router = Router();
  router.use(usersOnly);

  router.get('/preferences', ...caching.preferences, async (req, res) => {
    res.json(await catalogue.preferences(userName(req)));
  });

  // Fields that the body does not give stay as they are.
  router.put('/preferences', ...caching.savePreferences, async (req, res) => {
    res.json(await catalogue.changePreferences(userName(req), preferenceChanges(req.body)));
  });

  router.get('/history', ...caching.history, async (req, res) => {
    const fields = Fields.ofText(req.query);
    const limit = fields.whole('limit', { min: 1, max: 100 }) ?? 20;
    fields.check();
    res.json({ items: await titled(catalogue, findHistory(db, userName(req), limit)) });
  });

  return router;
}

/** The history as it is shown: films with their titles, all of them in one question. */
async function titled(catalogue: Catalogue, items: readonly HistoryItem[]) {
  const ids = items.filter(({ kind }) => kind === 'film').map(({ subject }) => Number(subject));
  const films = await catalogue.films(ids);
  const titles = new Map(films.map((film) => [String(film?.id), film?.title]));
  return items.map((item) => (item.kind === 'film' ? { ...item, title: titles.get(item.subject) } : item));
}
