import { WarmpathError } from '../common/errors.js';
import type { AppendReply, NewItem, QueueLog } from './queue-log.js';

interface Letter extends NewItem {
  readonly until: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const MAX_PER_APPEND = 500;
const MAX_TEXT_PER_APPEND = 1024 * 1024;
const MAX_UNSENT = 20_000;
const RETRY_MS = 50;

/** What is pushed and not acknowledged yet. Pushes of one moment are sent together, and always in their order. */
export class Outbox {
  readonly #queue: string;
  readonly #log: QueueLog;
  readonly #maxLength: number;
  readonly #onKept: (count: number) => void;
  readonly #letters: Letter[] = [];
  /** The number of the first letter; every letter has the next one. */
  #first = 1;
  #isSending = false;
  #wake: () => void = () => {};
  #idle: (() => void)[] = [];

  constructor(queue: string, log: QueueLog, maxLength: number, onKept: (count: number) => void) {
    this.#queue = queue;
    this.#log = log;
    this.#maxLength = maxLength;
    this.#onKept = onKept;
  }

  /** Resolves when the item is kept, for good where the log is durable. Rejects with `ERR_QUEUE_FULL` or `ERR_UNAVAILABLE`. */
  post(item: NewItem, timeoutMs: number): Promise<void> {
    if (this.#letters.length >= MAX_UNSENT) return Promise.reject(this.#full('as many pushes wait as may'));
    return new Promise((resolve, reject) => {
      this.#letters.push({ ...item, until: performance.now() + timeoutMs, resolve, reject });
      if (!this.#isSending) void this.#send();
    });
  }

  /** Whether every push is acknowledged or refused. */
  get isEmpty(): boolean {
    return !this.#isSending;
  }

  /** Resolves when every push is acknowledged or refused. */
  empty(): Promise<void> {
    return this.#isSending ? new Promise((resolve) => this.#idle.push(resolve)) : Promise.resolve();
  }

  /** Tries at once instead of a moment later. */
  nudge(): void {
    this.#wake();
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    // Everything that is pushed in this turn goes together.
    await new Promise(setImmediate);
    while (this.#letters.length > 0) {
      const letters = this.#next();
      const reply = await this.#log.append(letters, this.#first, this.#maxLength);
      const kept = this.#settle(letters, reply);
      if (kept === letters.length) continue;
      this.#refuseLate(reply);
      if (this.#letters.length > 0) await this.#pause();
    }
    this.#isSending = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #next(): readonly Letter[] {
    let size = 0;
    let count = 0;
    for (const { text } of this.#letters) {
      size += text.length;
      if (count > 0 && (count >= MAX_PER_APPEND || size > MAX_TEXT_PER_APPEND)) break;
      count += 1;
    }
    return this.#letters.slice(0, count);
  }

  #settle(letters: readonly Letter[], reply: AppendReply): number {
    const kept = reply === 'unavailable' ? 0 : Math.min(reply, letters.length);
    for (const letter of this.#letters.splice(0, kept)) letter.resolve();
    this.#first += kept;
    if (kept > 0) this.#onKept(kept);
    return kept;
  }

  #refuseLate(reply: AppendReply): void {
    const now = performance.now();
    // In their order, so those that have waited longest are at the beginning.
    while (this.#letters[0] !== undefined && this.#letters[0].until <= now) {
      const error =
        reply === 'unavailable'
          ? new WarmpathError('ERR_UNAVAILABLE', `writeBehind '${this.#queue}': Redis did not confirm the item in time`)
          : this.#full(`it holds ${this.#maxLength} items`);
      this.#letters.shift()?.reject(error);
      this.#first += 1;
    }
  }

  #full(why: string): WarmpathError {
    return new WarmpathError('ERR_QUEUE_FULL', `writeBehind '${this.#queue}': the queue is full, ${why}`);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, RETRY_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
