import { parseDictionary, Token } from 'structured-headers';
import {
  applyResponseDirective,
  emptyDirectives,
  parseResponseDirectives,
  type ResponseDirectives,
} from './cache-control.js';
import { fieldLines, fieldValue, type HeaderFields } from './header-fields.js';

/** The target list of RFC 9213 §2.2: fields addressed to this cache, the first usable one decides. */
export const TARGET_LIST: readonly string[] = ['cdn-cache-control'];

/** The directives that govern a response here, and whether they came from a targeted field. */
export interface CachePolicy {
  readonly directives: ResponseDirectives;
  /** A targeted field decides: `Cache-Control` and `Expires` are ignored altogether (RFC 9213 §2.2). */
  readonly targeted: boolean;
}

/** The caching policy of a response: its first valid, non-empty targeted field, else `Cache-Control`. Never throws. */
export function cachePolicy(headers: HeaderFields): CachePolicy {
  for (const name of TARGET_LIST) {
    const directives = targetedDirectives(fieldValue(headers, name));
    if (directives) return { directives, targeted: true };
  }
  return { directives: parseResponseDirectives(fieldLines(headers, 'cache-control')), targeted: false };
}

/** Reads a targeted field, a Structured Fields Dictionary; `undefined` when absent, empty or invalid (RFC 9213 §2.1). */
export function targetedDirectives(value: string | undefined): ResponseDirectives | undefined {
  const members = value === undefined ? undefined : dictionary(value);
  if (!members || members.size === 0) return undefined;
  const directives = emptyDirectives();
  for (const [name, [member]] of members) {
    // Parameters are ignored (§2.1). `no-store=?0` says that the directive is absent.
    if (member === false) continue;
    const argument = directiveArgument(member);
    applyResponseDirective(
      directives,
      name,
      argument,
      argument !== undefined || member === true,
      typeof member === 'string',
    );
  }
  return directives;
}

function directiveArgument(member: unknown): string | undefined {
  if (typeof member === 'number') return Number.isInteger(member) ? String(member) : undefined;
  if (typeof member === 'string') return member;
  return member instanceof Token ? member.toString() : undefined;
}

function dictionary(value: string): ReturnType<typeof parseDictionary> | undefined {
  try {
    return parseDictionary(value);
  } catch {
    return undefined; // §2.1: a field that fails to parse is ignored
  }
}
