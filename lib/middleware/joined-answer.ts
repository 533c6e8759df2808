/** Who keeps an answer as one piece of memory from one hit to the next. */
export interface JoinHolder {
  joined: JoinedAnswer | undefined;
  /** The head that was last sent with a body that could be joined. */
  lastHead: string | undefined;
}

/** Head and body in one piece. */
export interface JoinedAnswer {
  head: string;
  readonly body: Buffer | string;
  readonly bytes: Buffer;
  /** Set by whoever could not hand all of it to the system: it is being read, and must not change any more. */
  isBusy: boolean;
  readonly madeAt: number;
}

// Below it a text is as fast; above it the copy costs more than it saves.
const LEAST_BYTES = 4 * 1024;
const MOST_BYTES = 64 * 1024;
const BUDGET_BYTES = 8 * 1024 * 1024;
// Answers in use are not given up for others in use: they would all be made again for each hit.
const LEAST_LIFE_MS = 1000;

/** Answers kept as head and body in one piece, so that they leave in one write: two pieces cost the system twice. */
export class JoinedAnswers {
  readonly #budgetBytes: number;
  readonly #now: () => number;
  readonly #holders = new Set<JoinHolder>();
  #heldBytes = 0;

  /** @param budgetBytes what all of them may hold @param now milliseconds */
  constructor(budgetBytes = BUDGET_BYTES, now = (): number => performance.now()) {
    this.#budgetBytes = budgetBytes;
    this.#now = now;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * The answer of this head and body. Made for the second with the same head; a later head is written over it as long as nobody
   * is reading. `undefined`: they have to be sent apart.
   */
  of(holder: JoinHolder, head: string, body: Buffer | string): JoinedAnswer | undefined {
    const { joined } = holder;
    if (joined !== undefined && joined.body === body) {
      if (joined.head === head) return joined;
      if (!joined.isBusy && joined.head.length === head.length) {
        joined.bytes.write(head, 0, 'latin1');
        joined.head = head;
        return joined;
      }
    }
    if (body.length < LEAST_BYTES || body.length > MOST_BYTES) return undefined;
    if (holder.lastHead === head) return this.#join(holder, head, body);
    holder.lastHead = head;
    return undefined;
  }

  #join(holder: JoinHolder, head: string, body: Buffer | string): JoinedAnswer | undefined {
    const length = head.length + body.length;
    const now = this.#now();
    if (holder.joined !== undefined) this.#giveUp(holder, holder.joined);
    if (!this.#makeRoom(length, now)) return undefined;
    // Not from the pool of small buffers, which would stay in memory as a whole.
    const bytes = Buffer.allocUnsafeSlow(length);
    bytes.write(head, 0, 'latin1');
    if (typeof body === 'string') bytes.write(body, head.length, 'latin1');
    else body.copy(bytes, head.length);
    holder.joined = { head, body, bytes, isBusy: false, madeAt: now };
    this.#holders.add(holder);
    this.#heldBytes += length;
    return holder.joined;
  }

  // The oldest goes first.
  #makeRoom(length: number, now: number): boolean {
    for (const holder of this.#holders) {
      if (this.#heldBytes + length <= this.#budgetBytes) return true;
      const joined = holder.joined as JoinedAnswer;
      if (now - joined.madeAt < LEAST_LIFE_MS) return false;
      this.#giveUp(holder, joined);
    }
    return this.#heldBytes + length <= this.#budgetBytes;
  }

  #giveUp(holder: JoinHolder, joined: JoinedAnswer): void {
    holder.joined = undefined;
    this.#holders.delete(holder);
    this.#heldBytes -= joined.bytes.length;
  }
}

/** Those of this process. */
export const joinedAnswers = new JoinedAnswers();
