import type { Redis } from 'ioredis';
import { type Links, PROBE_KEY, type ReadPart, type SharedSurroundings } from './links.js';
import { ServerLink } from './server-link.js';

/** One server, or the one Sentinel names: a single link for every key. */
export class SingleLinks implements Links {
  readonly #redis: Redis;
  readonly #link: ServerLink;

  constructor(redis: Redis, around: SharedSurroundings, deadlineMs: number) {
    this.#redis = redis;
    this.#link = new ServerLink(redis, {
      ...around,
      deadlineMs,
      probeKey: () => PROBE_KEY,
      replicaAllowed: true,
      wasLost: false,
    });
  }

  linkOf(): ServerLink {
    return this.#link;
  }

  all(): readonly ServerLink[] {
    return [this.#link];
  }

  partsOf(keys: readonly string[]): readonly ReadPart[] {
    return this.#link.isUp ? [{ link: this.#link, keys }] : [];
  }

  read(_link: ServerLink, keys: readonly string[]): Promise<readonly (Buffer | null)[]> {
    return this.#redis.mgetBuffer(...keys);
  }

  suspectAll(): void {} // its failures are counted one by one

  close(): void {
    this.#link.close();
  }
}
