import { randomUUID } from 'node:crypto';
import { safeErrorText, WarmpathError } from '../common/errors.js';
import type { EventBus } from '../common/events.js';
import type { Logger } from '../common/logger.js';
import { Delivery, type DeliveryReport } from './delivery.js';
import { itemOf, itemText } from './item-text.js';
import { Outbox } from './outbox.js';
import { OWNER_TERM_MS } from './owner-lease.js';
import type { QueueLog } from './queue-log.js';
import type { WriteBehindConfig } from './write-behind-options.js';

/** Figures of a queue. */
export interface WriteBehindStats {
  /** Acknowledged and not flushed yet, over all instances; `undefined` while Redis cannot be asked. */
  readonly waiting: number | undefined;
  /** Set aside, over all instances; `undefined` while Redis cannot be asked. */
  readonly poisoned: number | undefined;
  /** What this process did since it started. */
  readonly pushed: number;
  readonly flushed: number;
  readonly retried: number;
  readonly setAside: number;
}

/** An item that was set aside, and the kind of error it failed with. */
export interface PoisonedItem<T = unknown> {
  readonly id: string;
  readonly item: T;
  readonly reason: string;
}

/** What a queue works with. */
export interface WriteBehindParts {
  readonly name: string;
  readonly config: WriteBehindConfig;
  readonly log: QueueLog;
  readonly events: EventBus;
  readonly logger: Logger;
  readonly now: () => number;
}

const STANDBY_MS = 1000;
const LOOK_EVERY_MS = 1000;
const RETRY_MS = 200;

/** A queue between the app and a slower store. One instance of many flushes it; the others stand by. */
export class WriteBehindQueue {
  readonly #parts: WriteBehindParts;
  readonly #outbox: Outbox;
  readonly #delivery: Delivery;
  readonly #loop: Promise<void>;
  #pushed = 0;
  #flushed = 0;
  #retried = 0;
  #setAside = 0;
  #keptSince = 0;
  #isFailing = false;
  #isClosing = false;
  #isOver = false;
  #closed: Promise<void> | undefined;
  /** Since when it only waits for another instance to flush the rest. */
  #leftAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #wake: () => void = () => {};
  #wakeForGood: () => void = () => {};

