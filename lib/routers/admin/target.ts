import type { AdminTarget } from './admin-source.js';
import { BadRequest } from './read-json.js';

const MAX_TEXT = 2048;
const MAX_ITEMS = 100;

/** What an action is aimed at, from a request's JSON. Nothing named is an error, never "everything". */
export function readTarget(body: Readonly<Record<string, unknown>>): AdminTarget {
  const target = {
    ...given('tags', body.tags, readTexts),
    ...given('urls', body.urls, readTexts),
    ...given('keys', body.keys, readTexts),
    ...given('prefix', body.prefix, readText),
  };
  if (Object.keys(target).length === 0) throw new BadRequest('name tags, urls, keys or a prefix');
  return target;
}

/** A text of sensible length that is not empty. */
export function readText(name: string, value: unknown): string {
  if (typeof value !== 'string' || value.length === 0) throw new BadRequest(`${name} must be a text that is not empty`);
  if (value.length > MAX_TEXT) throw new BadRequest(`${name} must not be longer than ${MAX_TEXT} characters`);
  return value;
}

function readTexts(name: string, value: unknown): readonly string[] {
  const list = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(list) || list.length === 0) throw new BadRequest(`${name} must be a list that is not empty`);
  if (list.length > MAX_ITEMS) throw new BadRequest(`${name} must not have more than ${MAX_ITEMS} items`);
  return list.map((item) => readText(name, item));
}

function given<T>(name: string, value: unknown, read: (name: string, value: unknown) => T): Record<string, T> {
  return value === undefined ? {} : { [name]: read(name, value) };
}
