import { fieldLines, type HeaderFields, isToken } from './header-fields.js';
import { normalizeFieldValue } from './vary-values.js';

/** The request fields a response was selected by. */
export interface VaryNames {
  /** Selected by more than the request says: never reusable (RFC 9111 §4.1). */
  readonly wildcard: boolean;
  /** Lower-case, sorted, each once. */
  readonly names: readonly string[];
}

const NO_VARY: VaryNames = Object.freeze({ wildcard: false, names: Object.freeze([]) as readonly string[] });
const ANY: VaryNames = Object.freeze({ wildcard: true, names: Object.freeze([]) as readonly string[] });

/** Reads `Vary` (RFC 9110 §12.5.5). A member that is no field name counts as `*`. Never throws. */
export function parseVary(headers: HeaderFields): VaryNames {
  return parseVaryLines(fieldLines(headers, 'vary'));
}

/** As {@link parseVary}, from the field's lines. */
export function parseVaryLines(lines: readonly string[]): VaryNames {
  if (lines.length === 0) return NO_VARY;
  const names = new Set<string>();
  for (const line of lines) {
    for (const member of line.split(',')) {
      const name = member.trim().toLowerCase();
      if (name === '') continue;
      if (name === '*' || !isToken(name)) return ANY;
      names.add(name);
    }
  }
  return { wildcard: false, names: [...names].sort() };
}

/**
 * The request fields a response was selected by: those of its `Vary`, and `Origin` when it allows one origin by name
 * without saying that it chose it by the request. Such a response must not reach another origin.
 */
export function selectingFields(headers: HeaderFields): VaryNames {
  const vary = parseVary(headers);
  if (vary.wildcard || vary.names.includes('origin')) return vary;
  const allowed = fieldLines(headers, 'access-control-allow-origin');
  if (allowed.length === 0 || (allowed.length === 1 && allowed[0]?.trim() === '*')) return vary;
  return { wildcard: false, names: unionOfNames(vary.names, ['origin']) };
}

/** Both lists together, sorted, each name once. */
export function unionOfNames(first: readonly string[], second: readonly string[]): readonly string[] {
  if (second.every((name) => first.includes(name))) return first;
  return [...new Set([...first, ...second])].sort();
}

/**
 * The secondary key of a request (RFC 9111 §4.1): equal exactly when the named fields have the same normalised values.
 * Lengths come before texts, so no value can imitate another field; an absent field differs from an empty one.
 * `names` must be sorted, as {@link parseVary} returns them.
 */
export function secondaryKey(names: readonly string[], request: HeaderFields): string {
  let key = '';
  for (const name of names) {
    const value = normalizeFieldValue(name, fieldLines(request, name));
    key += value === undefined ? `${name.length}:${name};` : `${name.length}:${name}=${value.length}:${value};`;
  }
  return key;
}
