import type { Request, Response } from 'express';
import type { CacheCore } from '../cache/cache-core.js';
import { pathGroup, tagGroup } from '../cache/group-names.js';
import { groupInvalidation } from '../cache/http/groups.js';
import { fieldValue, type HeaderFields } from '../cache/http/header-fields.js';
import { resolveQueryPolicy } from '../cache/http/query-policy.js';
import { urlKey } from '../cache/http/url-key.js';
import { invalidateGroups } from '../cache/invalidation.js';
import { holdResponse } from './response-hold.js';

const ALL_PARAMETERS = resolveQueryPolicy('query', { ignore: [] });
const SAFE = new Set(['OPTIONS', 'TRACE', 'GET', 'HEAD', 'QUERY', 'PROPFIND', 'REPORT', 'SEARCH']);

/**
 * RFC 9111 §4.4: a successful unsafe request invalidates its URL, and what `Location` and `Content-Location` name on the
 * same origin; RFC 9875 §3: and the groups its answer names. Done before the client sees the answer.
 */
export function invalidateAfterUnsafe(core: CacheCore, req: Request, res: Response): void {
  if (SAFE.has(req.method) || !core.config.enabled) return;
  // As it was sent, like the paths that entries are grouped by; only references need resolving.
  const target = urlKey('', req.originalUrl, ALL_PARAMETERS).path;
  holdResponse(res, (status) => {
    if (status < 200 || status > 399) return undefined;
    const fields = res.getHeaders() as HeaderFields;
    const references = [fieldValue(fields, 'location'), fieldValue(fields, 'content-location')];
    const others = references.map((reference) => samePath(reference, req)).filter((path) => path !== undefined);
    const groups = [target, ...others].map(pathGroup);
    const named = groupInvalidation(fields).groups.map(tagGroup);
    return invalidateGroups(core, 'urls', [...new Set([...groups, ...named])], false);
  });
}

/** The path of a reference on the same origin; others are none of our business. */
function samePath(reference: string | undefined, req: Request): string | undefined {
  if (reference === undefined) return undefined;
  const host = req.headers.host ?? '';
  try {
    const base = new URL(req.originalUrl, `http://${host || 'localhost'}`);
    const url = new URL(reference, base);
    return url.host === base.host ? url.pathname : undefined;
  } catch {
    return undefined;
  }
}
