import { randomUUID } from 'node:crypto';
import type { RedisGuard } from '../redis/guard.js';
import { evalCommand, keyCommand, redisScript } from './redis-script.js';
import type { TickBatch } from './tick-batch.js';

const BEAT_MS = 2000;
const STALE_MS = 3 * BEAT_MS + 500;

// KEYS: instances, resets. ARGV: id, ms after which a silent instance is gone. Ages are Redis' own; scores from a
// master whose clock ran ahead go as well.
const BEAT_SCRIPT = redisScript(`
local time, stale = redis.call('TIME'), tonumber(ARGV[2])
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - stale))
redis.call('ZREMRANGEBYSCORE', KEYS[1], string.format('(%.0f', now + stale), '+inf')
redis.call('PEXPIRE', KEYS[1], stale)
return { redis.call('ZCARD', KEYS[1]), tonumber(redis.call('GET', KEYS[2]) or '0') }
`);

/** The two keys of a census; on a cluster they must share a slot. */
export interface CensusKeys {
  readonly instances: string;
  readonly resets: string;
}

/**
 * How many processes count against the same Redis, by a heartbeat every two seconds; the last number known is what an
 * outage is shared by. The same heartbeat carries the news that some instance reset a client's quota.
 */
export class InstanceCensus {
  readonly #guard: RedisGuard;
  readonly #batch: TickBatch;
  readonly #keys: CensusKeys;
  readonly #id = randomUUID();
  readonly #onReset = new Set<() => void>();
  #resets: number | undefined;
  #instances = 1;
  #timer: NodeJS.Timeout | undefined;
  #unwatch: (() => void) | undefined;

  constructor(guard: RedisGuard, batch: TickBatch, keys: CensusKeys) {
    this.#guard = guard;
    this.#batch = batch;
    this.#keys = keys;
  }

  /** Live instances, this one included; the last number known while Redis is away. */
  get instances(): number {
    return this.#instances;
  }

  /** Takes part until the returned function is called, which resolves when that has been said. `onReset` runs when any instance has reset a quota. */
  join(onReset: () => void): () => Promise<void> {
    this.#onReset.add(onReset);
    if (!this.#timer) this.#start();
    return async () => {
      this.#onReset.delete(onReset);
      if (this.#onReset.size === 0) await this.#stop();
    };
  }

  /** Tells all instances to forget the refusals they remember. */
  async announceReset(): Promise<void> {
    await this.#batch.send(keyCommand('INCR', this.#keys.resets));
  }

  async beat(): Promise<void> {
    if (this.#guard.state === 'down') return;
    const keys = [this.#keys.instances, this.#keys.resets];
    const reply = await this.#batch.send(evalCommand(BEAT_SCRIPT, keys, [this.#id, STALE_MS]));
    if (!reply.ok || !Array.isArray(reply.value)) return;
    const [instances, resets] = reply.value as [number, number];
    this.#instances = Math.max(1, instances);
    const known = this.#resets;
    this.#resets = resets;
    if (known !== undefined && known !== resets) for (const listener of this.#onReset) listener();
  }

  #start(): void {
    // The timer holds the census weakly: a limiter that is simply dropped takes its heartbeat with it.
    const census = new WeakRef(this);
    const timer = setInterval(() => {
      const alive = census.deref();
      if (alive) void alive.beat();
      else clearInterval(timer);
    }, BEAT_MS);
    timer.unref();
    this.#timer = timer;
    this.#unwatch = this.#guard.onStateChange((state) => {
      if (state === 'up') void this.beat();
    });
    void this.beat();
  }

  async #stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#unwatch?.();
    await this.#batch.send(keyCommand('ZREM', this.#keys.instances, this.#id));
  }
}
