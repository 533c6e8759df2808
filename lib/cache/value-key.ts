import { WarmpathError } from '../common/errors.js';
import type { EntryKey } from '../store/stored-entry.js';

const MAX_KEY_CHARACTERS = 8192;

/** The name of a value in the stores. The letter tells values from responses. */
export function valueKey(key: string): EntryKey {
  return { text: `d:${key}`, variant: '', label: key };
}

/** Throws `ERR_KEY` for what is no key. */
export function checkKey(key: unknown): asserts key is string {
  if (typeof key === 'string' && key !== '' && key.length <= MAX_KEY_CHARACTERS) return;
  throw new WarmpathError('ERR_KEY', `a key is a text of 1 to ${MAX_KEY_CHARACTERS} characters`);
}
