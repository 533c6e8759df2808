import type { Redis } from 'ioredis';
import { type Logger, warningsOnly } from '../common/logger.js';
import { failureOf } from './failure.js';
import type { RedisGuard } from './guard.js';
import { SubscriberConnection } from './subscriber-connection.js';

/** Messages by channel, and whether any may have been missed. */
export interface Subscriber {
  /** True while every subscription is in force and the connection answers. */
  readonly isConfirmed: boolean;
  /**
   * Calls `onMessage` with each message of a channel, until the returned function is called. `onActive` tells each time
   * from when on nothing is missed: now, and after each reconnect. The first subscription of all opens the connection.
   */
  subscribe(channel: string, onMessage: (message: Buffer) => void, onActive?: () => void): () => void;
  /** The connection is new and all subscriptions are in force: what was published before may have been missed. */
  onConfirmed(listener: () => void): () => void;
  /** Messages may be missed from now on. A dead peer is noticed within two seconds. */
  onLost(listener: () => void): () => void;
  close(): void;
}

interface Subscription {
  readonly onMessage: (message: Buffer) => void;
  readonly onActive: (() => void) | undefined;
}

/**
 * A connection of its own for the client's pub/sub, even on a cluster: the Cluster object's own one reconnects without
 * a word, and what was published meanwhile is lost unnoticed.
 */
export function createSubscriber(guard: RedisGuard, { logger = warningsOnly }: { logger?: Logger } = {}): Subscriber {
  return new RedisSubscriber(guard, logger);
}

class RedisSubscriber implements Subscriber {
  readonly #guard: RedisGuard;
  readonly #logger: Logger;
  readonly #channels = new Map<string, Set<Subscription>>();
  readonly #confirmedListeners = new Set<() => void>();
  readonly #lostListeners = new Set<() => void>();
  #connection: SubscriberConnection | undefined;
  #redis: Redis | undefined;
  #isConfirmed = false;
  #isDenialReported = false;
  #isClosed = false;

  constructor(guard: RedisGuard, logger: Logger) {
    this.#guard = guard;
    this.#logger = logger;
  }

  get isConfirmed(): boolean {
    return this.#isConfirmed;
  }

  subscribe(channel: string, onMessage: (message: Buffer) => void, onActive?: () => void): () => void {
    const subscription: Subscription = { onMessage, onActive };
    const known = this.#channels.get(channel);
    if (known) known.add(subscription);
    else this.#channels.set(channel, new Set([subscription]));
    if (this.#redis && !known) void this.#confirm(this.#redis, [channel], false);
    else if (this.#isConfirmed) onActive?.();
    this.#connect();
    return () => this.#unsubscribe(channel, subscription);
  }

  onConfirmed(listener: () => void): () => void {
    this.#confirmedListeners.add(listener);
    return () => this.#confirmedListeners.delete(listener);
  }

  onLost(listener: () => void): () => void {
    this.#lostListeners.add(listener);
    return () => this.#lostListeners.delete(listener);
  }

  close(): void {
    this.#isClosed = true;
    this.#isConfirmed = false;
    this.#redis = undefined;
    this.#connection?.close();
    this.#channels.clear();
    this.#confirmedListeners.clear();
    this.#lostListeners.clear();
  }

  #connect(): void {
    if (this.#isClosed) return;
    this.#connection ??= new SubscriberConnection(this.#guard.client, {
      onReady: (redis) => this.#ready(redis),
      onLost: () => this.#lost(),
      onMessage: (channel, message) => this.#receive(channel, message),
    });
  }

  #unsubscribe(channel: string, subscription: Subscription): void {
    const subscriptions = this.#channels.get(channel);
    if (!subscriptions?.delete(subscription) || subscriptions.size > 0) return;
    this.#channels.delete(channel);
    this.#redis?.unsubscribe(channel).catch(() => {}); // a lost connection has no subscriptions left to end
  }

  #ready(redis: Redis): void {
    this.#redis = redis;
    void this.#confirm(redis, [...this.#channels.keys()], true);
  }

  /** Never rejects. A subscription that is refused leaves everything unconfirmed; the connection is tried again later. */
  async #confirm(redis: Redis, channels: readonly string[], isWhole: boolean): Promise<void> {
    try {
      if (channels.length > 0) await redis.subscribe(...channels);
    } catch (error) {
      if (failureOf(error).kind === 'denied') this.#reportDenial();
      if (this.#redis === redis) this.#connection?.giveUp();
      return;
    }
    if (this.#redis !== redis) return;
    if (isWhole) this.#isConfirmed = true;
    for (const channel of channels) {
      for (const { onActive } of this.#channels.get(channel) ?? []) if (onActive) quietly(onActive);
    }
    if (isWhole) for (const listener of this.#confirmedListeners) quietly(listener);
  }

  #reportDenial(): void {
    if (this.#isDenialReported) return;
    this.#isDenialReported = true;
    this.#logger.warn('warmpath: the Redis user may not subscribe to the channels of this package (NOPERM)');
  }

  #lost(): void {
    this.#redis = undefined;
    if (!this.#isConfirmed) return;
    this.#isConfirmed = false;
    for (const listener of this.#lostListeners) quietly(listener);
  }

  #receive(channel: string, message: Buffer): void {
    for (const { onMessage } of [...(this.#channels.get(channel) ?? [])]) quietly(() => onMessage(message));
  }
}

// One listener's mistake must neither reach the connection nor keep the others from hearing.
function quietly(listener: () => void): void {
  try {
    listener();
  } catch {
    // Its own affair.
  }
}
