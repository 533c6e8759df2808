import type { ReadValues, RedisClient, RedisGuard, RedisReply } from './guard.js';
import type { GuardCore } from './guard-core.js';

const DOWN = Object.freeze({ ok: false, reason: 'down' } as const);

/** One user's hold on the guard of a client: what it registered goes when it closes, and nothing of the others'. */
export class GuardHandle implements RedisGuard {
  readonly #core: GuardCore;
  readonly #onClose: (handle: GuardHandle) => void;
  readonly #registrations = new Set<() => void>();
  #isClosed = false;

  constructor(core: GuardCore, onClose: (handle: GuardHandle) => void) {
    this.#core = core;
    this.#onClose = onClose;
  }

  get client(): RedisClient {
    return this.#core.client;
  }

  get isCluster(): boolean {
    return this.#core.isCluster;
  }

  get state(): 'up' | 'down' {
    return this.#isClosed ? 'down' : this.#core.state;
  }

  get downSince(): number | undefined {
    return this.#core.downSince;
  }

  run<T>(
    op: string,
    call: (client: RedisClient) => Promise<T>,
    deadlineMs?: number,
    key?: string,
  ): Promise<RedisReply<T>> {
    return this.#isClosed ? Promise.resolve(DOWN) : this.#core.run(op, call, deadlineMs, key);
  }

  readMany(keys: readonly string[]): Promise<ReadValues | undefined> {
    return this.#isClosed ? Promise.resolve(undefined) : this.#core.readMany(keys);
  }

  readThen(keys: readonly string[], done: (values: ReadValues | undefined) => void): boolean {
    return !this.#isClosed && this.#core.readThen(keys, done);
  }

  reign(key: string): Buffer | undefined {
    return this.#core.reign(key);
  }

  now(): number {
    return this.#core.now();
  }

  beforeAdmission(task: (client: RedisClient) => Promise<boolean>): () => void {
    return this.#register(this.#core.addTask(task));
  }

  suspend(reason: string): void {
    if (!this.#isClosed) this.#core.suspend(reason);
  }

  onStateChange(listener: (state: 'up' | 'down') => void): () => void {
    return this.#register(this.#core.addStateListener(listener));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const unregister of this.#registrations) unregister();
    this.#registrations.clear();
    this.#onClose(this);
  }

  #register(unregister: () => void): () => void {
    const once = (): void => {
      unregister();
      this.#registrations.delete(once);
    };
    this.#registrations.add(once);
    return once;
  }
}
