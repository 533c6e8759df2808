import type { Cache } from './cache.js';

const live = new Set<WeakRef<Cache>>();

/** Remembers a cache for as long as it lives, so that one metrics page can show every cache of the process. */
export function rememberCache(cache: Cache): void {
  live.add(new WeakRef(cache));
}

/** The caches of this process that are still in use. */
export function liveCaches(): readonly Cache[] {
  const caches: Cache[] = [];
  for (const reference of live) {
    const cache = reference.deref();
    if (cache === undefined) live.delete(reference);
    else caches.push(cache);
  }
  return caches;
}
