/** Something unpacked that is worth keeping so while it is asked for. */
export interface HotSlot {
  readonly name: string;
  /** Set by every read, cleared when the hand passes. */
  wasRead: boolean;
  /** Set by every read; whoever decides what has to go clears it. */
  isUsed: boolean;
  /** Where it is among the hot slots; -1 when it is not, or no longer. */
  place: number;
}

/**
 * A bounded number of slots that stay unpacked, by name: second chance for what was read since the hand came by (CLOCK).
 * However many entries there are, those asked for all the time are found in this small map.
 */
export class HotSlots<S extends HotSlot> {
  readonly #byName = new Map<string, S>();
  // A gap where a slot was deleted: what it held on to is not to be kept by a place that waits to be taken again.
  readonly #ring: (S | undefined)[] = [];
  readonly #limit: number;
  // By the row's last digits: which row was turned away last. Most of those asked for once are forgotten before they come again.
  readonly #turnedAway: Int32Array;
  #hand = 0;

  constructor(limit: number) {
    this.#limit = Math.max(1, limit);
    this.#turnedAway = new Int32Array(this.#limit).fill(-1);
  }

  /** The slot of a name, read now. */
  read(name: string): S | undefined {
    const slot = this.#byName.get(name);
    if (slot !== undefined) note(slot);
    return slot;
  }

  /** The slot of a name, without reading it. */
  peek(name: string): S | undefined {
    return this.#byName.get(name);
  }

  get size(): number {
    return this.#byName.size;
  }

  /** The slot in a place, read now, if it is still the one that came there. */
  at(place: number): S | undefined {
    const slot = this.#ring[place];
    if (slot === undefined || slot.place !== place) return undefined;
    note(slot);
    return slot;
  }

  /**
   * One more slot, whose name has none: if there is room, or it is asked for the second time lately. One that nobody asks
   * for again would push out one that is asked for, and everything made for it would be kept for nothing.
   */
  offer(slot: S, row: number): void {
    const at = row % this.#limit;
    if (this.#byName.size < this.#limit || this.#turnedAway[at] === row) this.add(slot);
    else this.#turnedAway[at] = row;
  }

  /** One more slot, whose name has none. */
  add(slot: S): void {
    this.#byName.set(slot.name, slot);
    if (this.#ring.length < this.#limit) {
      slot.place = this.#ring.push(slot) - 1;
      return;
    }
    for (let at = this.#ring[this.#hand]; at?.wasRead; at = this.#ring[this.#hand]) {
      at.wasRead = false;
      this.#advance();
    }
    const pushedOut = this.#ring[this.#hand];
    if (pushedOut !== undefined) this.delete(pushedOut.name);
    this.#ring[this.#hand] = slot;
    slot.place = this.#hand;
    this.#advance();
  }

  delete(name: string): void {
    const slot = this.#byName.get(name);
    if (slot === undefined) return;
    this.#byName.delete(name);
    this.#ring[slot.place] = undefined;
    slot.place = -1;
  }

  clear(): void {
    this.#byName.clear();
    for (const slot of this.#ring) if (slot !== undefined) slot.place = -1;
    this.#ring.length = 0;
    this.#turnedAway.fill(-1);
    this.#hand = 0;
  }

  #advance(): void {
    this.#hand = (this.#hand + 1) % this.#ring.length;
  }
}

function note(slot: HotSlot): void {
  slot.wasRead = true;
  slot.isUsed = true;
}
