import type { AppendReply, NewItem, QueuedItem, QueueFigures, QueueLog } from './queue-log.js';

type Poisoned = NewItem & { readonly reason: string };

/** Items in this process: gone with it. */
export class MemoryLog implements QueueLog {
  readonly isDurable = false;
  readonly isHeld = true;
  #items: QueuedItem[] = [];
  /** How many at the beginning of the list are settled. */
  #settled = 0;
  #poisoned: Poisoned[] = [];
  readonly #tries = new Map<string, number>();
  #count = 0;

  async append(items: readonly NewItem[], _first: number, maxLength: number): Promise<AppendReply> {
    const room = Math.max(0, maxLength - this.#waiting);
    const kept = items.slice(0, room);
    for (const { id, text } of kept) this.#items.push({ id, text, entry: String(++this.#count), deliveries: 0 });
    return kept.length;
  }

  async hold(): Promise<boolean> {
    return true;
  }

  keep<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  async release(): Promise<void> {
    // There is nobody to leave it to.
  }

  async take(max: number): Promise<readonly QueuedItem[]> {
    return this.#items.slice(this.#settled, this.#settled + max);
  }

  async settle(items: readonly QueuedItem[]): Promise<boolean> {
    const done = new Set(items.map(({ entry }) => entry));
    for (const entry of done) this.#tries.delete(entry);
    // Items are settled in the order they are taken in, so what is done is always at the beginning.
    while (done.has(this.#items[this.#settled]?.entry ?? '')) this.#settled += 1;
    if (this.#settled * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#settled);
      this.#settled = 0;
    }
    return true;
  }

  async noteTry({ entry }: QueuedItem): Promise<number> {
    const tries = (this.#tries.get(entry) ?? 0) + 1;
    this.#tries.set(entry, tries);
    return tries;
  }

  async setAside(item: QueuedItem, reason: string): Promise<boolean> {
    this.#poisoned.push({ id: item.id, text: item.text, reason });
    return this.settle([item]);
  }

  async poisoned(limit: number): Promise<readonly Poisoned[]> {
    return this.#poisoned.slice(0, limit);
  }

  async requeue(): Promise<number> {
    const back = this.#poisoned;
    this.#poisoned = [];
    await this.append(back, 0, Number.POSITIVE_INFINITY);
    return back.length;
  }

  async figures(): Promise<QueueFigures> {
    return { waiting: this.#waiting, poisoned: this.#poisoned.length };
  }

  get #waiting(): number {
    return this.#items.length - this.#settled;
  }
}
