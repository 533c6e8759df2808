import { normalizedPath } from '../cache/http/url-key.js';
import { optionError } from '../common/errors.js';
import { oneOf } from '../common/options.js';
import {
  type CacheHeadersOptions,
  type CacheHeadersPlan,
  resolveCacheHeadersOptions,
} from './cache-headers-options.js';

/** A named set of directives. */
export type CacheHeadersPreset = 'immutable' | 'no-store' | 'private';

/** What the presets stand for. */
export const PRESETS: Readonly<Record<CacheHeadersPreset, CacheHeadersOptions>> = Object.freeze({
  immutable: { public: true, maxAge: '365d', immutable: true },
  'no-store': { noStore: true },
  private: { private: true, noCache: true },
});

/** Path prefixes and what responses below them say. */
export type CacheHeadersRules = Readonly<Record<string, CacheHeadersOptions | CacheHeadersPreset>>;

interface Rule {
  readonly prefix: string;
  readonly plan: CacheHeadersPlan;
}

const FORBIDDING: CacheHeadersPlan = resolveCacheHeadersOptions('cacheHeaders', PRESETS['no-store']);

/** Checks the rules and returns the choice among them by path. */
export function resolveCacheHeadersRules(rules: CacheHeadersRules): (path: string) => CacheHeadersPlan | undefined {
  if (rules === null || typeof rules !== 'object' || Array.isArray(rules)) {
    throw optionError('cacheHeaders.rules', "an object such as { '/api/movies': { maxAge: '1m' } }", rules);
  }
  const resolved = Object.entries(rules).map(([prefix, rule]) => resolveRule(prefix, rule));
  const longestFirst = resolved.sort((a, b) => b.prefix.length - a.prefix.length);
  return (path) => choose(longestFirst, path);
}

function resolveRule(prefix: string, rule: CacheHeadersOptions | CacheHeadersPreset): Rule {
  if (!prefix.startsWith('/') || /[*:?#]/.test(prefix)) {
    throw optionError('cacheHeaders.rules', "literal path prefixes that start with '/'", prefix);
  }
  const owner = `cacheHeaders.rules['${prefix.slice(0, 40)}']`;
  const presets = Object.keys(PRESETS) as CacheHeadersPreset[];
  const options = typeof rule === 'string' ? PRESETS[oneOf(owner, rule, presets)] : rule;
  return { prefix: normalizedPath(prefix), plan: resolveCacheHeadersOptions(owner, options) };
}

/**
 * The longest prefix that matches, case-insensitively and by whole segments, as `app.use(prefix)` matches. A path that
 * another spelling would put under another rule (`/account/%6de` reaches a route `/account/:id` as well as
 * `/account/me` does) could be used to pick a laxer rule than its answer deserves: such a request gets `no-store`.
 */
function choose(rules: readonly Rule[], path: string): CacheHeadersPlan | undefined {
  const literal = find(rules, path.toLowerCase());
  if (!path.includes('%')) return literal?.plan;
  return find(rules, normalizedPath(path)) === literal ? literal?.plan : FORBIDDING;
}

function find(rules: readonly Rule[], path: string): Rule | undefined {
  return rules.find(({ prefix }) => prefix === '/' || path === prefix || path.startsWith(`${prefix}/`));
}
