import { type Duration, durationMs, positiveDurationMs } from '../common/duration.js';
import { WarmpathError } from '../common/errors.js';
import { booleanOption, checkKnownKeys, functionOption, numberBetween, textOption } from '../common/options.js';
import { tagGroup } from './group-names.js';
import { type Redactor, redactor } from './redact.js';

/** Options of `cache.set`. */
export interface SetOptions {
  /** Freshness lifetime. */
  readonly ttl: Duration;
  /** Groups to invalidate by. @default none */
  readonly tags?: readonly string[] | undefined;
}

/** What `wrap`, `cached` and repositories have in common: how long values are used, and how long they are waited for. */
export interface ValueUse {
  /** Lifetime of `null` and `undefined`. @default `null` lives as long as any value, `undefined` is not kept */
  readonly negativeTtl?: Duration | undefined;
  /** How long a stale value may be served while it is refreshed. @default none */
  readonly staleWhileRevalidate?: Duration | undefined;
  /** How long a stale value may stand in when the fill fails or takes too long. @default none */
  readonly staleIfError?: Duration | undefined;
  /** Share of the lifetime after which a hit refreshes the value in the background, e.g. 0.8. @default never */
  readonly refreshAhead?: number | undefined;
  /** How long to wait for a fill when a stale value could stand in; the fill goes on. @default no limit */
  readonly softTimeout?: Duration | undefined;
  /** How long to wait in any case; then a stale value or `ERR_TIMEOUT`. The fill goes on. @default no limit */
  readonly hardTimeout?: Duration | undefined;
  /** Names of fields that are taken out, at any depth, of what is stored and of what is handed out. @default none */
  readonly redact?: readonly string[] | undefined;
}

/** Options of `cache.wrap`. */
export interface WrapOptions<T = unknown> extends ValueUse {
  /** Freshness lifetime, or how to tell it from the value; `undefined`: do not keep this one. */
  readonly ttl: Duration | ((value: T) => Duration | undefined);
  /** Groups to invalidate by, or how to tell them from the value. @default none */
  readonly tags?: readonly string[] | ((value: T) => readonly string[]) | undefined;
  /** Fill even if there is a fresh value. @default false */
  readonly force?: boolean | undefined;
  /** Label in figures, logs and events. @default 'data' */
  readonly name?: string | undefined;
}

/** Options of `cache.writeThrough`. */
export interface WriteThroughOptions<T = unknown> {
  /** Freshness lifetime, or how to tell it from the value; `undefined`: do not keep this one. */
  readonly ttl: Duration | ((value: T) => Duration | undefined);
  /** Groups to invalidate the stored value by, or how to tell them from it. @default none */
  readonly tags?: readonly string[] | ((value: T) => readonly string[]) | undefined;
  /**
   * Tags whose entries the write makes unusable, besides the value itself: lists it is in. A value that carries one of
   * them is not kept either. @default none
   */
  readonly invalidates?: readonly string[] | undefined;
  /** Names of fields that are taken out, at any depth, of what is stored and handed out. @default none */
  readonly redact?: readonly string[] | undefined;
}

/** How values of one kind are kept: options, checked. */
export interface ValuePolicy {
  /** Lifetime in milliseconds; `undefined`: not to be kept. */
  readonly ttlMs: (value: unknown) => number | undefined;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  readonly refreshAhead: number | undefined;
  readonly softTimeoutMs: number | undefined;
  readonly hardTimeoutMs: number | undefined;
  readonly redact: Redactor | undefined;
  readonly groups: readonly string[];
  readonly lateGroups: ((value: unknown) => readonly string[]) | undefined;
  readonly force: boolean;
  readonly name: string;
}

/** The names of {@link ValueUse}. */
export const VALUE_USE_KEYS = [
  'negativeTtl',
  'staleWhileRevalidate',
  'staleIfError',
  'refreshAhead',
  'softTimeout',
  'hardTimeout',
  'redact',
] as const;
const WRAP_KEYS = ['ttl', 'tags', 'force', 'name', ...VALUE_USE_KEYS];

/** {@link WrapOptions}, checked. @throws WarmpathError `ERR_OPTION`, `ERR_UNKNOWN_OPTION` */
export function resolveWrapOptions<T>(options: WrapOptions<T> = {} as WrapOptions<T>): ValuePolicy {
  checkKnownKeys('wrap', options, WRAP_KEYS);
  const { ttl, tags = [], force = false, name = 'data' } = options;
  return {
    ...resolveValueUse('wrap', options),
    ttlMs: lifetimes('wrap', ttl as WrapOptions['ttl'], options.negativeTtl),
    groups: typeof tags === 'function' ? [] : tagGroups('wrap', tags),
    lateGroups: typeof tags === 'function' ? (value) => tagGroups('wrap', tags(value as T)) : undefined,
    force: booleanOption('wrap.force', force),
    name: textOption('wrap.name', name),
  };
}

