import type { Request } from 'express';
import type { CacheSource } from '../../metrics/metric-sources.js';

/** What an action is aimed at: the `target` of `cache.invalidate`. */
export interface AdminTarget {
  readonly tags?: readonly string[];
  readonly urls?: readonly string[];
  readonly keys?: readonly string[];
  readonly prefix?: string;
}

/** An entry without its bytes. */
export interface AdminEntry {
  /** Names the entry to people and to `refresh`. May hold what must not be shown; redacted before it is. */
  readonly label: string;
  readonly groups: readonly string[];
  readonly ageMs?: number | undefined;
  /** Left of its freshness lifetime; negative when stale. */
  readonly ttlMs?: number | undefined;
  readonly bytes?: number | undefined;
  /** Estimated. */
  readonly hits?: number | undefined;
}

/** A tag with the hits of its entries, estimated. */
export interface AdminTag {
  readonly tag: string;
  readonly hits: number;
}

/** What an invalidation would drop. `exact` is false when counting was cut short. */
export interface AdminPreview {
  readonly entries: number;
  readonly sample: readonly string[];
  readonly exact: boolean;
}

/** A part of a long list. */
export interface AdminPage {
  readonly entries: readonly AdminEntry[];
  readonly cursor?: string | undefined;
}

/** A cache, as far as the admin page needs it. Every method does a bounded amount of work. */
export interface AdminSource extends CacheSource {
  readonly namespace: string;
  listEntries(query: { prefix?: string; limit: number; cursor?: string }): Promise<AdminPage>;
  preview(target: AdminTarget): Promise<AdminPreview>;
  topKeys(limit: number): Promise<readonly AdminEntry[]>;
  topTags(limit: number): readonly AdminTag[];
  /** Makes an entry anew, through the app that `via` came to. Whether it was, or is being, made. */
  refresh(label: string, via: Request): Promise<boolean>;
  invalidate(target: AdminTarget, options: { soft: boolean }): Promise<void>;
  clear(): Promise<void>;
}
