import type { CatalogueDatabase } from './data/database.js';
import { addToHistory, type HistoryEntry } from './data/members.js';
import { addViews, type FilmView } from './data/views.js';
import type { Cache } from './warmpath.js';

/** Takes note of what people look at. Never makes a request wait, and never fails it. */
export interface Recorder {
  /** somebody opened a film */
  view(view: FilmView): void;
  /** a user opened a film or searched for one */
  history(entry: HistoryEntry): void;
}

/** Writes each at once. */
export function directRecorder(db: CatalogueDatabase): Recorder {
  return {
    view: (view) => addViews(db, [view]),
    history: (entry) => addToHistory(db, [entry]),
  };
}

/** Writes in batches, behind the requests: a film that is opened a thousand times costs SQLite ten writes. */
export function queuedRecorder(cache: Cache, db: CatalogueDatabase): Recorder {
  return {
    view: queued(cache, 'film-views', (views: readonly FilmView[]) => addViews(db, views)),
    history: queued(cache, 'history', (entries: readonly HistoryEntry[]) => addToHistory(db, entries)),
  };
}

/**
 * With Redis, what was taken survives this process; where the queue does not take it, it is written at once. As every
 * item has its id, none is there twice.
 */
function queued<T extends { readonly id: string }>(
  cache: Cache,
  name: string,
  write: (items: readonly T[]) => void,
): (item: T) => void {
  const queue = cache.writeBehind<T>(name, {
    flush: write,
    id: ({ id }) => id,
    maxDelay: '100ms',
    pushTimeout: '1s',
  });
  return (item) => {
    queue
      .push(item)
      .catch(() => write([item]))
      .catch((error) => console.error(`An item of '${name}' was lost:`, error)); // the client has its answer already
  };
}