/**
 * {@link SetOptions}, checked; the lifetime in milliseconds. @throws WarmpathError `ERR_OPTION`,
 * `ERR_UNKNOWN_OPTION`
 */
export function resolveSetOptions(options: SetOptions = {} as SetOptions): {
  readonly ttlMs: number;
  readonly groups: readonly string[];
} {
  checkKnownKeys('set', options, ['ttl', 'tags']);
  return { ttlMs: positiveDurationMs('set.ttl', options.ttl), groups: tagGroups('set', options.tags ?? []) };
}

/** {@link WriteThroughOptions}, checked. */
export interface WriteThroughConfig {
  readonly ttlMs: (value: unknown) => number | undefined;
  /** Groups known before the write. */
  readonly groups: readonly string[];
  readonly lateGroups: (value: unknown) => readonly string[];
  readonly invalidates: readonly string[];
  readonly redact: Redactor | undefined;
}

/** {@link WriteThroughOptions}, checked. @throws WarmpathError `ERR_OPTION`, `ERR_UNKNOWN_OPTION` */
export function resolveWriteThroughOptions<T>(
  options: WriteThroughOptions<T> = {} as WriteThroughOptions<T>,
): WriteThroughConfig {
  checkKnownKeys('writeThrough', options, ['ttl', 'tags', 'invalidates', 'redact']);
  const { ttl, tags = [], invalidates = [], redact = [] } = options;
  const fixed = typeof tags === 'function' ? [] : tagGroups('writeThrough', tags);
  return {
    ttlMs: lifetimes('writeThrough', ttl as WrapOptions['ttl'], undefined),
    groups: fixed,
    lateGroups: typeof tags === 'function' ? (value) => tagGroups('writeThrough', tags(value as T)) : () => [],
    invalidates: tagGroups('writeThrough', invalidates),
    redact: redactor('writeThrough.redact', redact),
  };
}

/** The parts of a policy that do not depend on who asks. */
export function resolveValueUse(
  owner: string,
  options: ValueUse,
): Omit<ValuePolicy, 'ttlMs' | 'groups' | 'lateGroups' | 'force' | 'name'> {
  const { staleWhileRevalidate = 0, staleIfError = 0, refreshAhead, softTimeout, hardTimeout, redact = [] } = options;
  const limit = (option: string, value: Duration | undefined): number | undefined =>
    value === undefined ? undefined : positiveDurationMs(`${owner}.${option}`, value);
  return {
    staleWhileRevalidateMs: durationMs(`${owner}.staleWhileRevalidate`, staleWhileRevalidate),
    staleIfErrorMs: durationMs(`${owner}.staleIfError`, staleIfError),
    refreshAhead: refreshAhead === undefined ? undefined : numberBetween(`${owner}.refreshAhead`, refreshAhead, 0, 1),
    softTimeoutMs: limit('softTimeout', softTimeout),
    hardTimeoutMs: limit('hardTimeout', hardTimeout),
    redact: redactor(`${owner}.redact`, redact),
  };
}

/**
 * The lifetime of a value by the options. `undefined` has none of its own, so it is kept only where a lifetime for
 * negative results is given.
 */
export function lifetimes(
  owner: string,
  ttl: Duration | ((value: unknown) => Duration | undefined),
  negativeTtl: Duration | undefined,
): (value: unknown) => number | undefined {
  const negativeMs = negativeTtl === undefined ? undefined : positiveDurationMs(`${owner}.negativeTtl`, negativeTtl);
  const ofValue = typeof ttl === 'function' ? toldLifetime(owner, ttl) : fixedLifetime(owner, ttl);
  return (value) => {
    if (value === undefined) return negativeMs;
    return value === null && negativeMs !== undefined ? negativeMs : ofValue(value);
  };
}

function fixedLifetime(owner: string, ttl: Duration): () => number {
  const ms = positiveDurationMs(`${owner}.ttl`, ttl);
  return () => ms;
}

function toldLifetime(
  owner: string,
  ttl: (value: unknown) => Duration | undefined,
): (value: unknown) => number | undefined {
  functionOption(`${owner}.ttl`, ttl);
  return (value) => {
    const told = ttl(value);
    const ms = told === undefined ? 0 : durationMs(`${owner}.ttl`, told);
    return ms === 0 ? undefined : ms;
  };
}

/** The groups of a list of tags. Throws `ERR_TARGET` for what is no tag. */
export function tagGroups(owner: string, tags: unknown): readonly string[] {
  if (Array.isArray(tags)) return [...new Set(tags.map(tagGroup))];
  throw new WarmpathError('ERR_TARGET', `${owner}.tags: expected an array of tags`);
}
