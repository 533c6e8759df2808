import { type Duration, durationMs } from '../common/duration.js';
import { optionError } from '../common/errors.js';
import { checkKnownKeys, wholeNumber } from '../common/options.js';
import { lastingKeys } from '../queue/lasting-keys.js';
import { MemoryLog } from '../queue/memory-log.js';
import type { QueueLog } from '../queue/queue-log.js';
import { RedisLog } from '../queue/redis-log.js';
import { type PoisonedItem, WriteBehindQueue, type WriteBehindStats } from '../queue/write-behind.js';
import { resolveWriteBehindOptions, type WriteBehindOptions } from '../queue/write-behind-options.js';
import type { CacheCore } from './cache-core.js';

export type { PoisonedItem, WriteBehindStats } from '../queue/write-behind.js';
export type { FlushContext, WriteBehindOptions } from '../queue/write-behind-options.js';

/** What `cache.writeBehind` returns: call it with an item to push it. */
export interface WriteBehind<T> {
  /**
   * Resolves once the item is kept. Rejects with `ERR_QUEUE_FULL` when there was no room in time, with `ERR_UNAVAILABLE`
   * when Redis did not confirm it in time (it may have it all the same), with `ERR_VALUE` for what cannot be kept.
   */
  (item: T): Promise<void>;
  /** The same as calling it. */
  push(item: T): Promise<void>;
  stats(): Promise<WriteBehindStats>;
  /** Items that were set aside, the oldest first. @default limit 100 */
  poisoned(limit?: number): Promise<readonly PoisonedItem<T>[]>;
  /** Puts what was set aside back at the end of the queue; resolves to how many. */
  requeue(): Promise<number>;
  /** Takes no more and flushes what waits. `cache.close` does it too. @default grace '5s' */
  close(options?: { readonly grace?: Duration }): Promise<void>;
}

const NAME = /^[\w.:/-]{1,100}$/;

/** The queues of a cache. */
export class WriteBehindQueues {
  readonly #core: CacheCore;
  readonly #open = new Map<string, WriteBehindQueue>();

  constructor(core: CacheCore) {
    this.#core = core;
  }

  open<T>(name: string, options: WriteBehindOptions<T>): WriteBehind<T> {
    if (typeof name !== 'string' || !NAME.test(name)) {
      throw optionError('writeBehind.name', 'up to 100 letters, digits and . _ : / -', name);
    }
    const config = resolveWriteBehindOptions(options);
    if (this.#open.has(name))
      throw optionError('writeBehind.name', 'a name that no other queue of this cache has', name);
    const { events, log: logger, clock } = this.#core;
    const queue = new WriteBehindQueue({ name, config, log: this.#logOf(name), events, logger, now: clock.now });
    this.#open.set(name, queue);
    return handleOf<T>(queue, () => this.#open.delete(name));
  }

  async close(graceMs: number): Promise<void> {
    await Promise.all([...this.#open.values()].map((queue) => queue.close(graceMs)));
    this.#open.clear();
  }

  #logOf(name: string): QueueLog {
    const { guard, config, log } = this.#core;
    return guard === undefined ? new MemoryLog() : new RedisLog(guard, lastingKeys(config.namespace), name, log);
  }
}

function handleOf<T>(queue: WriteBehindQueue, onClosed: () => void): WriteBehind<T> {
  const push = (item: T): Promise<void> => queue.push(item);
  return Object.assign(push, {
    push,
    stats: () => queue.stats(),
    poisoned: (limit = 100) =>
      queue.poisoned(wholeNumber('writeBehind.poisoned.limit', limit, 1)) as Promise<readonly PoisonedItem<T>[]>,
    requeue: () => queue.requeue(),
    async close(options: { readonly grace?: Duration } = {}) {
      checkKnownKeys('writeBehind.close', options, ['grace']);
      await queue.close(durationMs('writeBehind.close.grace', options.grace ?? '5s'));
      onClosed();
    },
  });
}
