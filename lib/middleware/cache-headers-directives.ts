import { type Duration, durationMs } from '../common/duration.js';
import { optionError, WarmpathError } from '../common/errors.js';
import { booleanOption, checkKnownKeys } from '../common/options.js';

/** Response directives by their option names (RFC 9111 §5.2.2, RFC 5861, RFC 8246). Durations are whole seconds. */
export interface CacheDirectives {
  /** Any cache may store the response, also one to an authenticated request. */
  readonly public?: boolean | undefined;
  /** Only the browser may store the response. */
  readonly private?: boolean | undefined;
  /** Freshness lifetime. */
  readonly maxAge?: Duration | undefined;
  /** Freshness lifetime in shared caches; they must not serve the response stale. */
  readonly sMaxAge?: Duration | undefined;
  /** How long caches may serve the stale response while they refresh it. */
  readonly staleWhileRevalidate?: Duration | undefined;
  /** How long caches may serve the stale response instead of an error. */
  readonly staleIfError?: Duration | undefined;
  /** The bytes under this URL never change. */
  readonly immutable?: boolean | undefined;
  /** Nobody may store the response. */
  readonly noStore?: boolean | undefined;
  /** Caches must ask before each use. */
  readonly noCache?: boolean | undefined;
  /** Caches must not serve the response stale. */
  readonly mustRevalidate?: boolean | undefined;
  /** Only caches that know the status may store the response; `noStore` beside it speaks to all others. */
  readonly mustUnderstand?: boolean | undefined;
  /** Nobody may re-encode the body. */
  readonly noTransform?: boolean | undefined;
}

const FLAGS = {
  public: 'public',
  private: 'private',
  noStore: 'no-store',
  noCache: 'no-cache',
  mustRevalidate: 'must-revalidate',
  mustUnderstand: 'must-understand',
  noTransform: 'no-transform',
  immutable: 'immutable',
} as const;

const LIFETIMES = {
  maxAge: 'max-age',
  sMaxAge: 's-maxage',
  staleWhileRevalidate: 'stale-while-revalidate',
  staleIfError: 'stale-if-error',
} as const;

type Name = keyof CacheDirectives;

/** Names of the options of {@link CacheDirectives}. */
export const DIRECTIVE_KEYS: readonly Name[] = [...keysOf(FLAGS), ...keysOf(LIFETIMES)];

// What cannot be meant together. `noStore` beside `mustUnderstand` is the fallback that RFC 9111 §5.2.2.3 recommends.
const CONTRADICTIONS: readonly (readonly [Name, readonly Name[]])[] = [
  ['public', ['private']],
  ['private', ['sMaxAge']],
  ['noStore', ['public', 'maxAge', 'sMaxAge', 'staleWhileRevalidate', 'staleIfError', 'immutable']],
  ['noCache', ['immutable', 'staleWhileRevalidate', 'staleIfError']],
  ['mustRevalidate', ['staleWhileRevalidate', 'staleIfError']],
];

/** The directives, checked, in the order and spelling of the field. */
export type DirectiveList = readonly (readonly [name: string, seconds: number | undefined])[];

/** Checks directives and puts them in order. Throws for a wrong value and for a contradiction, naming the options. */
export function resolveDirectives(owner: string, given: CacheDirectives): DirectiveList {
  const list: [string, number | undefined][] = [];
  for (const key of keysOf(FLAGS)) if (isOn(owner, given, key)) list.push([FLAGS[key], undefined]);
  for (const key of keysOf(LIFETIMES)) {
    const value = given[key];
    if (value !== undefined) list.push([LIFETIMES[key], wholeSeconds(`${owner}.${key}`, value)]);
  }
  for (const [key, others] of CONTRADICTIONS) {
    const other = isSet(given, key) ? others.find((name) => isSet(given, name)) : undefined;
    if (other && !(key === 'noStore' && given.mustUnderstand)) throw contradiction(owner, key, other);
  }
  if (given.immutable && !list.some(([name, seconds]) => name === 'max-age' && seconds !== 0)) {
    throw new WarmpathError('ERR_OPTION', `${owner}: 'immutable' needs a 'maxAge' above zero to speak about`);
  }
  return list;
}

/** The directives of a CDN's own field (RFC 9213); at least one. */
export function resolveTargetedDirectives(owner: string, given: CacheDirectives): DirectiveList {
  checkKnownKeys(owner, given, DIRECTIVE_KEYS);
  const list = resolveDirectives(owner, given);
  if (list.length === 0) throw optionError(owner, 'at least one directive', given);
  return list;
}

/** The value of `Cache-Control`, which is also the Structured Fields Dictionary of the targeted fields; empty = none. */
export function directivesText(list: DirectiveList): string {
  return list.map(([name, seconds]) => (seconds === undefined ? name : `${name}=${seconds}`)).join(', ');
}

function isSet(given: CacheDirectives, key: Name): boolean {
  return given[key] !== undefined && given[key] !== false;
}

function isOn(owner: string, given: CacheDirectives, key: keyof typeof FLAGS): boolean {
  const value = given[key];
  return value !== undefined && booleanOption(`${owner}.${key}`, value);
}

function wholeSeconds(option: string, value: Duration): number {
  const ms = durationMs(option, value);
  if (ms % 1000 === 0) return ms / 1000;
  throw optionError(option, 'a duration of whole seconds, the unit of the header', value);
}

function contradiction(owner: string, one: string, other: string): WarmpathError {
  return new WarmpathError('ERR_OPTION', `${owner}: '${one}' and '${other}' contradict each other`);
}

function keysOf<T extends object>(object: T): (keyof T & string)[] {
  return Object.keys(object) as (keyof T & string)[];
}
