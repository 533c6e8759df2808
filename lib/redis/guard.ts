import type { Cluster, Redis } from 'ioredis';
import { type Clock, systemClock } from '../common/clock.js';
import type { EventBus } from '../common/events.js';
import type { Logger } from '../common/logger.js';
import { GuardCore } from './guard-core.js';
import { GuardHandle } from './guard-handle.js';

/** Any ioredis client: made by `createRedis` or by the user. */
export type RedisClient = Redis | Cluster;

/**
 * What became of one guarded call. A failure is a value, never an exception.
 * `down`: not sent, Redis is out of use. `timeout`: sent, not answered in time; it **may still be executed later**.
 * `error`: answered by an error, or the connection broke (executed or not). `error` is safe to log: the first word of
 * an error reply (`OOM`, `READONLY`, `WRONGTYPE`, …) or the name and code of a client error, never keys or values.
 */
export type RedisReply<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: 'down' | 'timeout' }
  | { readonly ok: false; readonly reason: 'error'; readonly error: string };

/** One value per key asked: the bytes, `null` when Redis has none, `undefined` when the node owning the key did not answer. */
export type ReadValues = readonly (Buffer | null | undefined)[];

/** Options of {@link guardOf}. */
export interface GuardOptions {
  /** Who is told of changes: every caller's logger. @default warnings to the console, if no caller gives one */
  readonly logger?: Logger | undefined;
  /** Where `redis-state` events go. Every caller's bus is served. */
  readonly events?: EventBus | undefined;
  readonly clock?: Clock | undefined;
}

/** The one place where Redis may fail: bounded waits, a circuit breaker, and failures as values. */
export interface RedisGuard {
  readonly client: RedisClient;
  readonly isCluster: boolean;
  /** `up` only after admission (reign, clock and every admission task). Starts `down`. */
  readonly state: 'up' | 'down';
  /** `clock.now()` at which it went down; `undefined` while up. */
  readonly downSince: number | undefined;
  /**
   * Runs one call under a wall-clock deadline. Never throws or rejects. While `down` it answers at once, without calling.
   * On a cluster pass a key of the call, so that a hung node answers at once for its own keys and for those only.
   * @param op a short word from a closed set, for events and labels
   * @param deadlineMs @default 80; next to nothing while the server has left a call unanswered
   */
  run<T>(
    op: string,
    call: (client: RedisClient) => Promise<T>,
    deadlineMs?: number,
    key?: string,
  ): Promise<RedisReply<T>>;
  /**
   * GET of many keys as Buffers: all calls of one tick in one MGET (cluster: one pipeline per node), equal keys asked once.
   * `undefined` = Redis unavailable, or the server changed meanwhile. On a cluster a single value is `undefined` when only
   * its node is unavailable. A key of another type reads as `null`.
   */
  readMany(keys: readonly string[]): Promise<ReadValues | undefined>;
  /** As {@link readMany}, told without a promise: `done` must not throw. `false`, and `done` is not called: Redis is unavailable. */
  readThen(keys: readonly string[], done: (values: ReadValues | undefined) => void): boolean;
  /**
   * 16 bytes naming the reign of the server that owns this key now: its process and its time as a master.
   * Changes on restart, failover and slot migration. The same Buffer object until it changes; do not write to it.
   * `undefined` until known: treat the key as unavailable.
   */
  reign(key: string): Buffer | undefined;
  /** Milliseconds since the epoch on Redis' clock, estimated; never jumps back by more than a correction of the offset. */
  now(): number;
  /**
   * Runs before the guard goes `up`, when reign and clock are known; `false` or a rejection keeps it down and is retried.
   * On a cluster it runs before each master is used. The task uses the passed client directly; after 2 s it is given up,
   * and may then run a second time beside the first. Registered while up, it waits for the next admission. Returns the
   * way to unregister.
   */
  beforeAdmission(task: (client: RedisClient) => Promise<boolean>): () => void;
  /** Takes Redis out of use until admission has run again (a lost invalidation). */
  suspend(reason: string): void;
  onStateChange(listener: (state: 'up' | 'down') => void): () => void;
  /** Gives up this hold: its listeners and tasks go, and with the last hold of a client all timers. Does not close the client. */
  close(): void;
}

interface Shared {
  readonly core: GuardCore;
  readonly handles: Set<RedisGuard>;
}

const guards = new WeakMap<RedisClient, Shared>();

/**
 * A hold on the guard of this client. All holds on one client share one breaker, one batch of reads and one admission;
 * the last one to close stops it. The first one decides on the clock.
 */
export function guardOf(client: RedisClient, options: GuardOptions = {}): RedisGuard {
  const { logger, events, clock = systemClock } = options;
  const shared = guards.get(client) ?? { core: new GuardCore(client, clock), handles: new Set() };
  guards.set(client, shared);
  const handle = new GuardHandle(shared.core, (closing) => release(client, shared, closing));
  shared.handles.add(handle);
  shared.core.voice.join(handle, logger, events);
  return handle;
}

function release(client: RedisClient, { core, handles }: Shared, handle: RedisGuard): void {
  core.voice.leave(handle);
  handles.delete(handle);
  if (handles.size > 0) return;
  core.close();
  guards.delete(client);
}
