import type { Request, Response } from 'express';
import { type QueryOptions, type QueryPolicy, resolveQueryPolicy } from '../cache/http/query-policy.js';
import { DEFAULT_TTL_STATUSES } from '../cache/http/statuses.js';
import { type Redactor, redactor } from '../cache/redact.js';
import { type Duration, durationMs, positiveDurationMs } from '../common/duration.js';
import { optionError } from '../common/errors.js';
import {
  booleanOption,
  checkKnownKeys,
  functionOption,
  numberBetween,
  oneOf,
  textList,
  textOption,
} from '../common/options.js';
import { type GroupTemplates, groupTemplates } from './group-templates.js';

/** What to do when a handler reads an input that the key does not cover. */
export type ObserveMode = 'vary' | 'refuse' | 'off';

/** Options of `responseCache`. */
export interface ResponseCacheOptions {
  /** Label in metrics and in `cache.stats()`. @default the matched route pattern */
  readonly name?: string | undefined;
  /** Freshness lifetime in this cache. @default the response's own fields decide; without an explicit lifetime nothing is stored */
  readonly ttl?: Duration | ((req: Request, res: Response) => Duration | undefined) | undefined;
  /** How long a stale answer may be served while it is refreshed (RFC 5861 §3). @default from the response, else none */
  readonly staleWhileRevalidate?: Duration | undefined;
  /** How long a stale answer may stand in for a failing handler (RFC 5861 §4). @default from the response, else none */
  readonly staleIfError?: Duration | undefined;
  /** A hit this far into its lifetime (a share: 0.8 is the last fifth) refreshes the entry in the background. @default never */
  readonly refreshAhead?: number | undefined;
  /** Groups to invalidate by; `{param}` stands for `req.params.param`. @default none */
  readonly tags?: readonly string[] | ((req: Request, res: Response) => readonly string[]) | undefined;
  /** Replaces the URL part of the key. @default the URL without ignored query parameters */
  readonly key?: ((req: Request) => string) | undefined;
  /** Which query parameters are part of the key; the others are not visible to the handler. @default tracking names are ignored */
  readonly query?: QueryOptions | undefined;
  /** Request fields that are always part of the key. @default none */
  readonly vary?: readonly string[] | undefined;
  /** One private entry per identity; `undefined` means that the request is not cached. @default none */
  readonly identity?: ((req: Request) => string | undefined) | undefined;
  /** `true` leaves a request alone. */
  readonly skip?: ((req: Request) => boolean) | undefined;
  /** `false` keeps a response from being stored. */
  readonly shouldStore?: ((req: Request, res: Response) => boolean) | undefined;
  /** Names of fields that are taken out, at any depth, of JSON answers before they are stored, besides the cache's. @default none */
  readonly redact?: readonly string[] | undefined;
  /** Statuses an explicit `ttl` applies to. @default [200, 203, 301, 308] */
  readonly statuses?: readonly number[] | undefined;
  /** `'honor'` obeys the client's `Cache-Control` and `Pragma`. @default 'ignore' */
  readonly requestDirectives?: 'ignore' | 'honor' | undefined;
  /** Guess a lifetime from `Last-Modified` where none is given (RFC 9111 §4.2.2). @default false */
  readonly heuristicFreshness?: boolean | undefined;
  /** Field that carries `hit`, `miss`, `stale` or `bypass`; `false` turns it off. @default 'X-Cache' */
  readonly statusHeader?: string | false | undefined;
  /** What to do when the handler reads an input that the key does not cover. @default 'vary' */
  readonly observe?:
    | ObserveMode
    | { readonly mode?: ObserveMode | undefined; readonly ignore?: readonly string[] | undefined }
    | undefined;
  /**
   * Requests with `Authorization` or a session-like cookie: `'bypass'` keeps them out of the shared space; `'ignore'`
   * says that the answer does not depend on who asks. With `Authorization`, RFC 9111 §3.5 still asks for a response with
   * `public`, `s-maxage` or `must-revalidate`; `observe: 'off'` lets such responses be shared as well.
   * @default 'bypass'
   */
  readonly credentials?: 'bypass' | 'ignore' | undefined;
  /** Answer before Express runs, when the app is served by `createServer`. @default false */
  readonly fastLane?: boolean | undefined;
  /** Send the tags on to caches downstream as `Cache-Groups` (RFC 9875). @default false */
  readonly groups?: boolean | undefined;
  /** How long a request waits for another's fill. @default the cache's */
  readonly waitLimit?: Duration | undefined;
  /** How long a fill may hold its key. @default the cache's */
  readonly lease?: Duration | undefined;
}

/** {@link ResponseCacheOptions}, checked, with every default in place. */
export interface ResponseCacheConfig {
  readonly name: string | undefined;
  readonly ttlMs: ((req: Request, res: Response) => number | undefined) | undefined;
  readonly staleWhileRevalidateMs: number | undefined;
  readonly staleIfErrorMs: number | undefined;
  readonly refreshAhead: number | undefined;
  /** Tags known before the handler runs. */
  readonly tags: GroupTemplates;
  /** Tags known only with the response. */
  readonly lateTags: ((req: Request, res: Response) => readonly string[]) | undefined;
  readonly key: ((req: Request) => string) | undefined;
  readonly query: QueryPolicy;
  readonly vary: readonly string[];
  readonly identity: ((req: Request) => unknown) | undefined;
  readonly skip: ((req: Request) => boolean) | undefined;
  readonly shouldStore: ((req: Request, res: Response) => boolean) | undefined;
  readonly redact: Redactor | undefined;
  readonly statuses: readonly number[];
  readonly honorsRequest: boolean;
  readonly heuristicFreshness: boolean;
  readonly statusHeader: string | undefined;
  readonly observe: ObserveMode;
  readonly observeIgnore: ReadonlySet<string>;
  readonly ignoresCredentials: boolean;
  /** Requests with `Authorization` take part as far as RFC 9111 §3.5 lets them. */
  readonly sharesAuthorized: boolean;
  readonly fastLane: boolean;
  readonly groups: boolean;
  readonly waitLimitMs: number | undefined;
  readonly leaseMs: number | undefined;
}

