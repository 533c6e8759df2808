import { type Duration, durationMs, positiveDurationMs } from '../common/duration.js';
import { WarmpathError } from '../common/errors.js';
import { booleanOption, checkKnownKeys } from '../common/options.js';
import { tagGroup } from './group-names.js';

/** Options of `cache.set`. */
export interface SetOptions {
  /** Freshness lifetime. */
  readonly ttl: Duration;
  /** Groups to invalidate by. @default none */
  readonly tags?: readonly string[] | undefined;
}

/** Options of `cache.wrap`. */
export interface WrapOptions<T = unknown> {
  /** Freshness lifetime, or how to tell it from the value. */
  readonly ttl: Duration | ((value: T) => Duration);
  /** How long a stale value may be served while it is refreshed. @default none */
  readonly staleWhileRevalidate?: Duration | undefined;
  /** How long a stale value may stand in when `fill` fails. @default none */
  readonly staleIfError?: Duration | undefined;
  /** Groups to invalidate by, or how to tell them from the value. @default none */
  readonly tags?: readonly string[] | ((value: T) => readonly string[]) | undefined;
  /** Fill even if there is a fresh value. @default false */
  readonly force?: boolean | undefined;
}

/** {@link WrapOptions}, checked. */
export interface WrapConfig {
  readonly ttlMs: (value: unknown) => number;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  readonly groups: readonly string[];
  readonly lateGroups: ((value: unknown) => readonly string[]) | undefined;
  readonly force: boolean;
}

export function resolveWrapOptions<T>(owner: string, options: WrapOptions<T>): WrapConfig {
  checkKnownKeys(owner, options, ['ttl', 'staleWhileRevalidate', 'staleIfError', 'tags', 'force']);
  const { ttl, staleWhileRevalidate = 0, staleIfError = 0, tags = [], force = false } = options;
  return {
    ttlMs: ttlFunction(owner, ttl as WrapOptions['ttl']),
    staleWhileRevalidateMs: durationMs(`${owner}.staleWhileRevalidate`, staleWhileRevalidate),
    staleIfErrorMs: durationMs(`${owner}.staleIfError`, staleIfError),
    groups: typeof tags === 'function' ? [] : tagGroups(owner, tags),
    lateGroups: typeof tags === 'function' ? (value) => tagGroups(owner, tags(value as T)) : undefined,
    force: booleanOption(`${owner}.force`, force),
  };
}

export function resolveSetOptions(options: SetOptions): { readonly ttlMs: number; readonly groups: readonly string[] } {
  checkKnownKeys('set', options, ['ttl', 'tags']);
  return { ttlMs: positiveDurationMs('set.ttl', options.ttl), groups: tagGroups('set', options.tags ?? []) };
}

function ttlFunction(owner: string, ttl: WrapOptions['ttl']): (value: unknown) => number {
  if (typeof ttl === 'function') return (value) => positiveDurationMs(`${owner}.ttl`, ttl(value));
  const ms = positiveDurationMs(`${owner}.ttl`, ttl);
  return () => ms;
}

function tagGroups(owner: string, tags: unknown): readonly string[] {
  if (Array.isArray(tags)) return [...new Set(tags.map(tagGroup))];
  throw new WarmpathError('ERR_TARGET', `${owner}.tags: expected an array of tags`);
}
