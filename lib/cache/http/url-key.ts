import { isKeyed, type QueryPolicy } from './query-policy.js';

/** A request target, taken apart for the cache. */
export interface UrlKey {
  /** The primary key (RFC 9111 §2), without the method: equal exactly when host, path and keyed query are. */
  readonly key: string;
  /** As sent, without query and fragment. */
  readonly path: string;
  /** The keyed query, sorted, with its `?`; empty when there is none. */
  readonly search: string;
  /** The target as a filling handler may see it, when that differs from what was sent: only what the key covers. */
  readonly strippedUrl: string | undefined;
}

/**
 * The primary key of a request. `originalUrl` is the raw target: origin-form, or absolute-form, of which only path and
 * query count (the host is that of the `Host` field). Percent-encoding is left alone; a fragment is not part of a target.
 */
export function urlKey(host: string, originalUrl: string, policy: QueryPolicy): UrlKey {
  const isPlain = originalUrl.charCodeAt(0) === 0x2f && !originalUrl.includes('?') && !originalUrl.includes('#');
  if (isPlain) return result(host, originalUrl, '', undefined);

  const target = originForm(originalUrl);
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  if (mark === -1) return result(host, path, '', target === originalUrl ? undefined : target);

  const parameters = target.slice(mark + 1).split('&');
  const kept = parameters.filter((parameter) => isKeyed(policy, parameterName(parameter)));
  const removed = kept.length < parameters.length;
  const url = removed ? join(path, kept) : target;
  return result(host, path, searchOf(kept), url === originalUrl ? undefined : url);
}

/**
 * The path in the form under which entries are grouped for invalidation: one form for everything that Express, with
 * its default of case-insensitive and non-strict routing, sends to one handler with the same parameters.
 */
export function normalizedPath(path: string): string {
  const decoded = path.includes('%') ? safelyDecoded(path) : path;
  let end = decoded.length;
  while (end > 1 && decoded.charCodeAt(end - 1) === 0x2f) end--;
  return decoded.slice(0, end).toLowerCase();
}

function result(host: string, path: string, search: string, strippedUrl: string | undefined): UrlKey {
  const name = host.toLowerCase();
  // The lengths make the key injective: no host or path can imitate the beginning of the next part.
  return { key: `${name.length}:${name}${path.length}:${path}${search}`, path, search, strippedUrl };
}

/** RFC 9112 §3.2: path and query of any form of target, without a fragment. */
function originForm(target: string): string {
  const hash = target.indexOf('#');
  const whole = hash === -1 ? target : target.slice(0, hash);
  if (whole.startsWith('/')) return whole;
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.exec(whole);
  if (!scheme) return whole;
  const afterHost = whole.slice(scheme[0].length).search(/[/?]/);
  const rest = afterHost === -1 ? '' : whole.slice(scheme[0].length + afterHost);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function parameterName(parameter: string): string {
  const equals = parameter.indexOf('=');
  return equals === -1 ? parameter : parameter.slice(0, equals);
}

function join(path: string, parameters: readonly string[]): string {
  return parameters.length === 0 ? path : `${path}?${parameters.join('&')}`;
}

const SORTABLE_NAME = /^[A-Za-z0-9_-]*$/;
const MAX_SORTED = 64;

/**
 * The keyed query. Parameters are sorted by name, stably, so values of one name keep their order. Names that a parser
 * might fold into one (`a[]` and `a`, `%61` and `a`), and queries so long that a parser might drop their end, stay as sent.
 */
function searchOf(parameters: readonly string[]): string {
  if (parameters.length === 0) return '';
  if (parameters.length === 1) return `?${parameters[0]}`;
  if (parameters.length > MAX_SORTED) return `?${parameters.join('&')}`;
  const named = parameters.map((parameter) => ({ name: parameterName(parameter).toLowerCase(), parameter }));
  if (!named.every(({ name }) => SORTABLE_NAME.test(name))) return `?${parameters.join('&')}`;
  named.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return `?${named.map(({ parameter }) => parameter).join('&')}`;
}

function safelyDecoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // Express refuses such a parameter with 400; as text it groups with itself
  }
}
