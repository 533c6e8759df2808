import type { CacheNameFigures } from '../../metrics/metric-sources.js';

/** How many answers of one name were looked for in the cache. */
export const lookedUp = ({ hits, stale, misses }: CacheNameFigures): number => hits + stale + misses;

/** Hit ratio of one name, from 0 to 1; stale hits count. */
export function ratioOf(figures: CacheNameFigures): number {
  const all = lookedUp(figures);
  return all === 0 ? 0 : (figures.hits + figures.stale) / all;
}
