import type { CacheCore } from '../cache/cache-core.js';
import { lastingKeys } from '../queue/lasting-keys.js';
import type { RedisGuard } from '../redis/guard.js';

const HOUR_MS = 3_600_000;
const HOURS = 24;
const KEPT_PER_HOUR = 1000;
const NOTED_AT_ONCE = 256;
const NOTE_EVERY_MS = 60_000;
// What is longer may have been cut where it was counted.
const MAX_URL = 500;

/** Uses by URL in one hour. */
type Hour = Map<string, number>;

/**
 * The busiest URLs of the last day: what the cache itself notices of its hits, summed by the hour, over all instances
 * where there is a Redis. Bounded: the busiest thousand of each hour.
 */
export class TrafficRanking {
  readonly #core: CacheCore;
  readonly #hours = new Map<number, Hour>();
  #seen = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(core: CacheCore) {
    this.#core = core;
    // What was counted before belongs to no hour in particular; it is taken for the present one.
    this.#timer = setInterval(() => void this.note(), NOTE_EVERY_MS).unref();
  }

  /** Adds what came since the last time. Never rejects. */
  async note(): Promise<void> {
    if (this.#core.isClosed) return this.stop();
    const counts = new Map<string, number>();
    const seen = new Map<string, number>();
    for (const { key, count } of this.#core.topKeys.top(NOTED_AT_ONCE)) {
      if (!key.startsWith('/') || key.length > MAX_URL) continue;
      const before = this.#seen.get(key) ?? 0;
      seen.set(key, count);
      // A smaller number is a new count of a key that was forgotten in between.
      const more = count >= before ? count - before : count;
      if (more > 0) counts.set(key, more);
    }
    this.#seen = seen;
    if (counts.size === 0) return;
    const hour = Math.floor(this.#core.store.now() / HOUR_MS);
    const { guard } = this.#core;
    if (guard !== undefined && (await this.#noteInRedis(guard, hour, counts))) return;
    this.#noteHere(hour, counts);
  }

  /** The `count` busiest URLs, the busiest first. */
  async top(count: number): Promise<readonly string[]> {
    await this.note();
    const now = Math.floor(this.#core.store.now() / HOUR_MS);
    const hours = Array.from({ length: HOURS + 1 }, (_, back) => now - back);
    const total: Hour = new Map();
    for (const hour of hours) addAll(total, this.#hours.get(hour) ?? []);
    if (this.#core.guard !== undefined) addAll(total, await this.#readRedis(this.#core.guard, hours));
    return busiest(total, count).map(([url]) => url);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #noteInRedis(guard: RedisGuard, hour: number, counts: Hour): Promise<boolean> {
    const key = lastingKeys(this.#core.config.namespace).traffic(hour);
    const reply = await guard.run(
      'traffic',
      async (client) => {
        const batch = client.pipeline();
        for (const [url, count] of counts) batch.zincrby(key, count, url);
        batch.zremrangebyrank(key, 0, -KEPT_PER_HOUR - 1);
        batch.expire(key, (HOURS + 1) * 3600);
        await batch.exec();
      },
      1000,
      key,
    );
    return reply.ok;
  }

  async #readRedis(guard: RedisGuard, hours: readonly number[]): Promise<readonly (readonly [string, number])[]> {
    const keys = hours.map(lastingKeys(this.#core.config.namespace).traffic);
    const reply = await guard.run('traffic', (client) => client.zunion(keys.length, keys, 'WITHSCORES'), 2000, keys[0]);
    return reply.ok ? pairs(reply.value) : [];
  }

  #noteHere(hour: number, counts: Hour): void {
    const known = this.#hours.get(hour) ?? new Map<string, number>();
    addAll(known, counts);
    this.#hours.set(hour, new Map(busiest(known, KEPT_PER_HOUR)));
    for (const old of this.#hours.keys()) if (old < hour - HOURS) this.#hours.delete(old);
  }
}

const rankings = new WeakMap<CacheCore, TrafficRanking>();

/** The ranking of a cache; from the first call on it is kept. */
export function trafficRankingOf(core: CacheCore): TrafficRanking {
  const known = rankings.get(core) ?? new TrafficRanking(core);
  rankings.set(core, known);
  return known;
}

function addAll(total: Hour, more: Iterable<readonly [string, number]>): void {
  for (const [url, count] of more) total.set(url, (total.get(url) ?? 0) + count);
}

function busiest(hour: Hour, count: number): [string, number][] {
  return [...hour].sort(([, a], [, b]) => b - a).slice(0, count);
}

// RESP2 gives a flat list of texts, RESP3 a list of pairs.
function pairs(reply: readonly unknown[]): readonly (readonly [string, number])[] {
  if (Array.isArray(reply[0])) return (reply as [string, number][]).map(([url, count]) => [String(url), Number(count)]);
  const found: [string, number][] = [];
  for (let index = 0; index + 1 < reply.length; index += 2)
    found.push([String(reply[index]), Number(reply[index + 1])]);
  return found;
}
