import type { InvalidationOrder } from './entry-store.js';

/** How an entry stands after the invalidations since its fence: untouched, gone, or stale since an instant. */
export type Verdict = 'valid' | 'gone' | { readonly softAt: number };

interface Mark {
  hard: number;
  soft: number;
  softAt: number;
}

const NEVER: Mark = Object.freeze({ hard: 0, soft: 0, softAt: 0 });

/**
 * Remembers what was invalidated in this process, as sequence numbers: an entry is gone when one of its groups has a
 * number above the one taken before its handler ran. The cost of an invalidation does not depend on how many entries
 * it ends. Bounded: when the list overflows, its oldest part becomes a floor below which everything counts as invalidated.
 */
export class InvalidationLedger {
  #sequence = 1;
  #floor = 0;
  readonly #everything: Mark = { hard: 0, soft: 0, softAt: 0 };
  readonly #groups = new Map<string, Mark>();
  readonly #prefixes = new Map<string, Mark>();
  readonly #maxMarks: number;

  constructor(maxMarks = 100_000) {
    this.#maxMarks = maxMarks;
  }

  /** The fence: taken before a handler runs. Equal numbers mean that nothing was invalidated in between. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Something may have been missed: everything fenced until now counts as invalidated. */
  forget(): void {
    this.#sequence += 1;
    this.#floor = this.#sequence;
  }

  record(order: InvalidationOrder, now: number): void {
    this.#sequence += 1;
    if (order.everything) this.#mark(this.#everything, order.soft, now);
    for (const group of order.groups) this.#mark(markOf(this.#groups, group), order.soft, now);
    for (const prefix of order.prefixes) this.#mark(markOf(this.#prefixes, prefix), order.soft, now);
    this.#trim(this.#groups);
    this.#trim(this.#prefixes);
  }

  /** How an entry stands that was made under the fence `since`. */
  verdict(since: number, groups: readonly string[], label: string): Verdict {
    if (since === this.#sequence) return 'valid';
    if (since < this.#floor || this.#everything.hard > since) return 'gone';
    let softAt = this.#everything.soft > since ? this.#everything.softAt : Number.POSITIVE_INFINITY;
    for (const group of groups) {
      const mark = this.#groups.get(group) ?? NEVER;
      if (mark.hard > since) return 'gone';
      if (mark.soft > since && mark.softAt < softAt) softAt = mark.softAt;
    }
    for (const [prefix, mark] of this.#prefixes) {
      if (mark.hard <= since && mark.soft <= since) continue;
      if (!label.startsWith(prefix)) continue;
      if (mark.hard > since) return 'gone';
      if (mark.softAt < softAt) softAt = mark.softAt;
    }
    return softAt === Number.POSITIVE_INFINITY ? 'valid' : { softAt };
  }

  #mark(mark: Mark, soft: boolean, now: number): void {
    if (soft) [mark.soft, mark.softAt] = [this.#sequence, now];
    else mark.hard = this.#sequence;
  }

  // Maps keep insertion order and markOf re-inserts, so the first one is the one marked longest ago.
  #trim(marks: Map<string, Mark>): void {
    for (const [name, mark] of marks) {
      if (marks.size <= this.#maxMarks) return;
      this.#floor = Math.max(this.#floor, mark.hard, mark.soft);
      marks.delete(name);
    }
  }
}

function markOf(marks: Map<string, Mark>, name: string): Mark {
  const mark = marks.get(name) ?? { hard: 0, soft: 0, softAt: 0 };
  marks.delete(name);
  marks.set(name, mark);
  return mark;
}
