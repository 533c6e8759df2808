import type { RedisGuard } from '../redis/guard.js';

type PrefixMark = { readonly prefix: string; readonly sequence: number; readonly softAt: number | undefined };

/**
 * The prefixes invalidated in the namespace, as this process knows them. The list is fetched again only when the
 * namespace record, which every read sees, tells of a newer one.
 */
export class PrefixList {
  readonly #guard: RedisGuard;
  readonly #key: string;
  #marks: readonly PrefixMark[] = [];
  #sequence = 0;
  #fetching: { readonly sequence: number; readonly done: Promise<void> } | undefined;

  constructor(guard: RedisGuard, key: string) {
    this.#guard = guard;
    this.#key = key;
  }

  /** What the prefixes noted after `since` say of a label, when the namespace stands at `current`. In doubt: gone. */
  async markFor(
    label: string,
    since: number,
    current: number,
  ): Promise<'gone' | { readonly softAt: number } | undefined> {
    if (since > current) return 'gone';
    if (this.#sequence !== current) await this.#fetch(current);
    if (this.#sequence !== current) return 'gone';
    let softAt = Number.POSITIVE_INFINITY;
    for (const mark of this.#marks) {
      if (mark.sequence <= since || !label.startsWith(mark.prefix)) continue;
      if (mark.softAt === undefined) return 'gone';
      softAt = Math.min(softAt, mark.softAt);
    }
    return softAt === Number.POSITIVE_INFINITY ? undefined : { softAt };
  }

  #fetch(sequence: number): Promise<void> {
    if (this.#fetching?.sequence === sequence) return this.#fetching.done;
    const done = this.#load();
    this.#fetching = { sequence, done };
    return done.finally(() => {
      this.#fetching = undefined;
    });
  }

  async #load(): Promise<void> {
    const reply = await this.#guard.run('prefixes', (client) => client.hgetall(this.#key), undefined, this.#key);
    if (!reply.ok) return;
    this.#marks = Object.entries(reply.value).map(([prefix, value]) => parse(prefix, value));
    this.#sequence = this.#marks.reduce((highest, mark) => Math.max(highest, mark.sequence), 0);
  }
}

// A value is the sequence number, then 'h', or 's' and the instant.
function parse(prefix: string, value: string): PrefixMark {
  const [sequence, mode, at] = value.split(' ');
  return { prefix, sequence: Number(sequence), softAt: mode === 's' ? Number(at) : undefined };
}