  constructor(parts: WriteBehindParts) {
    const { name, config, log, now } = parts;
    this.#parts = parts;
    this.#outbox = new Outbox(name, log, config.maxLength, (count) => this.#kept(count));
    this.#delivery = new Delivery({
      log,
      config,
      now,
      pause: (ms) => this.#nap(ms, 'retry'),
      mayGoOn: () => !this.#isOver,
      report: (report) => this.#report(report),
    });
    this.#loop = this.#run();
  }

  /** Resolves when the item is kept. */
  async push(item: unknown): Promise<void> {
    const { name, config } = this.#parts;
    if (this.#isClosing) throw new WarmpathError('ERR_CLOSED', `writeBehind '${name}': the queue is closed`);
    const id = config.idOf === undefined ? randomUUID() : itemId(name, config.idOf(item));
    await this.#outbox.post({ id, text: itemText(item) }, config.pushTimeoutMs);
  }

  async stats(): Promise<WriteBehindStats> {
    const figures = await this.#parts.log.figures();
    const [pushed, flushed, retried, setAside] = [this.#pushed, this.#flushed, this.#retried, this.#setAside];
    return { waiting: figures?.waiting, poisoned: figures?.poisoned, pushed, flushed, retried, setAside };
  }

  async poisoned(limit: number): Promise<readonly PoisonedItem[]> {
    const items = await this.#parts.log.poisoned(limit);
    return items.map(({ id, text, reason }) => ({ id, item: itemOf(text), reason }));
  }

  async requeue(): Promise<number> {
    const count = await this.#parts.log.requeue();
    if (count === undefined) {
      throw new WarmpathError('ERR_UNAVAILABLE', `writeBehind '${this.#parts.name}': Redis did not confirm it`);
    }
    this.#wake();
    return count;
  }

  /** Takes no more, flushes what waits, and leaves the queue to others. Resolves within `graceMs`. */
  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#close(graceMs);
    return this.#closed;
  }

  async #close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    this.#outbox.nudge();
    this.#wake();
    const drained = this.#outbox.empty().then(() => {
      this.#wake();
      return this.#loop;
    });
    await Promise.race([drained, this.#grace(graceMs)]);
    this.#isOver = true;
    this.#wakeForGood();
    const { log, logger, name } = this.#parts;
    const lost = log.isDurable ? 0 : ((await log.figures())?.waiting ?? 0);
    if (lost > 0) logger.warn(`warmpath: write-behind '${name}' was closed with ${lost} items that were not flushed`);
    await log.release();
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const step = await this.#step();
      if (step === 'done') return;
      if (step !== 'more') await this.#nap(step, this.#isClosing ? 'retry' : 'idle');
    }
  }

  /** One batch. What is to be done next: more at once, nothing for some milliseconds, or nothing any more. */
  async #step(): Promise<number | 'more' | 'done'> {
    const { log, config } = this.#parts;
    if (!(await log.hold())) return this.#standBy();
    this.#keptSince = 0;
    const items = await log.take(config.maxBatch);
    if (items === undefined) return this.#isClosing && !log.isHeld ? 'done' : RETRY_MS;
    if (items.length > 0 && !(await this.#delivery.deliver(items))) return RETRY_MS;
    if (items.length >= config.maxBatch || this.#keptSince >= config.maxBatch) return 'more';
    if (!this.#isClosing) return this.#untilFull();
    if (this.#outbox.isEmpty) return items.length === 0 ? 'done' : 'more';
    // Pushes may still be on their way.
    await this.#outbox.empty();
    return 'more';
  }

  /** Somebody else flushes, or did until it died. A queue that is closing leaves nothing to the dead. */
  async #standBy(): Promise<number | 'done'> {
    if (!this.#isClosing) return STANDBY_MS * (0.5 + Math.random());
    await this.#outbox.empty();
    this.#leftAt ??= performance.now();
    const isAlive = performance.now() - this.#leftAt > OWNER_TERM_MS;
    const waiting = isAlive ? 0 : (await this.#parts.log.figures())?.waiting;
    return waiting === 0 ? 'done' : RETRY_MS;
  }

  /** Lets a batch fill up: for `maxDelay`, or until it is full. */
  async #untilFull(): Promise<number | 'more'> {
    const { log, config } = this.#parts;
    let leftMs = config.maxDelayMs;
    while (leftMs > LOOK_EVERY_MS && !this.#isClosing) {
      await this.#nap(LOOK_EVERY_MS, 'idle');
      leftMs -= LOOK_EVERY_MS;
      // Others push too; their full batch is not to wait for the end of a long delay.
      if (this.#keptSince >= config.maxBatch || ((await log.figures())?.waiting ?? 0) >= config.maxBatch) return 'more';
    }
    return this.#isClosing ? 'more' : leftMs;
  }

  #kept(count: number): void {
    this.#pushed += count;
    this.#keptSince += count;
    if (this.#keptSince >= this.#parts.config.maxBatch) this.#wake();
    // What only this process has keeps it alive until it is flushed.
    if (!this.#parts.log.isDurable) this.#timer?.ref();
  }

  /** A pause before a retry is not cut short by pushes, only by the end. */
  #nap(ms: number, kind: 'idle' | 'retry'): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      const holdsItems = !this.#parts.log.isDurable && this.#pushed > this.#flushed + this.#setAside;
      if (!holdsItems) timer.unref();
      const wake = (): void => {
        clearTimeout(timer);
        resolve();
      };
      this.#timer = timer;
      this.#wakeForGood = wake;
      this.#wake = kind === 'idle' ? wake : () => {};
    });
  }

  #grace(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      void this.#loop.then(() => clearTimeout(timer));
    });
  }

  #report({ outcome, items, error }: DeliveryReport): void {
    const { name: queue, events, logger } = this.#parts;
    if (outcome === 'flushed') this.#flushed += items;
    if (outcome === 'retried') this.#retried += items;
    if (outcome === 'poisoned') {
      this.#setAside += items;
      logger.warn(`warmpath: write-behind '${queue}': an item was set aside (${safeErrorText(error)})`);
    }
    const isFailing = outcome === 'retried' || (outcome === 'poisoned' && this.#isFailing);
    if (isFailing && !this.#isFailing) {
      logger.warn(`warmpath: write-behind '${queue}': a flush failed (${safeErrorText(error)}); it is tried again`);
    } else if (outcome === 'flushed' && this.#isFailing)
      logger.info(`warmpath: write-behind '${queue}': flushes again`);
    this.#isFailing = isFailing;
    events.emit({ type: 'write-behind', queue, outcome, items });
  }
}

function itemId(name: string, id: unknown): string {
  if (typeof id === 'string' && id !== '' && id.length <= 512) return id;
  throw new WarmpathError('ERR_VALUE', `writeBehind '${name}': id(item) must be a text of 1 to 512 characters`);
}
