import { LruTable } from '../common/lru-table.js';
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

/** What is known of the targets asked for last. */
export class LaneTargets {
  readonly #table = new LruTable<LaneTicket | Candidate>();

  get(target: string): LaneTicket | Candidate | undefined {
    const row = this.#table.find(target);
    if (row === -1) return undefined;
    this.#table.touch(row);
    return this.#table.valueAt(row);
  }

  has(target: string): boolean {
    return this.#table.find(target) !== -1;
  }

  set(target: string, known: LaneTicket | Candidate): void {
    const row = this.#table.find(target);
    if (row !== -1) return this.#table.replaceAt(row, known);
    this.#table.add(target, known);
    if (this.#table.size > MAX_TARGETS) this.#table.remove(this.#table.oldest);
  }

  delete(target: string): void {
    const row = this.#table.find(target);
    if (row !== -1) this.#table.remove(row);
  }

  clear(): void {
    this.#table.clear();
  }
}
