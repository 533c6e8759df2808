import { randomUUID } from 'node:crypto';
import type { RequestHandler } from 'express';
import type { HistoryItem } from '../data/members.js';
import type { Recorder } from '../recording.js';
import { isInternalDispatch } from '../warmpath.js';

/** Notes which films are opened, and what users opened and searched for. Stands before the cache, so that hits count as well. */
export function rememberSeen(recorder: Recorder): RequestHandler {
  return (req, res, next) => {
    const seen = seenBy(req.params.id, req.query.search);
    // What the cache asks for by itself, to refresh or to warm, nobody has seen.
    if (seen === undefined || isInternalDispatch(req)) return next();
    const user = req.user?.name;
    res.once('finish', () => {
      if (res.statusCode >= 400) return;
      const [id, at] = [randomUUID(), new Date().toISOString()];
      if (seen.kind === 'film') recorder.view({ id, at, film: Number(seen.subject) });
      if (user !== undefined) recorder.history({ id, at, user, ...seen });
    });
    next();
  };
}

function seenBy(id: unknown, search: unknown): Pick<HistoryItem, 'kind' | 'subject'> | undefined {
  if (typeof id === 'string') return { kind: 'film', subject: id };
  if (typeof search === 'string') return { kind: 'search', subject: search.trim() };
  return undefined;
}
