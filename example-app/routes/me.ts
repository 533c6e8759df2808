import { randomUUID } from 'node:crypto';
import { type RequestHandler, Router } from 'express';
import type { CatalogueDatabase } from '../data/database.js';
import { findHistory, findPreferences, type HistoryEntry, savePreferences } from '../data/members.js';
import { userName, usersOnly } from '../http/auth.js';
import { Fields } from '../http/fields.js';
import { preferenceChanges } from '../http/preference-input.js';
import type { MemberCaching } from './route-caching.js';

/** What belongs to the user who asks. */
export function memberRoutes(db: CatalogueDatabase, caching: MemberCaching): Router {
  const router = Router();
  router.use(usersOnly);

  router.get('/preferences', ...caching.preferences, (req, res) => {
    res.json(findPreferences(db, userName(req)));
  });

  // Fields that the body does not give stay as they are.
  router.put('/preferences', ...caching.savePreferences, (req, res) => {
    const preferences = { ...findPreferences(db, userName(req)), ...preferenceChanges(req.body) };
    savePreferences(db, userName(req), preferences);
    res.json(preferences);
  });

  router.get('/history', ...caching.history, (req, res) => {
    const fields = Fields.ofText(req.query);
    const limit = fields.whole('limit', { min: 1, max: 100 }) ?? 20;
    fields.check();
    res.json({ items: findHistory(db, userName(req), limit) });
  });

  return router;
}

/** Notes which films a user opened and what they searched for. Stands before the cache, so that hits count as well. */
export function rememberHistory(record: (entry: HistoryEntry) => void): RequestHandler {
  return (req, res, next) => {
    const user = req.user?.name;
    const seen = user === undefined ? undefined : seenBy(req.params.id, req.query.search);
    if (user === undefined || !seen) return next();
    res.once('finish', () => {
      if (res.statusCode < 400) record({ id: randomUUID(), user, at: new Date().toISOString(), ...seen });
    });
    next();
  };
}

function seenBy(id: unknown, search: unknown): Pick<HistoryEntry, 'kind' | 'subject'> | undefined {
  if (typeof id === 'string') return { kind: 'film', subject: id };
  if (typeof search === 'string') return { kind: 'search', subject: search.trim() };
  return undefined;
}
