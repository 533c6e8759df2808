import type { Cluster, Redis } from 'ioredis';
import { reconnectDelayMs } from './client-defaults.js';
import { DEDICATED_OPTIONS } from './dedicated-options.js';
import type { RedisClient } from './guard.js';
import { readBeforeGivingUp } from './read-before-giving-up.js';
import { callWithin } from './settle-within.js';

/** What happens on a connection for subscriptions. */
export interface SubscriberEvents {
  onReady(redis: Redis): void;
  onLost(): void;
  onMessage(channel: string, message: Buffer): void;
}

const PING_EVERY_MS = 1000;
const PING_LIMIT_MS = 800;

/** Keeps one connection for subscriptions open: to the client's server, or to any live node of a cluster. */
export class SubscriberConnection {
  readonly #client: RedisClient;
  readonly #events: SubscriberEvents;
  #redis: Redis | undefined;
  #attempt = 0;
  #isClosed = false;
  #lastAddress = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(client: RedisClient, events: SubscriberEvents) {
    this.#client = client;
    this.#events = events;
    this.#open();
  }

  /** This connection is of no use: try another one. */
  giveUp(): void {
    const redis = this.#redis;
    if (!redis) return;
    this.#redis = undefined;
    clearTimeout(this.#timer);
    redis.removeAllListeners();
    redis.on('error', () => {}); // ioredis would print it
    redis.disconnect();
    this.#events.onLost();
    if (this.#isClosed) return;
    this.#attempt += 1;
    this.#wait(reconnectDelayMs(this.#attempt), () => this.#open());
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.giveUp();
  }

  #open(): void {
    const source = this.#source();
    if (!source) {
      this.#wait(reconnectDelayMs(1), () => this.#open());
      return;
    }
    const redis = source.duplicate({ ...DEDICATED_OPTIONS, ...(this.#client.isCluster && { readOnly: false }) });
    this.#redis = redis;
    readBeforeGivingUp(redis);
    redis.on('error', () => {});
    redis.on('end', () => this.#redis === redis && this.giveUp());
    redis.on('close', () => this.#redis === redis && this.giveUp());
    redis.on('messageBuffer', (channel: Buffer, message: Buffer) =>
      this.#events.onMessage(channel.toString(), message),
    );
    redis.once('ready', () => this.#redis === redis && this.#ready(redis));
  }

  #ready(redis: Redis): void {
    this.#attempt = 0;
    this.#events.onReady(redis);
    this.#pingLater(redis);
  }

  // A peer that vanished without a word shows only in an answer that does not come.
  #pingLater(redis: Redis): void {
    this.#wait(PING_EVERY_MS, async () => {
      const { kind } = await callWithin(() => redis.ping(), PING_LIMIT_MS);
      if (this.#redis !== redis) return;
      if (kind === 'value') this.#pingLater(redis);
      else this.giveUp();
    });
  }

  #wait(delayMs: number, then: () => void): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, delayMs);
    this.#timer.unref();
  }

  /** What to connect like. On a cluster a live node, and not the one that was just lost if there is another. */
  #source(): Redis | undefined {
    if (!this.#client.isCluster) return this.#client as Redis;
    const nodes = (this.#client as Cluster).nodes('master');
    const ready = nodes.filter(({ status }) => status === 'ready');
    const candidates = ready.length > 0 ? ready : nodes;
    const others = candidates.filter((node) => addressOf(node) !== this.#lastAddress);
    const pool = others.length > 0 ? others : candidates;
    const node = pool[Math.floor(Math.random() * pool.length)];
    this.#lastAddress = node ? addressOf(node) : '';
    return node;
  }
}

const addressOf = (node: Redis): string => `${node.options.host}:${node.options.port}`;
