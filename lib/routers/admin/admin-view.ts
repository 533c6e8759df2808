import type { CacheFigures, LimiterFigures, MetricSources } from '../../metrics/metric-sources.js';
import type { RedisFigures } from '../../metrics/redis-figures.js';
import type { RedisGuard } from '../../redis/guard.js';
import type { AdminEntry, AdminSource, AdminTag } from './admin-source.js';
import type { EntryIds } from './entry-ids.js';
import type { RecentEvents } from './recent.js';
import { redactKey } from './redact.js';

/** An entry as it may be shown. */
export interface ShownEntry extends Omit<AdminEntry, 'label' | 'groups'> {
  /** Names the entry to this router only. */
  readonly id: string;
  readonly key: string;
  readonly tags: readonly string[];
}

/** A tag as it may be shown; `whole` when nothing of it is masked. */
export interface ShownTag {
  readonly tag: string;
  readonly hits: number;
  readonly whole: boolean;
}

/** Everything the page shows at one moment. */
export interface AdminView {
  readonly at: number;
  readonly namespace: string;
  readonly readOnly: boolean;
  readonly figures: CacheFigures;
  /** `none`: no Redis is configured. */
  readonly redisState: 'none' | 'up' | 'down';
  readonly redisDownSince: number | undefined;
  readonly redis: RedisFigures | undefined;
  readonly keys: readonly ShownEntry[];
  readonly tags: readonly ShownTag[];
  readonly limiters: readonly LimiterFigures[];
  readonly recent: RecentEvents;
}

/** Where the page's figures come from. */
export interface AdminInputs {
  readonly source: AdminSource;
  readonly guard: RedisGuard | undefined;
  readonly sources: MetricSources;
  readonly readRedis: () => Promise<RedisFigures | undefined>;
  readonly recent: RecentEvents;
  readonly ids: EntryIds;
  readonly shownQuery: ReadonlySet<string>;
  readonly readOnly: boolean;
}

const TOP = 20;

/** Collects what the page shows. Bounded work, and never rejects because Redis is away. */
export async function adminView(inputs: AdminInputs): Promise<AdminView> {
  const { source, guard, sources, readRedis, recent, readOnly } = inputs;
  const [redis, keys] = await Promise.all([readRedis(), source.topKeys(TOP).catch(() => [])]);
  return {
    at: Date.now(),
    namespace: source.namespace,
    readOnly,
    figures: source.stats(),
    redisState: guard ? guard.state : 'none',
    redisDownSince: guard?.downSince,
    redis,
    keys: keys.map((entry) => shownEntry(entry, inputs)),
    tags: source.topTags(TOP).map((tag) => shownTag(tag, inputs)),
    limiters: sources.limiters().map((limiter) => limiter.stats()),
    recent,
  };
}

/** A tag without what must not be shown. */
export function shownTag({ tag, hits }: AdminTag, { shownQuery }: Pick<AdminInputs, 'shownQuery'>): ShownTag {
  const shown = redactKey(tag, shownQuery);
  return { tag: shown, hits, whole: shown === tag };
}

/** An entry without what must not be shown. */
export function shownEntry(
  entry: AdminEntry,
  { ids, shownQuery }: Pick<AdminInputs, 'ids' | 'shownQuery'>,
): ShownEntry {
  const { label, groups, ...figures } = entry;
  return {
    id: ids.idOf(label),
    key: redactKey(label, shownQuery),
    tags: groups.slice(0, 20).map((group) => redactKey(group, shownQuery)),
    ...figures,
  };
}
