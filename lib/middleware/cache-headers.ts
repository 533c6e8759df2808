import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { groupLabel } from '../cache/group-names.js';
import type { HeaderFields } from '../cache/http/header-fields.js';
import { beforeHead } from './cache-headers-at-head.js';
import { settleEntityTag, tagSingleBody } from './cache-headers-entity-tag.js';
import {
  type CacheHeadersOptions,
  type CacheHeadersPlan,
  resolveCacheHeadersOptions,
  tagNames,
} from './cache-headers-options.js';
import { type CacheHeadersRules, PRESETS, resolveCacheHeadersRules } from './cache-headers-rules.js';
import { addedGroups } from './handler-tags.js';
import { laneTrace } from './lane-trace.js';
import { unobserved } from './observed-request.js';

export type { CacheDirectives } from './cache-headers-directives.js';
export type { CacheHeadersOptions } from './cache-headers-options.js';
export type { CacheHeadersPreset, CacheHeadersRules } from './cache-headers-rules.js';

/**
 * Writes the caching fields of a response when its head is written: `Cache-Control`, `CDN-Cache-Control`, `Vary`,
 * `ETag`; answers `304` where the client's condition holds. What the handler set stays; errors are left `no-store`.
 */
export function cacheHeaders(options: CacheHeadersOptions): RequestHandler {
  const plan = resolveCacheHeadersOptions('cacheHeaders', options);
  return function cacheHeadersMiddleware(req: Request, res: Response, next: NextFunction) {
    apply(plan, req, res);
    next();
  };
}

/** For URLs whose bytes never change (a digest in the name): a year, no revalidation. */
cacheHeaders.immutable = (): RequestHandler => cacheHeaders(PRESETS.immutable);

/** For answers nobody may keep. */
cacheHeaders.noStore = (): RequestHandler => cacheHeaders(PRESETS['no-store']);

/** For answers only their reader's browser may keep, and must ask about before each use. */
cacheHeaders.privateOnly = (): RequestHandler => cacheHeaders(PRESETS.private);

/** One table for a whole app: literal path prefixes, the longest that matches decides. */
cacheHeaders.rules = (rules: CacheHeadersRules): RequestHandler => {
  const planFor = resolveCacheHeadersRules(rules);
  return function cacheHeadersRules(req: Request, res: Response, next: NextFunction) {
    const plan = planFor(req.path);
    if (plan) apply(plan, req, res);
    next();
  };
};

function apply(plan: CacheHeadersPlan, req: Request, res: Response): void {
  const trace = laneTrace(req);
  if (trace === undefined) install(plan, req, res);
  else trace.replaces(res, () => unobserved(req, () => install(plan, req, res)));
}

function install(plan: CacheHeadersPlan, req: Request, res: Response): void {
  const names = tagNames(plan, req);
  const isSafe = req.method === 'GET' || req.method === 'HEAD';
  beforeHead(res, isSafe ? conditionsOf(req) : undefined, (status) => {
    writeFields(plan, res, status, isSafe, names);
  });
  if (isSafe && (plan.etag === 'weak' || plan.etag === 'strong')) tagSingleBody(res, () => res.statusCode === 200);
}

function conditionsOf({ headers }: Request): HeaderFields | undefined {
  const ifNoneMatch = headers['if-none-match'];
  const ifModifiedSince = headers['if-modified-since'];
  if (ifNoneMatch === undefined && ifModifiedSince === undefined) return undefined;
  return { 'if-none-match': ifNoneMatch, 'if-modified-since': ifModifiedSince };
}

function writeFields(
  plan: CacheHeadersPlan,
  res: Response,
  status: number,
  isSafe: boolean,
  names: readonly string[],
): void {
  mergeVary(res, plan.vary);
  const decided = res.hasHeader('cache-control') || res.hasHeader('expires');
  if (status >= 400) {
    if (!decided) res.setHeader('Cache-Control', 'no-store');
  } else if (plan.restricts || (isSafe && isLasting(status))) {
    writePolicy(plan, res, decided);
    writeTags(plan, res, names);
  }
  settleEntityTag(res, plan.etag); // after the policy: no-transform matters to it
}

/** Whether a status tells about the URL and not about this one request, as a temporary redirect does. */
function isLasting(status: number): boolean {
  return status !== 302 && status !== 303 && status !== 307;
}

function writePolicy(plan: CacheHeadersPlan, res: Response, decided: boolean): void {
  if (decided) return; // a lifetime for CDNs alone would overrule what the handler told everybody
  const setsCookie = res.hasHeader('set-cookie') && !plan.restricts;
  const cacheControl = setsCookie ? plan.cacheControlPrivate : plan.cacheControl;
  if (cacheControl !== '') res.setHeader('Cache-Control', cacheControl);
  if (plan.cdn === undefined || res.hasHeader('cdn-cache-control')) return;
  res.setHeader('CDN-Cache-Control', setsCookie ? 'private' : plan.cdn);
}

function writeTags(plan: CacheHeadersPlan, res: Response, names: readonly string[]): void {
  if (plan.tagFields.length === 0) return;
  const tags = [...new Set([...names, ...addedGroups(res).map(groupLabel)])].map(encodedTag);
  if (tags.length === 0) return;
  for (const field of plan.tagFields) {
    if (!res.hasHeader(field)) res.setHeader(field, tags.join(field === 'Surrogate-Key' ? ' ' : ','));
  }
}

// Spaces part the members of one field, commas those of the other, and fields hold ASCII only.
function encodedTag(tag: string): string {
  return tag.replace(/[^\x21-\x7e]|[,%]/gu, (char) =>
    Array.from(Buffer.from(char), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}

function mergeVary(res: Response, names: readonly string[]): void {
  if (names.length === 0) return;
  const present = res.getHeader('vary');
  const value = Array.isArray(present) ? present.join(', ') : String(present ?? '');
  const known = value
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  const missing = names.filter((name) => !known.includes(name.toLowerCase()));
  if (missing.length === 0 || known.includes('*')) return;
  res.setHeader('Vary', [value, ...missing].filter(Boolean).join(', '));
}
