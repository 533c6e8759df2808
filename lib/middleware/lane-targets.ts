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

type Known = LaneTicket | Candidate;

/** What is known of targets: a group, such as a host, and a URL. The number is bounded, and so is that of groups. */
export class LaneTargets {
  // Two short lookups: a text made of both would be put together, and hashed, for every request.
  readonly #groups = new Map<string, Map<string, Known>>();
  #size = 0;

  get(group: string, url: string): Known | undefined {
    return this.#groups.get(group)?.get(url);
  }

  /** Whatever is asked for comes here again with every review, which tells it well enough from what is not. */
  set(group: string, url: string, known: Known): void {
    this.delete(group, url);
    const targets = this.#groups.get(group) ?? new Map<string, Known>();
    targets.set(url, known);
    this.#size += 1;
    // The group used last stands last, and its target, too.
    this.#groups.delete(group);
    this.#groups.set(group, targets);
    if (this.#size > MAX_TARGETS) this.#dropOldest();
  }

  delete(group: string, url: string): void {
    const targets = this.#groups.get(group);
    if (targets?.delete(url) !== true) return;
    this.#size -= 1;
    if (targets.size === 0) this.#groups.delete(group);
  }

  clear(): void {
    this.#groups.clear();
    this.#size = 0;
  }

  #dropOldest(): void {
    for (const [group, targets] of this.#groups) for (const url of targets.keys()) return this.delete(group, url);
  }
}
