import type { InvalidationOrder, ListedEntry } from '../store/entry-store.js';
import type { Cache } from './cache.js';
import { coreOf, USE_SAMPLE } from './cache-core.js';
import { groupLabel } from './group-names.js';
import { type InvalidationTarget, orderOf } from './invalidation.js';

/** An entry without its bytes, as the admin page shows it. */
export interface EntrySummary {
  /** Path and query of a response, key of a value. May hold what is not to be shown: redact it. */
  readonly label: string;
  readonly groups: readonly string[];
  readonly ageMs: number;
  readonly ttlMs: number;
  readonly bytes: number;
  /** Estimated. */
  readonly hits: number | undefined;
}

/** What an invalidation would drop. `exact` is false when there were too many to count. */
export interface InvalidationPreview {
  readonly entries: number;
  readonly sample: readonly string[];
  readonly exact: boolean;
}

/** Views into a cache for operators. Every method does a bounded amount of work, none of it on a request's path. */
export interface CacheInternals {
  readonly namespace: string;
  listEntries(query: {
    readonly prefix?: string;
    readonly limit: number;
  }): Promise<{ readonly entries: readonly EntrySummary[] }>;
  preview(target: InvalidationTarget): Promise<InvalidationPreview>;
  topKeys(limit: number): Promise<readonly EntrySummary[]>;
  topTags(limit: number): readonly { readonly tag: string; readonly hits: number }[];
}

const PREVIEW_LIMIT = 10_000;
const SAMPLE = 20;
const TOP_SCAN_LIMIT = 2000;

/** The operators' view of a cache. */
export function cacheInternals(cache: Cache): CacheInternals {
  const core = coreOf(cache);
  const summary = (entry: ListedEntry, hits?: number): EntrySummary => {
    const { label, ageMs, ttlMs, bytes } = entry;
    const groups = entry.groups.filter((group) => group.startsWith('t:')).map(groupLabel);
    return { label, groups, ageMs, ttlMs, bytes, hits };
  };
  return {
    namespace: core.config.namespace,
    async listEntries({ prefix = '', limit }) {
      const listed = await core.store.list(prefix, limit);
      return { entries: listed.map((entry) => summary(entry)) };
    },
    async preview(target) {
      const order = orderOf(target, false);
      const listed = await core.store.list('', PREVIEW_LIMIT);
      const matching = listed.filter((entry) => isMeant(order, entry));
      const sample = matching.slice(0, SAMPLE).map((entry) => entry.label);
      return { entries: matching.length, sample, exact: listed.length < PREVIEW_LIMIT };
    },
    async topKeys(limit) {
      const listed = await core.store.list('', TOP_SCAN_LIMIT);
      const byLabel = new Map(listed.map((entry) => [entry.label, entry]));
      return core.topKeys.top(limit).map(({ key, count }) => {
        const entry = byLabel.get(key);
        return entry === undefined ? { ...UNKNOWN, label: key, hits: count } : summary(entry, count);
      });
    },
    // Tags are noted on the sampled hits only.
    topTags: (limit) => core.topTags.top(limit).map(({ key, count }) => ({ tag: key, hits: count * USE_SAMPLE })),
  };
}

const UNKNOWN: Omit<EntrySummary, 'label' | 'hits'> = Object.freeze({ groups: [], ageMs: 0, ttlMs: 0, bytes: 0 });

function isMeant(order: InvalidationOrder, entry: ListedEntry): boolean {
  return (
    order.groups.some((group) => entry.groups.includes(group)) ||
    order.prefixes.some((prefix) => entry.label.startsWith(prefix))
  );
}
