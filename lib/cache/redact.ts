import { WarmpathError } from '../common/errors.js';
import { textList } from '../common/options.js';

/** Takes fields out of a value. What it is given stays as it is; where nothing is to be taken out, it is also what is returned. */
export type Redactor = (value: unknown) => unknown;

const MAX_DEPTH = 200;

/**
 * A function that takes fields of these names out of objects and maps, at any depth, upper or lower case. Instances of
 * classes that hold one come back as plain objects. Throws `ERR_OPTION` for a list that is none.
 */
export function redactor(option: string, names: unknown): Redactor | undefined {
  const list = textList(option, names);
  if (list.length === 0) return undefined;
  const hidden = new Set(list.map((name) => name.toLowerCase()));
  return (value) => without(value, hidden, 0);
}

/** Both, one after the other, as one. */
export function bothRedactors(first: Redactor | undefined, second: Redactor | undefined): Redactor | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return (value) => second(first(value));
}

// Also what is not one JSON text (`application/x-ndjson`): it has fields to take out, and cannot be read as a whole.
const JSON_TYPE = /^[\w.+-]+\/[\w.+-]*json/i;

/**
 * The body of a JSON response without the fields: the same buffer when it holds none of them or is no JSON by its type,
 * `undefined` when it says it is JSON and cannot be read, or not be written again as it was, so that nobody can vouch for it.
 */
export function redactJsonBody(body: Buffer, contentType: string | undefined, redact: Redactor): Buffer | undefined {
  if (contentType === undefined || !JSON_TYPE.test(contentType.trim())) return body;
  const text = body.toString();
  try {
    const value = JSON.parse(text) as unknown;
    const rest = redact(value);
    if (rest === value) return body;
    return hasExactNumbers(text) ? Buffer.from(JSON.stringify(rest)) : undefined;
  } catch {
    // Not what its type says: keeping it would be keeping what was not looked at.
    return undefined;
  }
}

// Longer numbers than a double holds would come out of parsing and writing as others.
function hasExactNumbers(text: string): boolean {
  const outside = text.replace(/"(?:[^"\\]|\\.)*"/g, '');
  const long = outside.match(/[\d.eE+-]{16,}/g) ?? [];
  return long.every((number) => String(Number(number)) === number);
}

function without(value: unknown, hidden: ReadonlySet<string>, depth: number): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (depth > MAX_DEPTH) {
    throw new WarmpathError('ERR_VALUE', `redact: the value is circular, or nested deeper than ${MAX_DEPTH} levels`);
  }
  if (value instanceof Date || value instanceof Uint8Array) return value;
  const next = (member: unknown): unknown => without(member, hidden, depth + 1);
  if (Array.isArray(value)) return sameOr(value, value.map(next));
  if (value instanceof Map) return withoutInMap(value, hidden, next);
  if (value instanceof Set) return withoutInSet(value, next);
  return withoutInObject(value, hidden, next);
}

function withoutInObject(value: object, hidden: ReadonlySet<string>, next: (member: unknown) => unknown): unknown {
  const { toJSON } = value as { toJSON?: unknown };
  // What it shows of itself is what would be stored.
  if (typeof toJSON === 'function') return next(toJSON.call(value));
  let changed = false;
  const kept: [string, unknown][] = [];
  for (const [name, member] of Object.entries(value)) {
    if (hidden.has(name.toLowerCase())) {
      changed = true;
      continue;
    }
    const rest = next(member);
    changed ||= rest !== member;
    kept.push([name, rest]);
  }
  return changed ? Object.fromEntries(kept) : value;
}

function withoutInMap(
  value: ReadonlyMap<unknown, unknown>,
  hidden: ReadonlySet<string>,
  next: (member: unknown) => unknown,
): unknown {
  const kept = [...value].filter(([key]) => !(typeof key === 'string' && hidden.has(key.toLowerCase())));
  const rest = kept.map(([key, member]) => [next(key), next(member)] as const);
  const same = kept.length === value.size && rest.every(([, member], index) => member === kept[index]?.[1]);
  return same ? value : new Map(rest);
}

function withoutInSet(value: ReadonlySet<unknown>, next: (member: unknown) => unknown): unknown {
  const members = [...value];
  const rest = members.map(next);
  return sameMembers(members, rest) ? value : new Set(rest);
}

function sameOr(value: readonly unknown[], rest: readonly unknown[]): unknown {
  return sameMembers(value, rest) ? value : rest;
}

function sameMembers(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.every((member, index) => Object.is(member, b[index]));
}
