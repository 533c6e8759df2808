import { listMembers } from './header-fields.js';

// Fields that are no lists: a comma in them is text, so only the space around the whole value may go.
const SINGLETONS: ReadonlySet<string> = new Set([
  'authorization',
  'content-type',
  'cookie',
  'from',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'origin',
  'referer',
  'user-agent',
]);

// Lists whose members are case-insensitive by their definitions (RFC 9110 §12.5, RFC 5646, RFC 8942).
const CASE_INSENSITIVE: ReadonlySet<string> = new Set(['accept-charset', 'accept-encoding', 'accept-language']);

/**
 * A field's value in the form in which two requests are compared (RFC 9111 §4.1: lines combined, space normalised, and
 * what the field's own definition calls equal). `undefined` when the field is absent.
 */
export function normalizeFieldValue(name: string, lines: readonly string[]): string | undefined {
  if (lines.length === 0) return undefined;
  const value = lines.length === 1 ? (lines[0] ?? '') : lines.join(',');
  if (SINGLETONS.has(name)) return value.trim();
  const members = listMembers(value);
  if (name === 'accept-language') return languages(members);
  const list = members.join(',');
  return CASE_INSENSITIVE.has(name) ? withoutSpace(list.toLowerCase()) : list;
}

/**
 * RFC 9110 §12.5.4 ranks languages by weight; the place in the list means nothing by itself. A list without any weight
 * is therefore sorted. In a list with weights, ranges of equal weight keep their order, since common negotiators take
 * the first of them.
 */
function languages(members: readonly string[]): string {
  const ranges = members.map((member) => withoutSpace(member.toLowerCase()));
  if (!ranges.some((range) => range.includes(';'))) return ranges.sort().join(',');
  const weighted = ranges.map((range) => ({ range, weight: weightOf(range) }));
  if (weighted.some(({ weight }) => Number.isNaN(weight))) return ranges.join(',');
  // Array sort is stable: members of equal weight keep their order.
  return weighted
    .sort((a, b) => b.weight - a.weight)
    .map(({ range }) => range)
    .join(',');
}

function weightOf(range: string): number {
  const parameters = range.indexOf(';');
  if (parameters === -1) return 1;
  const match = /^;q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.exec(range.slice(parameters));
  return match ? Number(match[1]) : Number.NaN;
}

function withoutSpace(text: string): string {
  return text.replace(/[ \t]+/g, '');
}
