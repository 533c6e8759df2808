import { DurationCounts, LIFETIME_BOUNDS } from '../common/duration-counts.js';

/** What one named cache has done since the process started. Plain numbers: counting must cost nothing on a hit. */
export class CacheCounters {
  memoryHits = 0;
  redisHits = 0;
  stale = 0;
  misses = 0;
  bypasses = 0;
  collapsed = 0;
  fills = 0;
  readonly notStored = new Map<string, number>();
  readonly refreshes = new Map<string, number>();
  readonly findings = new Map<string, { readonly settledBy: string; count: number }>();
  readonly lookup = new DurationCounts();
  readonly fill = new DurationCounts();
  /** Freshness lifetimes given to entries. */
  readonly ttl = new DurationCounts(LIFETIME_BOUNDS);

  get hits(): number {
    return this.memoryHits + this.redisHits;
  }
}

/** The counters of one name, as `cache.stats()` shows them. */
export interface NamedStats {
  readonly hits: number;
  readonly stale: number;
  readonly misses: number;
  readonly bypasses: number;
  /** Hits and stale answers among the requests that were looked up; 0 before the first. */
  readonly ratio: number;
  readonly memoryHits: number;
  readonly redisHits: number;
  readonly collapsed: number;
  readonly fills: number;
  readonly notStored: Readonly<Record<string, number>>;
  readonly refreshes: Readonly<Record<string, number>>;
  readonly findings: readonly { readonly input: string; readonly settledBy: string; readonly count: number }[];
  readonly lookup: DurationCounts;
  readonly fill: DurationCounts;
  readonly ttl: DurationCounts;
}

// Names come from route patterns and options, so they are few; the limit is for the app that makes them up as it goes.
const MAX_NAMES = 200;
const OTHER = 'other';

/** The counters of every name. */
export class StatsBook {
  readonly #byName = new Map<string, CacheCounters>();

  of(name: string): CacheCounters {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    if (this.#byName.size >= MAX_NAMES && name !== OTHER) return this.of(OTHER);
    const counters = new CacheCounters();
    this.#byName.set(name, counters);
    return counters;
  }

  /** Every name with its figures. */
  all(): Readonly<Record<string, NamedStats>> {
    const all: Record<string, NamedStats> = Object.create(null);
    for (const [name, counters] of this.#byName) all[name] = namedStats(counters);
    return all;
  }
}

/** Share of lookups that were served, from 0 to 1; 0 before the first. */
export function hitRatio(served: number, misses: number): number {
  return served + misses === 0 ? 0 : served / (served + misses);
}

function namedStats(counters: CacheCounters): NamedStats {
  const { hits, stale, misses, bypasses, memoryHits, redisHits, collapsed, fills, lookup, fill, ttl } = counters;
  return {
    hits,
    stale,
    misses,
    bypasses,
    ratio: hitRatio(hits + stale, misses),
    memoryHits,
    redisHits,
    collapsed,
    fills,
    notStored: Object.fromEntries(counters.notStored),
    refreshes: Object.fromEntries(counters.refreshes),
    findings: [...counters.findings].map(([input, { settledBy, count }]) => ({ input, settledBy, count })),
    lookup,
    fill,
    ttl,
  };
}

/** Adds one to a counter in a map of a closed set of words. */
export function tally(counts: Map<string, number>, word: string): void {
  counts.set(word, (counts.get(word) ?? 0) + 1);
}
