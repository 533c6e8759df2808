import { optionError, WarmpathError } from './errors.js';

/** Throws `ERR_UNKNOWN_OPTION` for a key that is not in `known`, proposing the nearest right spelling. */
export function checkKnownKeys(owner: string, options: unknown, known: readonly string[]): void {
  if (options === undefined) return;
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw optionError(owner, 'an options object', options);
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const near = nearest(key, known);
    const hint = near ? ` Did you mean '${near}'?` : '';
    throw new WarmpathError(
      'ERR_UNKNOWN_OPTION',
      `${owner}: unknown option '${key.slice(0, 40)}'.${hint} Accepted: ${known.join(', ')}.`,
    );
  }
}

/** The candidate nearest to `word`, or `undefined` when none is within a third of its length. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase().slice(0, 64), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** A whole number of at least `min`. */
export function wholeNumber(option: string, value: unknown, min = 0): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min) return value;
  throw optionError(option, `a whole number of at least ${min}`, value);
}

/** A finite number between `min` and `max`. */
export function numberBetween(option: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value;
  throw optionError(option, `a number from ${min} to ${max}`, value);
}

/** `true` or `false`, and nothing that only looks like it. @throws WarmpathError `ERR_OPTION` */
export function booleanOption(option: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw optionError(option, 'true or false', value);
}

/** A function; its signature is taken on trust. @throws WarmpathError `ERR_OPTION` */
// biome-ignore lint/complexity/noBannedTypes: the caller names the exact signature
export function functionOption<F extends Function>(option: string, value: unknown): F {
  if (typeof value === 'function') return value as unknown as F;
  throw optionError(option, 'a function', value);
}

/** A string of at least one character. */
export function textOption(option: string, value: unknown): string {
  if (typeof value === 'string' && value.length > 0) return value;
  throw optionError(option, 'a text that is not empty', value);
}

/** One of a few words. @throws WarmpathError `ERR_OPTION` naming all of them */
export function oneOf<T extends string>(option: string, value: unknown, accepted: readonly T[]): T {
  if (typeof value === 'string' && (accepted as readonly string[]).includes(value)) return value as T;
  throw optionError(option, `one of ${accepted.map((word) => `'${word}'`).join(', ')}`, value);
}

/** A list of texts, each not empty. */
export function textList(option: string, value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string' && item.length > 0)) return [...value];
  throw optionError(option, 'an array of texts', value);
}
