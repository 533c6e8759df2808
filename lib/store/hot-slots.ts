/** Something unpacked that is worth keeping so while it is asked for. */
export interface HotSlot {
  readonly name: string;
  /** Set by every read, cleared when the hand passes. */
  wasRead: boolean;
}

/**
 * A bounded number of slots that stay unpacked, by name: second chance for what was read since the hand came by (CLOCK).
 * However many entries there are, those asked for all the time are found in this small map.
 */
export class HotSlots<S extends HotSlot> {
  readonly #byName = new Map<string, S>();
  readonly #ring: S[] = [];
  readonly #limit: number;
  #hand = 0;

  constructor(limit: number) {
    this.#limit = Math.max(1, limit);
  }

  /** The slot of a name, read now. */
  read(name: string): S | undefined {
    const slot = this.#byName.get(name);
    if (slot !== undefined) slot.wasRead = true;
    return slot;
  }

  /** One more slot, whose name has none. */
  add(slot: S): void {
    this.#byName.set(slot.name, slot);
    if (this.#ring.length < this.#limit) {
      this.#ring.push(slot);
      return;
    }
    while (this.#atHand().wasRead) {
      this.#atHand().wasRead = false;
      this.#advance();
    }
    this.#forget(this.#atHand());
    this.#ring[this.#hand] = slot;
    this.#advance();
  }

  delete(name: string): void {
    const slot = this.#byName.get(name);
    if (slot === undefined) return;
    // Its place in the ring is the next to be taken.
    slot.wasRead = false;
    this.#byName.delete(name);
  }

  clear(): void {
    this.#byName.clear();
    this.#ring.length = 0;
    this.#hand = 0;
  }

  // A slot that was deleted is still in the ring, and its name may be another's by now.
  #forget(slot: S): void {
    if (this.#byName.get(slot.name) === slot) this.#byName.delete(slot.name);
  }

  #atHand(): S {
    return this.#ring[this.#hand] as S;
  }

  #advance(): void {
    this.#hand = (this.#hand + 1) % this.#ring.length;
  }
}
