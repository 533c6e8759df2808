import { EventBus } from '../../../lib/common/events.js';
import { Durations } from '../../../lib/metrics/durations.js';
import { REQUEST_BUCKETS } from '../../../lib/metrics/metric-catalog.js';
import type { CacheFigures, CacheNameFigures } from '../../../lib/metrics/metric-sources.js';
import type { AdminEntry, AdminSource, AdminTarget } from '../../../lib/routers/admin/admin-source.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type NameFigures = Mutable<CacheNameFigures> & { lookup: Durations; fill: Durations };

/** Figures of one name, all zero. */
export function nameFigures(): NameFigures {
  return {
    hits: 0,
    stale: 0,
    misses: 0,
    bypasses: 0,
    memoryHits: 0,
    redisHits: 0,
    collapsed: 0,
    fills: 0,
    notStored: {},
    refreshes: {},
    findings: [],
    lookup: new Durations(REQUEST_BUCKETS),
    fill: new Durations(REQUEST_BUCKETS),
  };
}

/** A small cache of labels that records what is asked of it. */
export class LabelCache implements AdminSource {
  readonly namespace = 'test';
  readonly events = new EventBus();
  readonly names: Record<string, NameFigures> = {};
  readonly asked: unknown[] = [];
  entries: AdminEntry[] = [];

  stats(): CacheFigures {
    const all = Object.values(this.names);
    const sum = (pick: (one: NameFigures) => number) => all.reduce((total, one) => total + pick(one), 0);
    const [hits, stale, misses] = [sum((one) => one.hits), sum((one) => one.stale), sum((one) => one.misses)];
    const ratio = hits + stale + misses === 0 ? 0 : (hits + stale) / (hits + stale + misses);
    const bytes = this.entries.reduce((total, entry) => total + (entry.bytes ?? 0), 0);
    const counts = { hits, stale, misses, bypasses: sum((one) => one.bypasses), ratio };
    return { enabled: true, level: 'memory', ...counts, entries: this.entries.length, bytes, caches: this.names };
  }

  async listEntries({ prefix = '', limit }: { prefix?: string; limit: number }) {
    return { entries: this.entries.filter(({ label }) => label.startsWith(prefix)).slice(0, limit) };
  }

  async preview(target: AdminTarget) {
    const hit = this.#matching(target);
    return { entries: hit.length, sample: hit.slice(0, 10).map(({ label }) => label), exact: true };
  }

  async topKeys(limit: number) {
    return [...this.entries].sort((a, b) => (b.hits ?? 0) - (a.hits ?? 0)).slice(0, limit);
  }

  topTags(limit: number) {
    const hits = new Map<string, number>();
    for (const entry of this.entries)
      for (const tag of entry.groups) hits.set(tag, (hits.get(tag) ?? 0) + (entry.hits ?? 0));
    return [...hits].map(([tag, count]) => ({ tag, hits: count })).slice(0, limit);
  }

  async refresh(label: string) {
    this.asked.push({ refresh: label });
    return this.entries.some((entry) => entry.label === label);
  }

  async invalidate(target: AdminTarget, { soft }: { soft: boolean }) {
    this.asked.push({ invalidate: target, soft });
    const dropped = new Set(this.#matching(target));
    this.entries = this.entries.filter((entry) => !dropped.has(entry));
    const [kind, value] = Object.entries(target)[0] as ['tags' | 'urls' | 'keys' | 'prefix', string | string[]];
    this.events.emit({ type: 'invalidation', kind, soft, targets: [value].flat(), acknowledged: 'memory' });
  }

  async clear() {
    this.asked.push('clear');
    this.entries = [];
    this.events.emit({ type: 'invalidation', kind: 'all', soft: false, targets: [], acknowledged: 'memory' });
  }

  #matching({ tags = [], urls = [], keys = [], prefix }: AdminTarget): AdminEntry[] {
    return this.entries.filter(
      ({ label, groups }) =>
        groups.some((group) => tags.includes(group)) ||
        urls.includes(label) ||
        keys.includes(label) ||
        (prefix !== undefined && label.startsWith(prefix)),
    );
  }
}
