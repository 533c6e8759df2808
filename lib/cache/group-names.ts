import { WarmpathError } from '../common/errors.js';
import { normalizedPath } from './http/url-key.js';

// The letter keeps tags, paths and keys of the same text apart.
const MAX_TAG_CHARACTERS = 1024;

/** The group of everything that carries a tag. */
export function tagGroup(tag: string): string {
  if (typeof tag !== 'string' || tag === '' || tag.length > MAX_TAG_CHARACTERS) {
    throw new WarmpathError('ERR_TARGET', `a tag is a text of 1 to ${MAX_TAG_CHARACTERS} characters`);
  }
  return `t:${tag}`;
}

/** The group of every stored response of a path: all hosts, queries and variants. */
export function pathGroup(path: string): string {
  return `p:${normalizedPath(path)}`;
}

/** The group of one value of the data cache. */
export function keyGroup(key: string): string {
  return `k:${key}`;
}

/** How a group is shown to people. */
export function groupLabel(group: string): string {
  return group.slice(2);
}
