import { safeErrorText } from '../common/errors.js';
import { itemOf } from './item-text.js';
import type { QueuedItem, QueueLog } from './queue-log.js';
import type { WriteBehindConfig } from './write-behind-options.js';

/** What a delivery tells its queue. */
export interface DeliveryReport {
  readonly outcome: 'flushed' | 'retried' | 'poisoned';
  readonly items: number;
  readonly error?: unknown;
}

/** What a delivery works with. */
export interface DeliveryOptions {
  readonly log: QueueLog;
  readonly config: WriteBehindConfig;
  readonly now: () => number;
  /** Waits, or less when the queue is closing and has no more time. */
  readonly pause: (ms: number) => Promise<void>;
  /** Whether to go on with what is failing. */
  readonly mayGoOn: () => boolean;
  readonly report: (report: DeliveryReport) => void;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
/** An item that was handed out so often and never settled may be what ends the processes that take it. */
const SUSPICIOUS_DELIVERIES = 3;

const FATAL = 'its process ended nearly each time it was tried';

/** How things stood when a batch was first tried. */
interface Start {
  readonly at: number;
  readonly successes: number;
}

/**
 * Gets batches flushed. A batch that fails is halved until the item that makes it fail is alone; that one is tried again
 * with growing pauses, and set aside when it fails though others do not. Nothing overtakes what is being tried.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  #successes = 0;
  #failures = 0;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** `false` when it ended before all items were flushed or set aside. */
  async deliver(items: readonly QueuedItem[]): Promise<boolean> {
    const start: Start = { at: this.#options.now(), successes: this.#successes };
    const suspicious = items.findIndex(({ deliveries }) => deliveries > SUSPICIOUS_DELIVERIES);
    if (suspicious < 0) return this.#part(items, start);
    if (suspicious > 0 && !(await this.#part(items.slice(0, suspicious), start))) return false;
    if (!(await this.#alone(items[suspicious] as QueuedItem, start))) return false;
    return suspicious + 1 >= items.length || this.deliver(items.slice(suspicious + 1));
  }

  async #part(items: readonly QueuedItem[], start: Start): Promise<boolean> {
    const { log } = this.#options;
    if (!log.isHeld) return false;
    if (await this.#flush(items)) return this.#settled(items);
    if (items.length === 1) return this.#alone(items[0] as QueuedItem, start);
    const middle = Math.ceil(items.length / 2);
    return (await this.#part(items.slice(0, middle), start)) && this.#part(items.slice(middle), start);
  }

  async #alone(item: QueuedItem, start: Start): Promise<boolean> {
    const { log, config, pause, mayGoOn, now } = this.#options;
    for (let round = 0; log.isHeld && mayGoOn(); round++) {
      // Noted before it is tried: if it ends the process, the next one knows.
      const tries = await log.noteTry(item);
      if (tries === undefined) return false;
      if (round === 0 && tries > 2 * config.maxTries) return this.#setAside(item, new Error(FATAL));
      const failure = await this.#tryAlone(item);
      if (failure === undefined) return this.#settled([item]);
      const othersWork = this.#successes > start.successes;
      if (tries >= config.maxTries && (othersWork || now() - start.at >= config.poisonAfterMs)) {
        return this.#setAside(item, failure.cause);
      }
      await pause(this.#pauseMs(othersWork));
    }
    return false;
  }

  async #tryAlone(item: QueuedItem): Promise<{ readonly cause: unknown } | undefined> {
    let cause: unknown;
    const worked = await this.#flush([item], (error) => {
      cause = error;
    });
    return worked ? undefined : { cause };
  }

  async #flush(items: readonly QueuedItem[], onError: (error: unknown) => void = () => {}): Promise<boolean> {
    const { log, config, report } = this.#options;
    try {
      const values = items.map(({ text }) => itemOf(text));
      await log.keep(async () => config.flush(values, { ids: items.map(({ id }) => id) }));
    } catch (error) {
      this.#failures += 1;
      onError(error);
      report({ outcome: 'retried', items: items.length, error });
      return false;
    }
    this.#failures = 0;
    this.#successes += 1;
    report({ outcome: 'flushed', items: items.length });
    return true;
  }

  // What was flushed must not be flushed again for want of an answer, so it is asked for until it comes.
  async #settled(items: readonly QueuedItem[]): Promise<boolean> {
    const { log, pause, mayGoOn } = this.#options;
    while (!(await log.settle(items))) {
      if (!mayGoOn()) return false;
      await pause(FIRST_PAUSE_MS);
    }
    return true;
  }

  async #setAside(item: QueuedItem, error: unknown): Promise<boolean> {
    const { log, report } = this.#options;
    if (!(await log.setAside(item, safeErrorText(error)))) return false;
    report({ outcome: 'poisoned', items: 1, error });
    return true;
  }

  #pauseMs(othersWork: boolean): number {
    return othersWork ? FIRST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#failures, 16));
  }
}
