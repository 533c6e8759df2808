import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Request } from 'express';
import { pathGroup } from '../cache/group-names.js';
import { fieldValue, type HeaderFields } from '../cache/http/header-fields.js';
import { sessionLikeCookie } from '../cache/http/identity-cookies.js';
import { urlKey } from '../cache/http/url-key.js';
import { hasOriginPreconditions } from '../cache/http/validators.js';
import { secondaryKey } from '../cache/http/vary.js';
import type { RequestKey } from '../cache/resource-lookup.js';
import type { ResponseCacheConfig } from './response-cache-options.js';

/** A request as the cache sees it. */
export interface RequestView extends RequestKey {
  readonly isHead: boolean;
  readonly hasRange: boolean;
  readonly identity: string | undefined;
  readonly isAuthorized: boolean;
  /** The target a filling handler is to see, when it differs from what was sent. */
  readonly strippedUrl: string | undefined;
  readonly path: string;
}

/** Why a request is left to the handler alone. A closed set: it is shown in `Cache-Status` and in metrics. */
export type BypassReason =
  | 'disabled'
  | 'method'
  | 'nested'
  | 'body'
  | 'override'
  | 'upgrade'
  | 'skip'
  | 'authorization'
  | 'cookie'
  | 'identity'
  | 'precondition'
  | 'request'
  | 'range'
  | 'head'
  | 'only-if-cached'
  | 'uncacheable';

// Frameworks let these change what a request means, so an answer to them is not an answer to the URL. One by one: looked up
// by a name that varies, each would cost as much as all of them do now.
function isOverridden(headers: Request['headers']): boolean {
  return (
    headers['x-http-method-override'] !== undefined ||
    headers['x-http-method'] !== undefined ||
    headers['x-method-override'] !== undefined ||
    headers['x-original-url'] !== undefined ||
    headers['x-rewrite-url'] !== undefined
  );
}

/** Why a GET or HEAD is not for the cache, or `undefined`. Identity is judged by {@link requestView}. */
export function bypassReason(req: Request, config: ResponseCacheConfig): BypassReason | undefined {
  const { headers } = req;
  if (
    headers['transfer-encoding'] !== undefined ||
    (headers['content-length'] !== undefined && headers['content-length'] !== '0')
  )
    return 'body';
  if (headers.upgrade !== undefined) return 'upgrade';
  if (isOverridden(headers)) return 'override';
  if (config.identity === undefined && !config.ignoresCredentials) {
    if (headers.authorization !== undefined && !config.sharesAuthorized) return 'authorization';
    if (headers.cookie !== undefined && sessionLikeCookie(headers.cookie)) return 'cookie';
  }
  // Conditions on the state of the origin, which a cache cannot judge (RFC 9111 §4.3.2).
  if (hasOriginPreconditions(headers)) return 'precondition';
  return config.skip?.(req) ? 'skip' : undefined;
}

/** Everything the cache needs to know of a request. `identity` is what the route's `identity` option made of it. */
export function requestView(req: Request, config: ResponseCacheConfig, identity: string | undefined): RequestView {
  const headers: HeaderFields = req.headers;
  const url = urlKey(hostOf(req), req.originalUrl, config.query);
  const path = url.path;
  const text = keyText(req, config, identity, config.key === undefined ? url.key : customKey(req, config.key));
  const tags = config.tags.groupsOf(req);
  return {
    text,
    label: url.search === '' ? path : path + url.search,
    groups: tags.length === 0 ? [pathGroup(path)] : [pathGroup(path), ...tags],
    headers,
    isHead: req.method === 'HEAD',
    hasRange: headers.range !== undefined,
    identity,
    isAuthorized: headers.authorization !== undefined,
    strippedUrl: url.strippedUrl,
    path,
  };
}

// Each part states its length or comes last, so no value can imitate another. The letter tells the kinds of keys apart.
function keyText(req: IncomingMessage, config: ResponseCacheConfig, identity: string | undefined, url: string): string {
  const scheme = (req.socket as Partial<TLSSocket>).encrypted === true ? 's' : '';
  if (identity === undefined && config.vary.length === 0) return `r${scheme}:${url}`;
  const fields = config.vary.length === 0 ? '' : secondaryKey(config.vary, req.headers);
  const who = identity === undefined ? '' : `i${identity.length}:${identity}`;
  return `q${scheme}:${who}v${fields.length}:${fields}${url}`;
}

function customKey(req: Request, key: (req: Request) => string): string {
  const custom = String(key(req));
  const host = hostOf(req);
  return `k${host.length}:${host}${custom}`;
}

function hostOf(req: IncomingMessage): string {
  return fieldValue(req.headers, 'host') ?? '';
}
