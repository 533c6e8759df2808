import type { Cluster, Redis } from 'ioredis';
import type { Clock } from '../common/clock.js';
import { BatchReader } from './batch-reader.js';
import { ClusterLinks } from './cluster-links.js';
import { type Failure, failureOf } from './failure.js';
import type { ReadValues, RedisClient, RedisReply } from './guard.js';
import { GuardVoice } from './guard-voice.js';
import { type Links, type SharedSurroundings, serverName } from './links.js';
import type { ServerLink } from './server-link.js';
import { callWithin } from './settle-within.js';
import { SingleLinks } from './single-links.js';

type AdmissionTask = (client: RedisClient) => Promise<boolean>;
type StateListener = (state: 'up' | 'down') => void;

/** How long one call to Redis may take, by the clock on the wall. */
// With the short patience after the first failure, a request that makes three calls in a row stays within 100 ms.
export const DEFAULT_DEADLINE_MS = 80;
const ADMISSION_LIMIT_MS = 2000;
const DOWN = Object.freeze({ ok: false, reason: 'down' } as const);
const TIMEOUT = Object.freeze({ ok: false, reason: 'timeout' } as const);
const TIMEOUT_FAILURE: Failure = Object.freeze({ kind: 'timeout', word: 'timeout' });
const UNAVAILABLE = Promise.resolve(undefined);

/** What all guards of one client share. See {@link RedisGuard} for what each part promises. */
export class GuardCore {
  readonly client: RedisClient;
  readonly isCluster: boolean;
  readonly voice = new GuardVoice();
  readonly #clock: Clock;
  readonly #links: Links;
  readonly #reader: BatchReader;
  readonly #tasks = new Set<AdmissionTask>();
  readonly #stateListeners = new Set<StateListener>();
  #state: 'up' | 'down' = 'down';
  #downSince: number | undefined;
  #offsetMs = 0;
  #admitting: Promise<boolean> | undefined;

  constructor(client: RedisClient, clock: Clock) {
    this.client = client;
    this.isCluster = client.isCluster;
    this.#clock = clock;
    this.#downSince = clock.now();
    const around: SharedSurroundings = {
      clock,
      admit: () => this.#admit(),
      onChange: (reason, link) => this.#linkChanged(reason, link),
    };
    this.#links = client.isCluster
      ? new ClusterLinks(client as Cluster, around, DEFAULT_DEADLINE_MS)
      : new SingleLinks(client as Redis, around, DEFAULT_DEADLINE_MS);
    this.#reader = new BatchReader(this.#links, DEFAULT_DEADLINE_MS);
  }

  get state(): 'up' | 'down' {
    return this.#state;
  }

  get downSince(): number | undefined {
    return this.#downSince;
  }

  async run<T>(
    op: string,
    call: (client: RedisClient) => Promise<T>,
    deadlineMs = DEFAULT_DEADLINE_MS,
    key?: string,
  ): Promise<RedisReply<T>> {
    // A call on a cluster that names no key may go to any node.
    const link = this.isCluster && key === undefined ? undefined : this.#links.linkOf(key ?? '');
    if (this.#state === 'down' || this.client.status !== 'ready') return DOWN;
    if (link ? !link.isUp : key !== undefined) return DOWN;

    const settled = await callWithin(() => call(this.client), link?.patience(deadlineMs) ?? deadlineMs);
    if (settled.kind === 'value') {
      link?.succeeded();
      return { ok: true, value: settled.value };
    }
    const failure = settled.kind === 'timeout' ? TIMEOUT_FAILURE : failureOf(settled.error);
    this.#noteFailure(op, failure, link);
    return failure.kind === 'timeout' ? TIMEOUT : { ok: false, reason: 'error', error: failure.word };
  }

  readMany(keys: readonly string[]): Promise<ReadValues | undefined> {
    return this.#state === 'up' ? new Promise((resolve) => this.#reader.read(keys, resolve)) : UNAVAILABLE;
  }

  readThen(keys: readonly string[], done: (values: ReadValues | undefined) => void): boolean {
    if (this.#state !== 'up') return false;
    this.#reader.read(keys, done);
    return true;
  }

  reign(key: string): Buffer | undefined {
    return this.#links.linkOf(key)?.reign;
  }

  now(): number {
    return this.#clock.now() + this.#offsetMs;
  }

  addTask(task: AdmissionTask): () => void {
    this.#tasks.add(task);
    return () => this.#tasks.delete(task);
  }

  addStateListener(listener: StateListener): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  suspend(reason: string): void {
    // Tasks that run already may have looked before what happened now.
    this.#admitting = undefined;
    for (const link of this.#links.all()) link.suspend(reason);
  }

  close(): void {
    this.#links.close();
    this.#state = 'down';
    this.#tasks.clear();
    this.#stateListeners.clear();
  }

  // Not being allowed something is no outage: reads may be all this user has. Reads count it themselves.
  #noteFailure(op: string, failure: Failure, link: ServerLink | undefined): void {
    if (failure.kind === 'denied') this.voice.denied(op);
    else if (link) link.failed(failure);
    else if (failure.kind !== 'refusal') this.#links.suspectAll();
  }

  /** Links that come up together share one run of the tasks. */
  #admit(): Promise<boolean> {
    if (this.#admitting) return this.#admitting;
    const admitting = this.#runTasks().finally(() => {
      if (this.#admitting === admitting) this.#admitting = undefined;
    });
    this.#admitting = admitting;
    return admitting;
  }

  async #runTasks(): Promise<boolean> {
    const tasks = [...this.#tasks];
    const outcomes = await Promise.all(tasks.map((task) => callWithin(() => task(this.client), ADMISSION_LIMIT_MS)));
    return outcomes.every((outcome) => outcome.kind === 'value' && outcome.value);
  }

  #linkChanged(reason: string, link?: ServerLink): void {
    const up = [...this.#links.all()].filter(({ isUp }) => isUp);
    this.#offsetMs = middleOffset(up) ?? link?.identity?.offsetMs ?? this.#offsetMs;
    if (link?.isUp && link.identity?.isKnown === false) this.voice.nameless();
    if (this.isCluster && link) this.voice.nodeChanged(serverName(link.redis), link.isUp, reason);
    this.#become(up.length > 0 ? 'up' : 'down', reason);
  }

  #become(state: 'up' | 'down', reason: string): void {
    this.voice.stateIs(state, reason);
    if (state === this.#state) return;
    this.#state = state;
    this.#downSince = state === 'up' ? undefined : this.#clock.now();
    for (const listener of this.#stateListeners) {
      try {
        listener(state);
      } catch {
        // A listener that fails must not keep the others from hearing it.
      }
    }
  }
}

// The masters of a cluster each have a clock; every instance must take the same one, and no single node decides.
function middleOffset(links: readonly ServerLink[]): number | undefined {
  const offsets = links.flatMap(({ identity }) => (identity ? [identity.offsetMs] : [])).sort((a, b) => a - b);
  return offsets[Math.floor((offsets.length - 1) / 2)];
}
