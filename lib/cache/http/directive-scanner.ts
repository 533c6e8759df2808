/**
 * One member of `Cache-Control`. `value` is the argument without its quotes, `undefined` when there is none.
 * A member that does not follow the grammar is `wellFormed: false` and names one word found in it: whoever reads it
 * must take the most restrictive meaning that word can have.
 */
export type DirectiveVisitor = (name: string, value: string | undefined, wellFormed: boolean, quoted: boolean) => void;

// Every alternative starts with a character of its own, so matching takes one pass.
const DIRECTIVE =
  /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:=(?:([!#$%&'*+\-.^_`|~0-9A-Za-z]+)|"([^"\\]*(?:\\[\s\S][^"\\]*)*)"))?$/;
const WORD = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/g;

const QUOTE = 0x22;
const COMMA = 0x2c;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/**
 * Visits every directive of the given `Cache-Control` lines, names lower-cased (RFC 9111 §5.2); false when some member
 * did not follow the grammar. Linear; never throws.
 */
export function scanDirectives(lines: readonly string[], visit: DirectiveVisitor): boolean {
  let wellFormed = true;
  for (const line of lines) {
    let start = 0;
    for (let i = 0; i < line.length; i++) {
      const char = line.charCodeAt(i);
      if (char === QUOTE && line.charCodeAt(i - 1) === EQUALS) {
        i = closingQuote(line, i + 1);
      } else if (char === COMMA) {
        wellFormed = visitMember(line.slice(start, i).trim(), visit) && wellFormed;
        start = i + 1;
      }
    }
    wellFormed = visitMember(line.slice(start).trim(), visit) && wellFormed;
  }
  return wellFormed;
}

/**
 * The index of the quote that closes a string begun before `from`, or that of its first character when none does:
 * such a string is no string, so that it cannot hide a `no-store` behind it. That happens once per line at most.
 */
function closingQuote(line: string, from: number): number {
  for (let i = from; i < line.length; i++) {
    const char = line.charCodeAt(i);
    if (char === BACKSLASH) i++;
    else if (char === QUOTE) return i;
  }
  return from - 1;
}

function visitMember(member: string, visit: DirectiveVisitor): boolean {
  if (member === '') return true;
  const match = DIRECTIVE.exec(member);
  if (match) {
    const [, name = '', token, quoted] = match;
    visit(name.toLowerCase(), quoted === undefined ? token : unescaped(quoted), true, quoted !== undefined);
    return true;
  }
  for (const word of member.toLowerCase().match(WORD) ?? []) visit(word, undefined, false, false);
  return false;
}

function unescaped(quoted: string): string {
  return quoted.includes('\\') ? quoted.replace(/\\([\s\S])/g, '$1') : quoted;
}
