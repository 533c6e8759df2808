/** Something unpacked that is worth keeping so while it is asked for. */
export interface HotSlot {
  /** Set by every read, cleared when the hand passes. */
  wasRead: boolean;
}

/** A bounded number of slots that stay unpacked: second chance for what was read since the hand came by (CLOCK). */
export class HotSlots<S extends HotSlot> {
  readonly #ring: S[] = [];
  readonly #limit: number;
  readonly #cool: (slot: S) => void;
  #hand = 0;

  /** `cool` is called for a slot that has to make room. */
  constructor(limit: number, cool: (slot: S) => void) {
    this.#limit = Math.max(1, limit);
    this.#cool = cool;
  }

  add(slot: S): void {
    if (this.#ring.length < this.#limit) {
      this.#ring.push(slot);
      return;
    }
    while (this.#at(this.#hand).wasRead) {
      this.#at(this.#hand).wasRead = false;
      this.#advance();
    }
    this.#cool(this.#at(this.#hand));
    this.#ring[this.#hand] = slot;
    this.#advance();
  }

  clear(): void {
    this.#ring.length = 0;
    this.#hand = 0;
  }

  #at(place: number): S {
    return this.#ring[place] as S;
  }

  #advance(): void {
    this.#hand = (this.#hand + 1) % this.#ring.length;
  }
}
