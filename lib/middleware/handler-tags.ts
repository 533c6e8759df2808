import type { ServerResponse } from 'node:http';
import { tagGroup } from '../cache/group-names.js';

const added = new WeakMap<ServerResponse, Set<string>>();

/**
 * Adds tags to the response being made, for handlers that know only now what it is made of. Has no effect on responses
 * that are not stored. Throws `ERR_TARGET` for an empty tag.
 */
export function addTags(res: ServerResponse, ...tags: readonly string[]): void {
  const groups = tags.map(tagGroup);
  const set = added.get(res) ?? new Set<string>();
  added.set(res, set);
  for (const group of groups) set.add(group);
}

/** The groups of the tags added to a response. */
export function addedGroups(res: ServerResponse): readonly string[] {
  const set = added.get(res);
  return set === undefined ? [] : [...set];
}
