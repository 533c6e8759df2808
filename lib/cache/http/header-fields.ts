/** Header fields as Node hands them over: lower-case names; several lines of one field are an array. */
export type HeaderFields = Readonly<Record<string, string | readonly string[] | undefined>>;

const NONE: readonly string[] = [];

/**
 * The lines of a field, in order; empty when the field is absent.
 * Inherited members of the map (`constructor`, `toString`) are never fields, since they are neither text nor lists.
 */
export function fieldLines(headers: HeaderFields, name: string): readonly string[] {
  const value: unknown = headers[name];
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return [String(value)]; // what setHeader() was given
  return Array.isArray(value) ? value.map(String) : NONE;
}

/** The combined value of a field (RFC 9110 §5.3: lines joined by a comma), or `undefined` when it is absent. */
export function fieldValue(headers: HeaderFields, name: string): string | undefined {
  const value: unknown = headers[name];
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  return Array.isArray(value) && value.length > 0 ? value.join(', ') : undefined;
}

/** Whether a field is present, be it empty. */
export function hasField(headers: HeaderFields, name: string): boolean {
  return fieldValue(headers, name) !== undefined;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Whether a text is a `token` (RFC 9110 §5.6.2), the grammar of field names. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * The members of a comma-separated list (RFC 9110 §5.6.1): trimmed, empty ones dropped, commas inside quoted strings
 * kept. A quoted string that is never closed runs to the end of the text.
 */
export function listMembers(value: string): string[] {
  const members: string[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i <= value.length; i++) {
    const char = i < value.length ? value.charCodeAt(i) : COMMA;
    if (quoted && i < value.length) {
      if (char === BACKSLASH) i++;
      else if (char === QUOTE) quoted = false;
    } else if (char === QUOTE) {
      quoted = true;
    } else if (char === COMMA) {
      const member = value.slice(start, i).trim();
      if (member !== '') members.push(member);
      start = i + 1;
    }
  }
  if (start < value.length) {
    const rest = value.slice(start).trim(); // a backslash at the very end stepped over the closing comma
    if (rest !== '') members.push(rest);
  }
  return members;
}
