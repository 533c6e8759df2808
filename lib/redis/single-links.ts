import type { Redis } from 'ioredis';
import { type Links, PROBE_KEY, type ReadPart, type SharedSurroundings, UPKEEP_MS } from './links.js';
import { SentinelWatch } from './sentinel-watch.js';
import { ServerLink } from './server-link.js';

/** One server, or the one Sentinel names: a single link for every key. */
export class SingleLinks implements Links {
  readonly #redis: Redis;
  readonly #link: ServerLink;
  #watch: SentinelWatch | undefined;

  constructor(redis: Redis, around: SharedSurroundings, deadlineMs: number) {
    this.#redis = redis;
    this.#link = new ServerLink(redis, {
      ...around,
      deadlineMs,
      probeKey: () => PROBE_KEY,
      admit: () => this.#admit(around),
      replicaAllowed: true,
      upkeepMs: redis.options.sentinels?.length ? UPKEEP_MS.replaceable : UPKEEP_MS.alone,
      wasLost: false,
    });
    this.#watchSentinels();
    // A client that was ended stays so, unless its owner connects it again.
    redis.on('end', this.#unwatch);
    redis.on('connecting', this.#watchSentinels);
  }

  linkOf(): ServerLink {
    return this.#link;
  }

  all(): readonly ServerLink[] {
    return [this.#link];
  }

  partsOf(keys: readonly string[]): readonly ReadPart[] {
    return this.#link.isUp && keys.length > 0 ? [{ link: this.#link, keys }] : [];
  }

  read(_link: ServerLink, keys: readonly string[]): Promise<readonly (Buffer | null)[]> {
    return this.#redis.mgetBuffer(...keys);
  }

  suspectAll(): void {} // its failures are counted one by one

  close(): void {
    this.#redis.removeListener('end', this.#unwatch);
    this.#redis.removeListener('connecting', this.#watchSentinels);
    this.#unwatch();
    this.#link.close();
  }

  readonly #unwatch = (): void => {
    this.#watch?.close();
    this.#watch = undefined;
  };

  readonly #watchSentinels = (): void => {
    const { sentinels, role } = this.#redis.options;
    if (!sentinels?.length || role === 'slave' || this.#redis.status === 'end') return;
    this.#watch ??= new SentinelWatch(this.#redis, () => this.#leaveMaster());
  };

  async #admit(around: SharedSurroundings): Promise<boolean> {
    if (this.#watch && !(await this.#watch.agrees())) {
      this.#leaveMaster();
      return false;
    }
    return around.admit();
  }

  #leaveMaster(): void {
    this.#link.suspend('failover');
    if (this.#redis.status === 'ready') this.#redis.disconnect(true);
  }
}
