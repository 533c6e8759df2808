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
 * RFC 9110 §12.5.4 ranks languages by weight, so the list is sorted by it. Ranges of equal weight keep their order: common
 * negotiators, Express' among them, take the first.
 */
function languages(members: readonly string[]): string {
  const ranges = members.map((member) => withoutSpace(member.toLowerCase()));
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

/**
 * The one language a request wants most (RFC 9110 §12.5.4), lower-case: `undefined` when there is none, or when several
 * share the highest weight.
 */
export function preferredLanguage(lines: readonly string[]): string | undefined {
  const ranges = listMembers(lines.join(',')).map((member) => withoutSpace(member.toLowerCase()));
  const weighted = ranges.map((range) => ({ tag: range.split(';', 1)[0] ?? '', weight: weightOf(range) }));
  if (weighted.some(({ weight }) => Number.isNaN(weight))) return undefined;
  const highest = Math.max(0, ...weighted.map(({ weight }) => weight));
  const best = weighted.filter(({ weight }) => weight === highest && highest > 0);
  return best.length === 1 && best[0]?.tag !== '*' ? best[0]?.tag : undefined;
}
