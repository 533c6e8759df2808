import type { LaneTicket } from './lane-ticket.js';

const MAX_TARGETS = 10_000;

/** A target that has had a hit, and what was set before the cache. */
export interface Candidate {
  outer: string;
  /** Whether those fields were different before. */
  differed: boolean;
  /** Only then is a request followed again. */
  followAt: number;
}

/** What is known of targets, those learned or looked at again last. */
export class LaneTargets {
  readonly #known = new Map<string, LaneTicket | Candidate>();

  get(target: string): LaneTicket | Candidate | undefined {
    return this.#known.get(target);
  }

  has(target: string): boolean {
    return this.#known.has(target);
  }

  // Whatever is asked for comes here again with every review, which is often enough to tell it from what is not.
  set(target: string, known: LaneTicket | Candidate): void {
    this.#known.delete(target);
    this.#known.set(target, known);
    if (this.#known.size <= MAX_TARGETS) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }

  delete(target: string): void {
    this.#known.delete(target);
  }

  clear(): void {
    this.#known.clear();
  }
}