const KEYS = [
  'name',
  'ttl',
  'staleWhileRevalidate',
  'staleIfError',
  'refreshAhead',
  'tags',
  'key',
  'query',
  'vary',
  'identity',
  'skip',
  'shouldStore',
  'redact',
  'statuses',
  'requestDirectives',
  'heuristicFreshness',
  'statusHeader',
  'observe',
  'credentials',
  'fastLane',
  'groups',
  'waitLimit',
  'lease',
];

/**
 * {@link ResponseCacheOptions}, checked, with every default filled in. @throws WarmpathError `ERR_OPTION`,
 * `ERR_UNKNOWN_OPTION`, `ERR_PARAM`
 */
export function resolveResponseCacheOptions(options: ResponseCacheOptions = {}): ResponseCacheConfig {
  checkKnownKeys('responseCache', options, KEYS);
  const { tags = [], vary = [], statuses = DEFAULT_TTL_STATUSES, statusHeader = 'X-Cache', query = {} } = options;
  const {
    requestDirectives = 'ignore',
    heuristicFreshness = false,
    credentials = 'bypass',
    fastLane = false,
    groups = false,
  } = options;
  const { mode, ignore } = observation(options.observe);
  return Object.freeze({
    name: optional(options.name, (name) => textOption('responseCache.name', name)),
    ttlMs: ttlOf(options.ttl),
    staleWhileRevalidateMs: optional(options.staleWhileRevalidate, (value) =>
      durationMs('responseCache.staleWhileRevalidate', value),
    ),
    staleIfErrorMs: optional(options.staleIfError, (value) => durationMs('responseCache.staleIfError', value)),
    refreshAhead: optional(options.refreshAhead, (share) => numberBetween('responseCache.refreshAhead', share, 0, 1)),
    tags: groupTemplates('responseCache.tags', typeof tags === 'function' ? [] : tags),
    lateTags: typeof tags === 'function' ? tags : undefined,
    key: optional(options.key, (key) => functionOption<(req: Request) => string>('responseCache.key', key)),
    query: resolveQueryPolicy('responseCache.query', query),
    vary: textList('responseCache.vary', vary)
      .map((name) => name.toLowerCase())
      .sort(),
    identity: optional(options.identity, (identity) =>
      functionOption<(req: Request) => unknown>('responseCache.identity', identity),
    ),
    skip: optional(options.skip, (skip) => functionOption<(req: Request) => boolean>('responseCache.skip', skip)),
    shouldStore: optional(options.shouldStore, (should) =>
      functionOption<(req: Request, res: Response) => boolean>('responseCache.shouldStore', should),
    ),
    redact: redactor('responseCache.redact', options.redact ?? []),
    statuses: statusList(statuses),
    honorsRequest: oneOf('responseCache.requestDirectives', requestDirectives, ['ignore', 'honor']) === 'honor',
    heuristicFreshness: booleanOption('responseCache.heuristicFreshness', heuristicFreshness),
    statusHeader: statusHeader === false ? undefined : fieldName('responseCache.statusHeader', statusHeader),
    observe: mode,
    observeIgnore: new Set(ignore.map((name) => name.toLowerCase())),
    ignoresCredentials: oneOf('responseCache.credentials', credentials, ['bypass', 'ignore']) === 'ignore',
    // A route that is not watched vouches for its inputs itself.
    sharesAuthorized: credentials === 'ignore' || mode === 'off',
    fastLane: booleanOption('responseCache.fastLane', fastLane),
    groups: booleanOption('responseCache.groups', groups),
    waitLimitMs: optional(options.waitLimit, (value) => durationMs('responseCache.waitLimit', value)),
    leaseMs: optional(options.lease, (value) => positiveDurationMs('responseCache.lease', value)),
  });
}

function optional<T, U>(value: T | undefined, resolve: (value: T) => U): U | undefined {
  return value === undefined ? undefined : resolve(value);
}

function ttlOf(ttl: ResponseCacheOptions['ttl']): ResponseCacheConfig['ttlMs'] {
  if (ttl === undefined) return undefined;
  if (typeof ttl !== 'function') {
    const ms = durationMs('responseCache.ttl', ttl);
    return () => ms;
  }
  return (req, res) => optional(ttl(req, res), (value) => durationMs('responseCache.ttl', value));
}

function observation(observe: ResponseCacheOptions['observe']): {
  readonly mode: ObserveMode;
  readonly ignore: readonly string[];
} {
  const given = typeof observe === 'object' ? observe : { mode: observe };
  checkKnownKeys('responseCache.observe', given, ['mode', 'ignore']);
  return {
    mode: oneOf('responseCache.observe', given.mode ?? 'vary', ['vary', 'refuse', 'off']),
    ignore: textList('responseCache.observe.ignore', 'ignore' in given ? (given.ignore ?? []) : []),
  };
}

function statusList(value: unknown): readonly number[] {
  const fits =
    Array.isArray(value) && value.every((status) => Number.isInteger(status) && status >= 200 && status <= 599);
  if (fits) return [...(value as number[])];
  throw optionError('responseCache.statuses', 'an array of statuses from 200 to 599', value);
}

function fieldName(option: string, value: unknown): string {
  if (typeof value === 'string' && /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(value)) return value;
  throw optionError(option, 'a header field name, or false', value);
}
