import type { Duration } from '../common/duration.js';
import { optionError, WarmpathError } from '../common/errors.js';
import { checkKnownKeys, functionOption } from '../common/options.js';
import { argumentKey, isKeyName, KEY_NAME_RULE } from './argument-key.js';
import type { CacheCore } from './cache-core.js';
import type { DataCache } from './data-cache.js';
import { warnOnce } from './value-fill.js';
import {
  lifetimes,
  resolveValueUse,
  tagGroups,
  VALUE_USE_KEYS,
  type ValuePolicy,
  type ValueUse,
} from './value-options.js';

/** Options of `cache.cached`. */
export interface CachedOptions<A extends readonly unknown[] = readonly unknown[], R = unknown> extends ValueUse {
  /** Begins every key, and is the label in figures and logs. @default the name of the function */
  readonly name?: string | undefined;
  /** Freshness lifetime, or how to tell it from the result; `undefined`: do not keep this one. */
  readonly ttl: Duration | ((result: R, ...args: A) => Duration | undefined);
  /** What of the arguments makes the key; `undefined`: this call is not cached. @default all arguments */
  readonly key?: ((...args: A) => unknown) | undefined;
  /** Groups to invalidate by, or how to tell them from the arguments. @default none */
  readonly tags?: readonly string[] | ((...args: A) => readonly string[]) | undefined;
  /** Further groups, known from the result only. @default none */
  readonly resultTags?: ((result: R, ...args: A) => readonly string[]) | undefined;
}

/** A function whose results are kept. Called like the one it was made from. */
export interface CachedFunction<A extends readonly unknown[], R> {
  (...args: A): Promise<R>;
  /** What is kept for these arguments is unusable, everywhere, from the moment this resolves. */
  invalidate(...args: A): Promise<void>;
  /** Calls the function whatever is kept, keeps the new result and resolves to it. */
  refresh(...args: A): Promise<R>;
  /** The key these arguments have; `undefined` where the call is not cached. Throws `ERR_KEY` for arguments that have none. */
  keyOf(...args: A): string | undefined;
}

/** The same type, from which nothing is inferred: the function alone says what its arguments and its result are. */
export type AsGiven<T> = [T][T extends unknown ? 0 : never];

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** {@link CachedOptions}, checked. */
interface CachedConfig {
  readonly fn: AnyFunction;
  readonly name: string;
  readonly policy: Omit<ValuePolicy, 'ttlMs' | 'groups' | 'lateGroups' | 'force'>;
  readonly ttlMs: (args: readonly unknown[]) => ValuePolicy['ttlMs'];
  readonly key: ((...args: readonly unknown[]) => unknown) | undefined;
  readonly tags: (args: readonly unknown[]) => readonly string[];
  readonly resultTags: CachedOptions['resultTags'];
}

const KEYS = ['name', 'ttl', 'key', 'tags', 'resultTags', ...VALUE_USE_KEYS];

/**
 * {@link CachedOptions}, checked, for the function they are for. @throws WarmpathError `ERR_OPTION`,
 * `ERR_UNKNOWN_OPTION`
 */
export function resolveCachedOptions(fn: unknown, options: CachedOptions = {} as CachedOptions): CachedConfig {
  checkKnownKeys('cached', options, KEYS);
  const given = functionOption<AnyFunction>('cached.fn', fn);
  const { name = given.name, ttl, negativeTtl, key, tags = [], resultTags } = options;
  if (!isKeyName(name)) {
    throw optionError('cached.name', `${KEY_NAME_RULE} (a function without a name needs one)`, name);
  }
  const fixedTtl = lifetimes('cached', typeof ttl === 'function' ? () => undefined : ttl, negativeTtl);
  const fixed = typeof tags === 'function' ? [] : tagGroups('cached', tags);
  return {
    fn: given,
    name,
    policy: { ...resolveValueUse('cached', options), name },
    ttlMs:
      typeof ttl === 'function'
        ? (args) => lifetimes('cached', (value) => ttl(value, ...args), negativeTtl)
        : () => fixedTtl,
    key: key === undefined ? undefined : functionOption('cached.key', key),
    tags: typeof tags === 'function' ? (args) => tagGroups('cached', tags(...args)) : () => fixed,
    resultTags: resultTags === undefined ? undefined : functionOption('cached.resultTags', resultTags),
  };
}

/** Wraps a function. `this` is passed on; what of it the result depends on must be in the key. */
export function cachedFunction(
  core: CacheCore,
  data: DataCache,
  config: CachedConfig,
): CachedFunction<unknown[], unknown> {
  const keyOf = (...args: unknown[]): string | undefined => keyFor(config, args);
  const call = (self: unknown, args: unknown[], force: boolean): Promise<unknown> | unknown => {
    const key = keyOf(...args);
    const policy = key === undefined ? undefined : policyFor(core, config, args, force);
    const fill = (): unknown => config.fn.apply(self, args);
    return key === undefined || policy === undefined ? fill() : data.wrap(key, fill, policy);
  };
  async function cached(this: unknown, ...args: unknown[]): Promise<unknown> {
    return call(this, args, false);
  }
  Object.defineProperty(cached, 'name', { value: config.name });
  return Object.assign(cached, {
    keyOf,
    async refresh(this: unknown, ...args: unknown[]): Promise<unknown> {
      return call(this === cached ? undefined : this, args, true);
    },
    async invalidate(...args: unknown[]): Promise<void> {
      const key = keyOf(...args);
      if (key !== undefined) await data.delete([key]);
    },
  });
}

function keyFor({ name, key }: CachedConfig, args: readonly unknown[]): string | undefined {
  if (key === undefined) return argumentKey(name, args);
  const part = key(...args);
  // What stands for "nobody" or "unknown" must not become a key that many share.
  const isNothing = part === undefined || part === '' || (typeof part === 'number' && Number.isNaN(part));
  return isNothing ? undefined : argumentKey(name, [part]);
}

function policyFor(
  core: CacheCore,
  config: CachedConfig,
  args: readonly unknown[],
  force: boolean,
): ValuePolicy | undefined {
  const { resultTags, policy, name } = config;
  try {
    return {
      ...policy,
      ttlMs: config.ttlMs(args),
      groups: config.tags(args),
      lateGroups:
        resultTags === undefined ? undefined : (value) => tagGroups('cached.resultTags', resultTags(value, ...args)),
      force,
    };
  } catch (error) {
    // Tags that are none would make a value that no invalidation reaches: it is not kept, and the call goes on.
    warnOnce(core, name, error);
    return undefined;
  }
}

interface Claim {
  readonly fn: unknown;
  readonly isExplicit: boolean;
}

const claims = new WeakMap<CacheCore, Map<string, Claim>>();
const MAX_CLAIMS = 10_000;

/** Throws `ERR_OPTION` when two functions would share a name, and so their results, without having been told to. */
export function claimName(core: CacheCore, name: string, fn: unknown, isExplicit: boolean): void {
  const names = claims.get(core) ?? new Map<string, Claim>();
  claims.set(core, names);
  const first = names.get(name);
  if (first === undefined && names.size < MAX_CLAIMS) names.set(name, { fn, isExplicit });
  if (first === undefined || first.fn === fn || (first.isExplicit && isExplicit)) return;
  throw new WarmpathError(
    'ERR_OPTION',
    `cached.name: two functions of this cache are called '${name}'; give each a \`name\` of its own`,
  );
}
