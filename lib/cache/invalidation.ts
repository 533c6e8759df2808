import { WarmpathError } from '../common/errors.js';
import { checkKnownKeys } from '../common/options.js';
import type { Acknowledgement, InvalidationOrder } from '../store/entry-store.js';
import type { CacheCore } from './cache-core.js';
import { groupLabel, keyGroup, pathGroup, tagGroup } from './group-names.js';

/** What to invalidate. At least one list must have a member: nothing ever stands for "everything". */
export interface InvalidationTarget {
  readonly tags?: readonly string[] | undefined;
  /** Paths, or whole URLs of which the path counts: every host, query and variant of it. */
  readonly urls?: readonly string[] | undefined;
  /** Keys of the data cache. */
  readonly keys?: readonly string[] | undefined;
  /** Everything whose path or key starts with this text, literally. */
  readonly prefix?: string | undefined;
}

type Kind = 'tags' | 'urls' | 'keys' | 'prefix' | 'all';

/** The order a target stands for. Throws `ERR_TARGET` for one that names nothing. */
export function orderOf(target: InvalidationTarget, soft: boolean): InvalidationOrder {
  checkKnownKeys('invalidate', target, ['tags', 'urls', 'keys', 'prefix']);
  const { tags, urls, keys, prefix } = target;
  const groups = [
    ...texts('tags', tags).map(tagGroup),
    ...texts('urls', urls).map(urlGroup),
    ...texts('keys', keys).map(keyGroup),
  ];
  const prefixes = prefix === undefined ? [] : [literalPrefix(prefix)];
  if (groups.length === 0 && prefixes.length === 0) {
    throw new WarmpathError(
      'ERR_TARGET',
      'invalidate: name at least one tag, url or key, or a prefix. To empty the cache call clear().',
    );
  }
  return { groups, prefixes, everything: false, soft };
}

/** Carries out an order, and tells of it. */
export async function invalidate(core: CacheCore, order: InvalidationOrder, kind: Kind): Promise<Acknowledgement> {
  const acknowledged = await core.store.invalidate(order);
  const targets = [...order.groups.map(groupLabel), ...order.prefixes].slice(0, 20).map((text) => text.slice(0, 200));
  core.events.emit({ type: 'invalidation', kind, soft: order.soft, targets, acknowledged });
  return acknowledged;
}

/** Invalidates groups by their full names. */
export async function invalidateGroups(
  core: CacheCore,
  kind: Kind,
  groups: readonly string[],
  soft: boolean,
): Promise<void> {
  if (groups.length > 0) await invalidate(core, { groups, prefixes: [], everything: false, soft }, kind);
}

/** Which kind of target an order came from, for counting. */
export function kindOf(target: InvalidationTarget): Kind {
  if (target.prefix !== undefined) return 'prefix';
  if (target.tags !== undefined) return 'tags';
  return target.urls === undefined ? 'keys' : 'urls';
}

/** The path group of a URL or path. */
export function urlGroup(url: string): string {
  const path = /^https?:\/\//i.test(url) ? pathOf(url) : url.split(/[?#]/, 1)[0];
  if (path === undefined || !path.startsWith('/')) {
    throw new WarmpathError('ERR_TARGET', `invalidate.urls: expected a path such as '/movies/7' or a whole URL`);
  }
  return pathGroup(path);
}

function pathOf(url: string): string | undefined {
  try {
    return new URL(url).pathname;
  } catch {
    return undefined;
  }
}

function texts(option: string, value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.length > 0 && value.every((text) => typeof text === 'string' && text !== ''))
    return value;
  throw new WarmpathError('ERR_TARGET', `invalidate.${option}: expected a list of texts that is not empty`);
}

const MAX_PREFIX_CHARACTERS = 1024;

function literalPrefix(prefix: unknown): string {
  if (typeof prefix === 'string' && prefix !== '' && prefix.length <= MAX_PREFIX_CHARACTERS) return prefix;
  throw new WarmpathError(
    'ERR_TARGET',
    `invalidate.prefix: expected a text of 1 to ${MAX_PREFIX_CHARACTERS} characters`,
  );
}
