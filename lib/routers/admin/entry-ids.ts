import { createHash } from 'node:crypto';

const MAX_KNOWN = 5000;

/** Gives entries names that tell nothing, so that a page can act on an entry whose real name it must not see. */
export class EntryIds {
  readonly #labels = new Map<string, string>();

  idOf(label: string): string {
    const id = createHash('sha256').update(label).digest('hex').slice(0, 20);
    // Moved to the end when shown again; the one not shown for longest goes first.
    this.#labels.delete(id);
    this.#labels.set(id, label);
    if (this.#labels.size > MAX_KNOWN) this.#labels.delete(this.#labels.keys().next().value as string);
    return id;
  }

  labelOf(id: string): string | undefined {
    return this.#labels.get(id);
  }
}
