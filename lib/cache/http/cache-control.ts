import { scanDirectives } from './directive-scanner.js';
import { isToken } from './header-fields.js';

/** RFC 9111 §1.2.2: a delta-seconds value too large to hold is taken as this one. */
export const MAX_DELTA_SECONDS = 2 ** 31;

/** What a response asks of a shared cache (RFC 9111 §5.2.2, RFC 5861, RFC 8246). */
export interface ResponseDirectives {
  readonly noStore: boolean;
  /** The response must not be reused without revalidation. */
  readonly noCache: boolean;
  /** `private`, qualified or not: a shared cache may strip the fields named instead, this one stores nothing. */
  readonly private: boolean;
  readonly public: boolean;
  readonly mustRevalidate: boolean;
  readonly proxyRevalidate: boolean;
  readonly mustUnderstand: boolean;
  readonly noTransform: boolean;
  readonly immutable: boolean;
  readonly maxAgeSeconds: number | undefined;
  readonly sMaxAgeSeconds: number | undefined;
  readonly staleWhileRevalidateSeconds: number | undefined;
  readonly staleIfErrorSeconds: number | undefined;
  /** Fields named by `no-cache="…"`: not to be reused without revalidation, so they are not kept. Lower-case. */
  readonly noCacheFields: readonly string[];
}

/** What a client asks of a cache (RFC 9111 §5.2.1). */
export interface RequestDirectives {
  readonly noStore: boolean;
  readonly noCache: boolean;
  readonly noTransform: boolean;
  readonly onlyIfCached: boolean;
  readonly maxAgeSeconds: number | undefined;
  /** `Infinity` for `max-stale` without a value. */
  readonly maxStaleSeconds: number | undefined;
  readonly minFreshSeconds: number | undefined;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Flag =
  | 'noStore'
  | 'public'
  | 'mustRevalidate'
  | 'proxyRevalidate'
  | 'mustUnderstand'
  | 'noTransform'
  | 'immutable';
type Lifetime = 'maxAgeSeconds' | 'sMaxAgeSeconds' | 'staleWhileRevalidateSeconds' | 'staleIfErrorSeconds';

const FLAGS = new Map<string, Flag>([
  ['no-store', 'noStore'],
  ['public', 'public'],
  ['must-revalidate', 'mustRevalidate'],
  ['proxy-revalidate', 'proxyRevalidate'],
  ['must-understand', 'mustUnderstand'],
  ['no-transform', 'noTransform'],
  ['immutable', 'immutable'],
]);

const LIFETIMES = new Map<string, Lifetime>([
  ['max-age', 'maxAgeSeconds'],
  ['s-maxage', 'sMaxAgeSeconds'],
  ['stale-while-revalidate', 'staleWhileRevalidateSeconds'],
  ['stale-if-error', 'staleIfErrorSeconds'],
]);

/** Directives of a response without `Cache-Control`. */
export const NO_DIRECTIVES: ResponseDirectives = Object.freeze(emptyDirectives());

/**
 * Reads `Cache-Control` of a response. Repeated directives: the strictest wins. Malformed ones count in their most
 * restrictive meaning (§4.2.1: stale when in doubt). Never throws.
 */
export function parseResponseDirectives(lines: readonly string[]): ResponseDirectives {
  const [only] = lines;
  if (only === undefined) return NO_DIRECTIVES;
  if (lines.length > 1 || only.length > MAX_KNOWN_LENGTH) return readDirectives(lines);
  let directives = known.get(only);
  if (directives === undefined) {
    directives = Object.freeze(readDirectives(lines));
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(only, directives);
  }
  return directives;
}

// An app says few different things, and says them with every answer.
const known = new Map<string, ResponseDirectives>();
const MAX_KNOWN = 500;
const MAX_KNOWN_LENGTH = 256;

function readDirectives(lines: readonly string[]): ResponseDirectives {
  const directives = emptyDirectives();
  const wellFormed = scanDirectives(lines, (name, value, isDirective, quoted) => {
    applyResponseDirective(directives, name, value, isDirective, quoted);
  });
  if (!wellFormed) withdrawPermissions(directives);
  return directives;
}

/** Applies one directive: shared by `Cache-Control` and the targeted fields. */
export function applyResponseDirective(
  directives: Writable<ResponseDirectives>,
  name: string,
  value: string | undefined,
  wellFormed: boolean,
  quoted: boolean,
): void {
  const lifetime = LIFETIMES.get(name);
  if (lifetime) {
    const seconds = wellFormed && value !== undefined ? deltaSeconds(value) : 0;
    directives[lifetime] = Math.min(directives[lifetime] ?? MAX_DELTA_SECONDS, seconds);
    return;
  }
  if (name === 'private') directives.private = true;
  else if (name === 'no-cache') applyNoCache(directives, wellFormed && quoted ? value : undefined);
  else {
    const flag = FLAGS.get(name);
    if (flag) directives[flag] = true;
  }
}

// Where a quote went astray nobody can tell what was meant as text, so nothing is taken as a permission.
function withdrawPermissions(directives: Writable<ResponseDirectives>): void {
  directives.public = false;
  directives.immutable = false;
  if (directives.noStore) directives.mustUnderstand = false; // else it would lift the no-store (§5.2.2.3)
}

// §5.2.2.4: the qualified form limits the directive to the fields named; a list that is empty or unreadable does not.
function applyNoCache(directives: Writable<ResponseDirectives>, list: string | undefined): void {
  const names =
    list
      ?.split(',')
      .map((name) => name.trim().toLowerCase())
      .filter(Boolean) ?? [];
  if (names.length === 0 || !names.every(isToken)) directives.noCache = true;
  else directives.noCacheFields = [...directives.noCacheFields, ...names];
}

/** A fresh, empty set of directives. */
export function emptyDirectives(): Writable<ResponseDirectives> {
  return {
    noStore: false,
    noCache: false,
    private: false,
    public: false,
    mustRevalidate: false,
    proxyRevalidate: false,
    mustUnderstand: false,
    noTransform: false,
    immutable: false,
    maxAgeSeconds: undefined,
    sMaxAgeSeconds: undefined,
    staleWhileRevalidateSeconds: undefined,
    staleIfErrorSeconds: undefined,
    noCacheFields: [],
  };
}

/** RFC 9111 §1.2.2 `delta-seconds`; anything that is not one (negative, decimal, garbage) is 0, which is stale. */
export function deltaSeconds(text: string): number {
  return /^\d+$/.test(text) ? Math.min(Number(text), MAX_DELTA_SECONDS) : 0;
}
