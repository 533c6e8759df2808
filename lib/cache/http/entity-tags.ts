/** An entity tag (RFC 9110 §8.8.3). `opaque` keeps its quotes. */
export interface EntityTag {
  readonly weak: boolean;
  readonly opaque: string;
}

// etagc: no space, no control character, no quote.
const ENTITY_TAG = /^(W\/)?("[\x21\x23-\x7e\x80-\uffff]*")$/;

/** Reads one entity tag; `undefined` for anything else (unquoted, lower-case `w/`, …). */
export function parseEntityTag(text: string | undefined): EntityTag | undefined {
  const match = text === undefined ? undefined : ENTITY_TAG.exec(text.trim());
  return match ? { weak: match[1] !== undefined, opaque: match[2] ?? '' } : undefined;
}

/**
 * Reads the value of `If-None-Match` or `If-Match`: `'*'`, or the entity tags in it. Commas inside quotes belong to
 * the tag. Members that are no entity tags are left out, so they match nothing. Linear; never throws.
 */
export function parseEntityTagList(value: string): '*' | readonly EntityTag[] {
  if (value.trim() === '*') return '*';
  const tags: EntityTag[] = [];
  let start = 0;
  let quoted = false; // a backslash escapes nothing inside an entity tag
  for (let i = 0; i <= value.length; i++) {
    const char = i < value.length ? value.charCodeAt(i) : -1;
    if (char === 0x22) quoted = !quoted;
    if (char !== -1 && (char !== 0x2c || quoted)) continue;
    const tag = parseEntityTag(value.slice(start, i));
    if (tag) tags.push(tag);
    start = i + 1;
  }
  return tags;
}

/** RFC 9110 §8.8.3.2: same opaque text; weakness does not matter. */
export function weaklyEqual(a: EntityTag, b: EntityTag): boolean {
  return a.opaque === b.opaque;
}

/** RFC 9110 §8.8.3.2: same opaque text, and neither is weak. */
export function stronglyEqual(a: EntityTag, b: EntityTag): boolean {
  return !a.weak && !b.weak && a.opaque === b.opaque;
}
