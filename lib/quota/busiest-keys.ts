/** One of the busiest clients, named by digest only. */
export interface BusyKey {
  readonly key: string;
  readonly tier: string;
  /** Recent requests: an estimate that never falls short, halved now and then so that old fame fades. */
  readonly requests: number;
  readonly limited: number;
}

interface Tally {
  tier: string;
  requests: number;
  limited: number;
}

const CAPACITY = 128;
const HALVE_EVERY = 65_536;

/** The heaviest keys in constant space (the space-saving algorithm of Metwally, Agrawal and El Abbadi). */
export class BusiestKeys {
  readonly #tallies = new Map<string, Tally>();
  #seen = 0;

  count(digest: string, tier: string, limited: boolean): void {
    if (++this.#seen % HALVE_EVERY === 0) this.#fade();
    const tally = this.#tallies.get(digest) ?? this.#admit(digest, tier);
    tally.tier = tier;
    tally.requests++;
    if (limited) tally.limited++;
  }

  /** The `most` heaviest, heaviest first. */
  top(most: number): BusyKey[] {
    return [...this.#tallies]
      .map(([key, { tier, requests, limited }]) => ({ key, tier, requests, limited }))
      .sort((a, b) => b.requests - a.requests)
      .slice(0, most);
  }

  // A newcomer takes the place of the lightest and inherits its count: that is what keeps a heavy key from being missed.
  #admit(digest: string, tier: string): Tally {
    let lightest: string | undefined;
    let least = 0;
    if (this.#tallies.size >= CAPACITY) {
      least = Number.POSITIVE_INFINITY;
      for (const [key, { requests }] of this.#tallies) {
        if (requests < least) [lightest, least] = [key, requests];
      }
    }
    if (lightest !== undefined) this.#tallies.delete(lightest);
    const tally = { tier, requests: least, limited: 0 };
    this.#tallies.set(digest, tally);
    return tally;
  }

  #fade(): void {
    for (const [key, tally] of this.#tallies) {
      tally.requests >>= 1;
      tally.limited >>= 1;
      if (tally.requests === 0) this.#tallies.delete(key);
    }
  }
}
