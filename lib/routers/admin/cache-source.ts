import type { Request } from 'express';
import type { Cache } from '../../cache/cache.js';
import { cacheInternals } from '../../cache/cache-internals.js';
import { dispatchInternally } from '../../middleware/internal-dispatch.js';
import { rootApp } from '../../middleware/root-app.js';
import type { AdminEntry, AdminSource } from './admin-source.js';

const KEEP_MS = 10_000;
const REFRESH_LIMIT_MS = 10_000;

/** A cache, seen by the admin page. */
export function adminSourceOf(cache: Cache): AdminSource {
  const { namespace, listEntries, preview, topKeys, topTags } = cacheInternals(cache);
  const keptKeys = keep(topKeys);
  cache.events.on('invalidation', () => keptKeys.forget());
  return {
    namespace,
    events: cache.events,
    stats: () => cache.stats(),
    listEntries,
    preview,
    topTags,
    topKeys: async (limit) => (await keptKeys.read(limit)).map(withoutGone),
    invalidate: (target, options) => cache.invalidate(target, options),
    clear: () => cache.clear(),
    refresh: (label, via) => refreshThroughApp(cache, label, via),
  };
}

// A key that is used and not stored, or not found by the scan: its hits are all that is known.
function withoutGone(entry: AdminEntry): AdminEntry {
  return entry.bytes === 0 && !(entry.ttlMs ?? 0) ? { label: entry.label, groups: [], hits: entry.hits } : entry;
}

// Ages and lifetimes come from a scan of the store: not at every tick of every open page.
function keep(topKeys: (limit: number) => Promise<readonly AdminEntry[]>) {
  let kept: { readonly at: number; readonly limit: number; readonly keys: Promise<readonly AdminEntry[]> } | undefined;
  const read = (limit: number): Promise<readonly AdminEntry[]> => {
    if (!kept || kept.limit !== limit || Date.now() - kept.at > KEEP_MS) {
      kept = { at: Date.now(), limit, keys: topKeys(limit) };
    }
    return kept.keys;
  };
  return {
    read,
    forget: () => {
      kept = undefined;
    },
  };
}

/**
 * Marks a path as stale and asks the app for it, as a client without credentials would. `false` for a value of the data
 * cache, which only its own function can make, and for an answer that was not kept.
 */
async function refreshThroughApp(cache: Cache, label: string, via: Request): Promise<boolean> {
  if (!label.startsWith('/')) return false;
  await cache.invalidate({ urls: [label] }, { soft: true });
  const { remoteAddress } = via.socket;
  const headers = { host: via.headers.host };
  const answer = await dispatchInternally(rootApp(via), { url: label, headers, remoteAddress }, REFRESH_LIMIT_MS);
  // Kept now, or served stale once more while a refresh of its own runs.
  return /;\s*(stored|hit)\b/.test(String(answer.headers['cache-status'] ?? ''));
}
