import type { Request } from 'express';
import { isToken } from '../cache/http/header-fields.js';
import { optionError, WarmpathError } from '../common/errors.js';
import { booleanOption, checkKnownKeys, textList } from '../common/options.js';
import {
  type CacheDirectives,
  DIRECTIVE_KEYS,
  type DirectiveList,
  directivesText,
  resolveDirectives,
  resolveTargetedDirectives,
} from './cache-headers-directives.js';
import type { EntityTagMode } from './cache-headers-entity-tag.js';
import { type GroupTemplates, groupTemplates } from './group-templates.js';

/** Options of `cacheHeaders`: the directives of `Cache-Control`, and what goes along with it. */
export interface CacheHeadersOptions extends CacheDirectives {
  /** Request fields the response depends on, merged into `Vary`. @default none */
  readonly vary?: string | readonly string[] | undefined;
  /** Directives for CDNs and this package's own cache, which then ignore `Cache-Control`: `CDN-Cache-Control` (RFC 9213). @default none */
  readonly cdn?: CacheDirectives | undefined;
  /** Entity tag of bodies sent in one piece; `false` takes Express' away. @default Express' own: weak, by its `etag` setting */
  readonly etag?: 'weak' | 'strong' | false | undefined;
  /** Tags for the CDN, `{param}` from the route; those of `addTags()` are added. Sent only when one of the next two says so. @default none */
  readonly tags?: readonly string[] | undefined;
  /** Send the tags as `Surrogate-Key`. @default false */
  readonly surrogateKey?: boolean | undefined;
  /** Send the tags as `Cache-Tag`. @default false */
  readonly cacheTag?: boolean | undefined;
}

/** {@link CacheHeadersOptions}, checked, as texts ready to be sent. */
export interface CacheHeadersPlan {
  /** Value of `Cache-Control`; empty = not written. */
  readonly cacheControl: string;
  /** The same without what invites shared caches, for a response that sets a cookie. */
  readonly cacheControlPrivate: string;
  /** Value of `CDN-Cache-Control`. */
  readonly cdn: string | undefined;
  /** Forbids rather than allows (`no-store`, `private`): true of every response, not only of those worth keeping. */
  readonly restricts: boolean;
  readonly vary: readonly string[];
  readonly etag: EntityTagMode;
  readonly tags: GroupTemplates;
  readonly tagFields: readonly ('Surrogate-Key' | 'Cache-Tag')[];
}

const KEYS = [...DIRECTIVE_KEYS, 'vary', 'cdn', 'etag', 'tags', 'surrogateKey', 'cacheTag'];

/** Checks the options of `cacheHeaders`; `owner` names them in errors. */
export function resolveCacheHeadersOptions(owner: string, options: CacheHeadersOptions = {}): CacheHeadersPlan {
  checkKnownKeys(owner, options, KEYS);
  const { vary = [], cdn, etag, tags = [], surrogateKey = false, cacheTag = false } = options;
  const directives = resolveDirectives(owner, options);
  const plan: CacheHeadersPlan = {
    cacheControl: directivesText(directives),
    cacheControlPrivate: directivesText(withoutSharing(directives)),
    cdn: cdn === undefined ? undefined : directivesText(resolveTargetedDirectives(`${owner}.cdn`, cdn)),
    restricts: directives.some(([name]) => name === 'no-store' || name === 'private'),
    vary: varyNames(`${owner}.vary`, vary),
    etag: entityTagMode(`${owner}.etag`, etag),
    tags: groupTemplates(`${owner}.tags`, tags),
    tagFields: [
      ...(booleanOption(`${owner}.surrogateKey`, surrogateKey) ? (['Surrogate-Key'] as const) : []),
      ...(booleanOption(`${owner}.cacheTag`, cacheTag) ? (['Cache-Tag'] as const) : []),
    ],
  };
  if (tags.length > 0 && plan.tagFields.length === 0) {
    throw new WarmpathError(
      'ERR_OPTION',
      `${owner}.tags: say 'surrogateKey: true' or 'cacheTag: true' for the field to send them in`,
    );
  }
  return Object.freeze(plan);
}

/** Names of the tags that go to the CDN for this request, in the form its fields can hold. */
export function tagNames(plan: CacheHeadersPlan, req: Pick<Request, 'params'>): readonly string[] {
  return plan.tagFields.length === 0 ? [] : plan.tags.namesOf(req);
}

const SHARING = new Set(['public', 'private', 's-maxage']);

function withoutSharing(directives: DirectiveList): DirectiveList {
  if (directives.length === 0) return directives;
  return [['private', undefined], ...directives.filter(([name]) => !SHARING.has(name))];
}

function varyNames(option: string, value: unknown): readonly string[] {
  const names = typeof value === 'string' ? value.split(',').map((name) => name.trim()) : textList(option, value);
  if (names.every(isToken) && !names.includes('*')) return names;
  throw optionError(option, "header field names, such as 'Accept-Language'", value);
}

function entityTagMode(option: string, value: unknown): EntityTagMode {
  if (value === undefined || value === 'weak' || value === 'strong' || value === false) return value;
  throw optionError(option, "'weak', 'strong' or false", value);
}
