import { WarmpathError } from './errors.js';

/** The form of a value as text. `j`: JSON; `n`: JSON in which a notation stands for what JSON has no word for. */
export type ValueForm = 'j' | 'n';

/** A value as text, and whether reading the text gives back what was put in. */
export interface CodedValue {
  readonly form: ValueForm;
  readonly text: string;
  /** `false` when an instance of a class comes back as a plain object, or a function is left out. */
  readonly isFaithful: boolean;
}

const MARK = '$';
const MAX_DEPTH = 200;
const MAX_BIGINT_DIGITS = 5000;

/**
 * A value as text that keeps dates, maps, sets, big integers, bytes, `undefined` and odd numbers what they are.
 * Instances of classes are kept as JSON sees them. Throws `ERR_VALUE` for what has no stored form.
 */
export function encodeValue(value: unknown): CodedValue {
  const kind = survey(value, 0);
  const text = stringify(kind.needsNotation ? noted(value) : value);
  return { form: kind.needsNotation ? 'n' : 'j', text, isFaithful: kind.isFaithful };
}

/** The value a text stands for: a new object each time. Throws for a text that {@link encodeValue} did not make. */
export function decodeValue(form: ValueForm, text: string): unknown {
  const value = JSON.parse(text) as unknown;
  return form === 'j' ? value : meant(value);
}

function stringify(value: unknown): string {
  const text = attempt(() => JSON.stringify(value));
  if (text === undefined) throw refused('functions and symbols have no stored form');
  return text;
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new WarmpathError('ERR_VALUE', 'the value cannot be stored: JSON cannot carry it', { cause });
  }
}

const refused = (why: string): WarmpathError => new WarmpathError('ERR_VALUE', `the value cannot be stored: ${why}`);

interface Kind {
  readonly needsNotation: boolean;
  readonly isFaithful: boolean;
}

const PLAIN: Kind = Object.freeze({ needsNotation: false, isFaithful: true });
const NOTED: Kind = Object.freeze({ needsNotation: true, isFaithful: true });
const LOSSY: Kind = Object.freeze({ needsNotation: false, isFaithful: false });

/** Looks at everything once, so that what is plain JSON, as nearly everything is, is left to the engine. */
function survey(value: unknown, depth: number): Kind {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return PLAIN;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? PLAIN : NOTED;
    case 'bigint':
      return NOTED;
    case 'undefined':
      return NOTED;
    case 'object':
      return value === null ? PLAIN : surveyObject(value, depth);
    default:
      return LOSSY;
  }
}

function surveyObject(value: object, depth: number): Kind {
  if (depth > MAX_DEPTH) throw refused(`it is circular, or nested deeper than ${MAX_DEPTH} levels`);
  if (isSpecial(value))
    return value instanceof Date || value instanceof Uint8Array ? NOTED : surveyMembers(value, depth);
  if (Array.isArray(value)) return merged(value, depth, PLAIN);
  if (hasToJson(value))
    return combine(
      survey(
        attempt(() => value.toJSON()),
        depth + 1,
      ),
      LOSSY,
    );
  let kind = isPlainObject(value) ? PLAIN : LOSSY;
  for (const member of Object.values(value)) {
    // A property without a value is the same as none, for JSON and nearly everybody.
    if (member !== undefined) kind = combine(kind, survey(member, depth + 1));
  }
  return kind;
}

function surveyMembers(value: object, depth: number): Kind {
  const members = value instanceof Map ? [...value].flat() : [...(value as Set<unknown>)];
  return merged(members, depth, NOTED);
}

function merged(members: readonly unknown[], depth: number, start: Kind): Kind {
  let kind = start;
  for (const member of members) kind = combine(kind, survey(member, depth + 1));
  return kind;
}

function combine(a: Kind, b: Kind): Kind {
  if (b === PLAIN) return a;
  if (a === PLAIN) return b;
  return { needsNotation: a.needsNotation || b.needsNotation, isFaithful: a.isFaithful && b.isFaithful };
}

/** The value with the notation in it: `{"$": [kind, …]}`. An object that has a `$` of its own is wrapped as `o`. */
function noted(value: unknown): unknown {
  if (value === undefined) return mark('u');
  if (typeof value === 'bigint') return mark('i', digits(value));
  if (typeof value === 'number')
    return Number.isFinite(value) && !Object.is(value, -0) ? value : mark('f', oddName(value));
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Date) return mark('d', value.getTime());
  if (value instanceof Uint8Array) return mark('b', Buffer.from(value).toString('base64'));
  if (value instanceof Map)
    return mark(
      'm',
      [...value].map(([key, member]) => [noted(key), noted(member)]),
    );
  if (value instanceof Set) return mark('s', [...value].map(noted));
  if (Array.isArray(value)) return value.map((member) => noted(member));
  if (hasToJson(value)) return noted(attempt(() => value.toJSON()));
  const object = mapMembers(value, noted);
  return Object.hasOwn(object, MARK) ? mark('o', object) : object;
}

/** What the notation means. */
function meant(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(meant);
  const note = (value as Record<string, unknown>)[MARK];
  if (note === undefined) return mapMembers(value, meant);
  const [kind, content] = note as [string, unknown];
  if (kind === 'u') return undefined;
  if (kind === 'i') return BigInt((content as string).slice(0, MAX_BIGINT_DIGITS + 1));
  if (kind === 'f') return content === '-0' ? -0 : Number(content);
  if (kind === 'd') return new Date(content === null ? Number.NaN : (content as number));
  if (kind === 'b') return Buffer.from(content as string, 'base64');
  if (kind === 'm')
    return new Map((content as [unknown, unknown][]).map(([key, member]) => [meant(key), meant(member)]));
  if (kind === 's') return new Set((content as unknown[]).map(meant));
  if (kind === 'o') return mapMembers(content as object, meant);
  throw new TypeError('unknown notation');
}

function mark(kind: string, content?: unknown): unknown {
  return { [MARK]: content === undefined ? [kind] : [kind, content] };
}

function digits(value: bigint): string {
  const text = String(value);
  if (text.length > MAX_BIGINT_DIGITS) throw refused(`a big integer has more than ${MAX_BIGINT_DIGITS} digits`);
  return text;
}

const oddName = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

// `__proto__` is a name like any other here: defined, never assigned.
function mapMembers(value: object, change: (member: unknown) => unknown): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    if (name !== '__proto__') object[name] = change(member);
    else
      Object.defineProperty(object, name, {
        value: change(member),
        enumerable: true,
        writable: true,
        configurable: true,
      });
  }
  return object;
}

function isSpecial(value: object): boolean {
  return value instanceof Date || value instanceof Map || value instanceof Set || value instanceof Uint8Array;
}

function hasToJson(value: object): value is { toJSON(): unknown } {
  return typeof (value as { toJSON?: unknown }).toJSON === 'function';
}

/** Whether it was made by `{}` or `Object.create(null)`, in whatever realm. */
export function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
