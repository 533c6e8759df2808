import type { CatalogueDatabase } from './data/database.js';
import { addToHistory, type HistoryEntry } from './data/members.js';
import type { Cache } from './warmpath.js';

/**
 * Writes what users looked at in batches, behind the requests. With Redis, what was taken survives this process; where
 * the queue does not take it, it is written at once. As every entry has its id, none is there twice.
 */
export function historyQueue(cache: Cache, db: CatalogueDatabase): (entry: HistoryEntry) => void {
  const queue = cache.writeBehind<HistoryEntry>('history', {
    flush: (entries) => addToHistory(db, entries),
    id: (entry) => entry.id,
    maxDelay: '100ms',
    pushTimeout: '1s',
  });
  return (entry) => {
    queue
      .push(entry)
      .catch(() => addToHistory(db, [entry]))
      .catch((error) => console.error('A history entry was lost:', error)); // the client has its answer already
  };
}
