import { parseList } from 'structured-headers';
import { fieldValue, type HeaderFields } from './header-fields.js';

// RFC 9875 §2 asks for 32 groups of 32 characters at least.
const MAX_GROUPS = 1024;
const MAX_GROUP_CHARACTERS = 1024;

/** Groups as read from a field. */
export interface CacheGroups {
  readonly groups: readonly string[];
  /** False when some were over the limits and left out: a response in them cannot be relied upon to be invalidated. */
  readonly complete: boolean;
}

const NO_GROUPS: CacheGroups = Object.freeze({ groups: Object.freeze([]) as readonly string[], complete: true });

/** Groups a response belongs to (`Cache-Groups`, RFC 9875 §2). Never throws. */
export function cacheGroups(headers: HeaderFields): CacheGroups {
  return parseGroups(fieldValue(headers, 'cache-groups'));
}

/**
 * Groups to invalidate after a successful unsafe request (`Cache-Group-Invalidation`, RFC 9875 §3). The caller must not
 * ask for a safe request's answer, where the field is to be ignored.
 */
export function groupInvalidation(headers: HeaderFields): CacheGroups {
  return parseGroups(fieldValue(headers, 'cache-group-invalidation'));
}

/** Reads a Structured Fields List of Strings; a field that is anything else is ignored as a whole. */
export function parseGroups(value: string | undefined): CacheGroups {
  if (value === undefined || value.trim() === '') return NO_GROUPS;
  const members = stringList(value);
  if (!members) return NO_GROUPS;
  const groups = new Set<string>();
  let complete = true;
  for (const member of members) {
    if (member.length > MAX_GROUP_CHARACTERS || groups.size >= MAX_GROUPS) complete = false;
    else groups.add(member);
  }
  return { groups: [...groups], complete };
}

/** The value of `Cache-Groups` or `Cache-Group-Invalidation` for these groups; `undefined` when there are none. */
export function serializeGroups(groups: readonly string[]): string | undefined {
  if (groups.length === 0) return undefined;
  return groups.map((group) => `"${printable(group).replace(/[\\"]/g, '\\$&')}"`).join(', ');
}

// Strings of Structured Fields hold printable ASCII only. `%` is encoded as well, so that no two groups look alike.
function printable(group: string): string {
  return group.replace(/[^\x20-\x7e]|%/gu, (char) => {
    const bytes = new TextEncoder().encode(char);
    return Array.from(bytes, (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
  });
}

function stringList(value: string): string[] | undefined {
  try {
    const members = parseList(value).map(([item]) => item);
    return members.every((item) => typeof item === 'string') ? members : undefined;
  } catch {
    return undefined; // RFC 9651 §4.2: a field that fails to parse is ignored
  }
}
