import { randomBytes } from 'node:crypto';
import type { RedisClient, RedisGuard } from '../redis/guard.js';
import type { Subscriber } from '../redis/subscriber.js';
import type { InvalidationOrder } from './entry-store.js';

/** Who is told of invalidations by other instances. */
export interface ChannelListener {
  /** Another instance invalidated something. */
  onOrder(order: InvalidationOrder): void;
  /** Messages may have been missed: what is held on trust must go. */
  onGap(): void;
}

interface Message {
  readonly i: string;
  readonly n: number;
  readonly g: readonly string[];
  readonly p: readonly string[];
  readonly e: boolean;
  readonly s: boolean;
}

const MAX_PUBLISHERS = 1000;
const ECHO_AFTER_MS = [300, 1500];

/**
 * Tells other instances of invalidations, and hears of theirs. Every sender numbers its messages; a number that is
 * missing, a lost connection or a message that makes no sense is a gap. Each message is echoed as a bare number, so
 * that the loss of the last one shows too.
 */
export class InvalidationChannel {
  readonly #guard: RedisGuard;
  readonly #channel: string;
  readonly #id = randomBytes(9).toString('base64url');
  readonly #heard = new Map<string, number>();
  readonly #echoes = new Set<NodeJS.Timeout>();
  #sent = 0;
  #listener: ChannelListener | undefined;
  #confirmed = false;
  #stop: () => void = () => {};

  constructor(guard: RedisGuard, channel: string) {
    this.#guard = guard;
    this.#channel = channel;
  }

  /** Whether nothing can have been missed since `onGap` was last called. */
  get isTrusted(): boolean {
    return this.#confirmed;
  }

  listen(subscriber: Subscriber, listener: ChannelListener): void {
    this.#listener = listener;
    const stops = [
      subscriber.onConfirmed(() => this.#restart(true)),
      subscriber.onLost(() => this.#restart(false)),
      subscriber.subscribe(this.#channel, (message) => this.#receive(message)),
    ];
    this.#stop = () => {
      for (const stop of stops) stop();
    };
  }

  /** `direct` bypasses the guard, for orders that are owed before it admits anyone. */
  async publish(order: InvalidationOrder, direct?: RedisClient): Promise<void> {
    this.#sent += 1;
    const message = {
      i: this.#id,
      n: this.#sent,
      g: order.groups,
      p: order.prefixes,
      e: order.everything,
      s: order.soft,
    };
    if (direct === undefined) await this.#send(message);
    else await direct.publish(this.#channel, JSON.stringify(message));
    for (const delay of ECHO_AFTER_MS) this.#echoLater(delay);
  }

  close(): void {
    this.#stop();
    for (const echo of this.#echoes) clearTimeout(echo);
    this.#echoes.clear();
  }

  #echoLater(delayMs: number): void {
    const timer = setTimeout(() => {
      this.#echoes.delete(timer);
      void this.#send({ i: this.#id, n: this.#sent, g: [], p: [], e: false, s: false });
    }, delayMs).unref();
    this.#echoes.add(timer);
  }

  async #send(message: Message): Promise<void> {
    await this.#guard.run('publish', (client) => client.publish(this.#channel, JSON.stringify(message)), undefined);
  }

  #restart(confirmed: boolean): void {
    this.#confirmed = confirmed;
    this.#heard.clear();
    this.#listener?.onGap();
  }

  #receive(bytes: Buffer): void {
    const message = parse(bytes);
    if (message === undefined) {
      this.#listener?.onGap();
      return;
    }
    if (message.i === this.#id) return;
    const isEmpty = message.g.length === 0 && message.p.length === 0 && !message.e;
    const before = this.#heard.get(message.i);
    const expected = (before ?? message.n - 1) + (isEmpty ? 0 : 1);
    // A sender heard for the first time with an echo may have sent before this process listened: nothing is held from then.
    if (before !== undefined && message.n > expected) this.#listener?.onGap();
    this.#remember(message.i, Math.max(message.n, before ?? 0));
    if (!isEmpty)
      this.#listener?.onOrder({ groups: message.g, prefixes: message.p, everything: message.e, soft: message.s });
  }

  #remember(sender: string, sequence: number): void {
    this.#heard.set(sender, sequence);
    if (this.#heard.size <= MAX_PUBLISHERS) return;
    this.#heard.clear();
    this.#listener?.onGap();
  }
}

// Messages come from a server that others may write to: anything odd is worth a gap, never an exception.
function parse(bytes: Buffer): Message | undefined {
  try {
    const { i, n, g, p, e, s } = JSON.parse(bytes.toString()) as Message;
    const sane = typeof i === 'string' && i.length < 64 && Number.isSafeInteger(n) && isTexts(g) && isTexts(p);
    return sane ? { i, n, g, p, e: e === true, s: s === true } : undefined;
  } catch {
    return undefined;
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
