import type { FramedEntry } from './entry-frame.js';
import { type GroupVersion, isCurrent, NAMESPACE, prefixSequenceOf, softenedAt } from './group-versions.js';
import type { PrefixList } from './prefix-list.js';
import type { Maybe } from './stored-entry.js';

/**
 * How an entry read from Redis stands by the versions read with it: `false` when an invalidation ended it, else since when
 * it is softly invalidated, if it is. Redis is asked once more only where prefixes were invalidated since it was stored.
 */
export function standingOf(
  framed: FramedEntry,
  label: string,
  versions: ReadonlyMap<string, GroupVersion | undefined>,
  prefixes: PrefixList,
): Maybe<number | false | undefined> {
  let softAt: number | undefined;
  for (const [index, stamp] of framed.stamps.entries()) {
    const version = versions.get(index === 0 ? NAMESPACE : stamp.group);
    if (version === undefined || !isCurrent(stamp, version)) return false;
    softAt = earlier(softAt, softenedAt(stamp, version));
  }
  const sequence = prefixSequenceOf(versions.get(NAMESPACE) as GroupVersion);
  return sequence === framed.prefixSequence ? softAt : byPrefix(framed, label, sequence, prefixes, softAt);
}

async function byPrefix(
  framed: FramedEntry,
  label: string,
  sequence: number,
  prefixes: PrefixList,
  softAt: number | undefined,
): Promise<number | false | undefined> {
  const mark = await prefixes.markFor(label, framed.prefixSequence, sequence);
  return mark === 'gone' ? false : earlier(softAt, mark?.softAt);
}

function earlier(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
