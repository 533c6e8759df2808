import { isIP } from 'node:net';
import type { Redis } from 'ioredis';
import { reconnectDelayMs } from './client-defaults.js';
import { DEDICATED_OPTIONS } from './dedicated-options.js';
import { ioredis } from './ioredis.js';
import { readBeforeGivingUp } from './read-before-giving-up.js';
import { callWithin } from './settle-within.js';

const CHANNEL = '+switch-master';
const LOOK_EVERY_MS = 2000;
const ANSWER_LIMIT_MS = 800;

/**
 * Hears from a sentinel that another server is master now. Without it a client stays with the old one, which takes
 * writes as before, until the sentinels get round to telling that server: some ten seconds.
 */
export class SentinelWatch {
  readonly #client: Redis;
  readonly #onSwitch: () => void;
  #sentinel: Redis | undefined;
  #next = 0;
  #attempt = 0;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(client: Redis, onSwitch: () => void) {
    this.#client = client;
    this.#onSwitch = onSwitch;
    this.#open();
  }

  /** Whether the client's server is the one the sentinels name. In doubt, or with no sentinel to ask: yes. */
  async agrees(): Promise<boolean> {
    const sentinel = this.#sentinel;
    const { name, natMap } = this.#client.options;
    if (sentinel?.status !== 'ready' || !name || natMap) return true;
    const settled = await callWithin(() => sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name), ANSWER_LIMIT_MS);
    if (settled.kind !== 'value' || !Array.isArray(settled.value)) return true;
    const [host, port] = settled.value.map(String);
    const { remoteAddress, remotePort } = this.#client.stream as { remoteAddress?: string; remotePort?: number };
    if (remotePort === undefined || remotePort !== Number(port)) return remotePort === undefined;
    return isIP(host ?? '') === 0 || remoteAddress === undefined || unmapped(remoteAddress) === host;
  }

  close(): void {
    this.#isClosed = true;
    this.#leave();
  }

  #open(): void {
    const { sentinels = [], sentinelUsername, sentinelPassword, sentinelTLS, family } = this.#client.options;
    const address = sentinels[this.#next++ % sentinels.length];
    const sentinel = new (ioredis().Redis)({
      ...DEDICATED_OPTIONS,
      enableReadyCheck: false,
      host: address?.host,
      port: address?.port ?? 26_379,
      family: address?.family ?? family,
      username: sentinelUsername,
      password: sentinelPassword,
      ...(sentinelTLS && { tls: sentinelTLS }),
    });
    this.#sentinel = sentinel;
    readBeforeGivingUp(sentinel);
    sentinel.on('error', () => {}); // "end" follows
    sentinel.once('end', () => this.#sentinel === sentinel && this.#retry());
    sentinel.once('ready', () => void this.#listen(sentinel));
    sentinel.on('message', (_channel: string, message: string) => {
      if (message.split(' ', 1)[0] === this.#client.options.name) this.#onSwitch();
    });
  }

  /** Never rejects. */
  async #listen(sentinel: Redis): Promise<void> {
    const subscribed = await callWithin(() => sentinel.subscribe(CHANNEL), ANSWER_LIMIT_MS);
    if (this.#sentinel !== sentinel) return;
    if (subscribed.kind !== 'value') return this.#retry();
    this.#attempt = 0;
    await this.#look(sentinel);
  }

  // What was announced before the subscription, or was lost, shows in the answer to a question.
  async #look(sentinel: Redis): Promise<void> {
    const alive = await callWithin(() => sentinel.ping(), ANSWER_LIMIT_MS);
    if (this.#sentinel !== sentinel) return;
    if (alive.kind !== 'value') return this.#retry();
    if (this.#client.status === 'ready' && !(await this.agrees())) this.#onSwitch();
    if (this.#sentinel === sentinel) this.#wait(LOOK_EVERY_MS, () => void this.#look(sentinel));
  }

  #retry(): void {
    this.#leave();
    this.#attempt += 1;
    this.#wait(reconnectDelayMs(this.#attempt), () => this.#open());
  }

  #leave(): void {
    clearTimeout(this.#timer);
    const sentinel = this.#sentinel;
    this.#sentinel = undefined;
    sentinel?.disconnect();
  }

  #wait(delayMs: number, then: () => void): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, delayMs);
    this.#timer.unref();
  }
}

const unmapped = (address: string): string => address.replace(/^::ffff:/i, '');
