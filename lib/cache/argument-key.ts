import { createHash } from 'node:crypto';
import { WarmpathError } from '../common/errors.js';
import { isPlainObject } from '../common/value-coding.js';

const MAX_DEPTH = 64;
// Longer texts are replaced by a digest: keys stay short, and what is in a long one is hardly for reading.
const MAX_TEXT = 400;
const NAME = /^[\w.$@/:-]{1,100}$/;

/**
 * One text for a name and arguments: different ones for different arguments, told apart by type (`7` and `'7'`), the
 * same one whatever the order of an object's properties. Properties and last arguments that are `undefined` are as good
 * as not there. Throws `ERR_KEY` for what no text can stand for: functions, symbols, instances of classes.
 */
export function argumentKey(name: string, args: readonly unknown[]): string {
  const text = args
    .slice(0, lastGiven(args))
    .map((arg, index) => textOf(arg, { name, index, depth: 0 }))
    .join(',');
  return text.length <= MAX_TEXT ? `${name}(${text})` : `${name}(#${digest(text)})`;
}

/** Whether a text can be the name in a key: no character of it may pass for the start of the arguments. */
export function isKeyName(name: unknown): name is string {
  return typeof name === 'string' && NAME.test(name);
}

/** What names may be made of, for messages. */
export const KEY_NAME_RULE = 'up to 100 letters, digits and . _ $ @ / : -';

interface Place {
  readonly name: string;
  readonly index: number;
  readonly depth: number;
}

function lastGiven(args: readonly unknown[]): number {
  let length = args.length;
  while (length > 0 && args[length - 1] === undefined) length -= 1;
  return length;
}

// Every form begins with another character, texts are quoted, and lists are bracketed: no value can spell another.
function textOf(value: unknown, place: Place): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'bigint':
      return `${value}n`;
    case 'boolean':
      return String(value);
    case 'undefined':
      return 'undefined';
    case 'object':
      return value === null ? 'null' : textOfObject(value, { ...place, depth: place.depth + 1 });
    default:
      throw unkeyable(place, `a ${typeof value}`);
  }
}

function textOfObject(value: object, place: Place): string {
  if (place.depth > MAX_DEPTH) throw unkeyable(place, `an object nested deeper than ${MAX_DEPTH} levels`);
  const next = (member: unknown): string => textOf(member, place);
  if (Array.isArray(value)) return `[${Array.from(value, next).join(',')}]`;
  if (value instanceof Date) return `D${value.getTime()}`;
  if (value instanceof RegExp) return `R${JSON.stringify([value.source, value.flags])}`;
  if (value instanceof URL) return `U${JSON.stringify(value.href)}`;
  if (value instanceof Uint8Array) return `B${value.length}#${digest(value)}`;
  if (value instanceof Set) return `S[${sorted([...value].map(next))}]`;
  if (value instanceof Map) return `M{${sorted([...value].map(([key, member]) => `${next(key)}:${next(member)}`))}}`;
  if (!isPlainObject(value)) throw unkeyable(place, `an instance of ${value.constructor?.name ?? 'a class'}`);
  const given = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${sorted(given.map(([name, member]) => `${JSON.stringify(name)}:${next(member)}`))}}`;
}

const sorted = (texts: string[]): string => texts.sort().join(',');

const digest = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('base64url');

function unkeyable({ name, index }: Place, what: string): WarmpathError {
  return new WarmpathError(
    'ERR_KEY',
    `${name}: argument ${index + 1} holds ${what}, which no key can tell from others. Say with \`key\` what of the arguments counts.`,
  );
}
