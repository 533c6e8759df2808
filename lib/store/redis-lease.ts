import { randomBytes } from 'node:crypto';
import type { RedisGuard, RedisReply } from '../redis/guard.js';
import { runScript } from '../redis/scripts.js';
import type { Subscriber } from '../redis/subscriber.js';
import type { Lease, LeaseAnswer } from './entry-store.js';
import type { EntryNames } from './redis-names.js';
import { ASK_LEASE, RELEASE_LEASE, RENEW_LEASE } from './redis-scripts.js';

/** A lease this process holds. */
export interface HeldLease extends Lease {
  /** What proves the ownership. */
  readonly token: string;
  /** The Redis key of the lease. An entry stored under it may be a variant of the key it was asked for. */
  readonly key: string;
  readonly channel: string;
  /** The entry was stored, which gave the lease back. */
  settled(): void;
}

type AskedLease =
  | { readonly kind: 'held'; readonly lease: HeldLease }
  | { readonly kind: 'open' }
  | Extract<LeaseAnswer, { kind: 'busy' | 'changed' }>;

interface Holding {
  readonly names: EntryNames;
  readonly token: string;
  readonly until: number;
}

// Short, so that the fill of a killed process is taken over soon; renewed while the handler lives.
const TERM_MS = 3000;
const RENEW_EVERY_MS = 1000;
const POLL_MS = 150;
const MAX_DISOWNED = 1000;
const UNCACHEABLE = '!';
const CHANGED = '~';

/** Asks for leases, keeps the held ones alive, and waits for those of others. */
export class LeaseKeeper {
  readonly #guard: RedisGuard;
  readonly #subscriber: Subscriber;
  readonly #held = new Set<Holding>();
  #timer: NodeJS.Timeout | undefined;
  /** Tokens that Redis may hold for nobody: of questions not answered in time, which it may grant later, and of leases it could not be given back. */
  readonly #disowned = new Map<string, EntryNames>();
  readonly #stopListening: () => void;

  constructor(guard: RedisGuard, subscriber: Subscriber) {
    this.#guard = guard;
    this.#subscriber = subscriber;
    this.#stopListening = guard.onStateChange((state) => {
      if (state === 'up') this.#returnDisowned();
    });
  }

  /** `seen` are the bytes of the entry that told the lookup's entry from any other, none when there was none. */
  async ask(names: EntryNames, seen: Buffer, leaseMs: number): Promise<AskedLease | undefined> {
    const token = randomBytes(12).toString('base64url');
    const termMs = Math.min(TERM_MS, leaseMs);
    const reply = await this.#guard.run(
      'lease',
      (client) => runScript(client, ASK_LEASE, [names.entry, names.lease], [token, termMs, seen]),
      undefined,
      names.lease,
    );
    if (!reply.ok) {
      this.#disown(names, token);
      // Values of another type under our keys were put there by somebody else: make room.
      if (reply.reason === 'error' && reply.error === 'WRONGTYPE') {
        void this.#guard.run('repair', (client) => client.unlink(names.entry, names.lease), undefined, names.lease);
      }
      return undefined;
    }
    if (reply.value === null) return { kind: 'held', lease: this.#hold(names, token, leaseMs) };
    const answer = String(reply.value);
    if (answer === UNCACHEABLE) return { kind: 'open' };
    if (answer === CHANGED) return { kind: 'changed' };
    // Asked for by this process, granted after it had given up waiting: nobody fills under it.
    if (this.#disowned.has(answer)) void this.#giveBack({ names, token: answer, until: 0 }, 0);
    return { kind: 'busy', settled: (waitMs) => this.#settled(names, waitMs) };
  }

  close(): void {
    this.#stopListening();
    this.#disowned.clear();
    for (const holding of this.#held) void this.#giveBack(holding, 0);
    this.#held.clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #disown(names: EntryNames, token: string): void {
    if (this.#disowned.size >= MAX_DISOWNED) this.#disowned.clear();
    this.#disowned.set(token, names);
    // One call may be lost without Redis going out of use.
    setTimeout(() => this.#returnDisowned(), TERM_MS / 10).unref();
  }

  #returnDisowned(): void {
    if (this.#guard.state === 'down') return;
    for (const [token, names] of this.#disowned) void this.#giveBack({ names, token, until: 0 }, 0);
    // Kept for as long as a late grant could last, so that it is known when it is met.
    const tokens = [...this.#disowned.keys()];
    setTimeout(() => {
      for (const token of tokens) this.#disowned.delete(token);
    }, TERM_MS).unref();
  }

  #hold(names: EntryNames, token: string, leaseMs: number): HeldLease {
    const holding: Holding = { names, token, until: this.#guard.now() + leaseMs };
    this.#held.add(holding);
    this.#timer ??= setInterval(() => this.#renewAll(), RENEW_EVERY_MS).unref();
    return {
      token,
      key: names.lease,
      channel: names.channel,
      settled: () => this.#forget(holding),
      release: (uncacheableMs = 0) => {
        if (this.#forget(holding)) void this.#release(holding, Math.floor(uncacheableMs));
      },
    };
  }

  #forget(holding: Holding): boolean {
    const was = this.#held.delete(holding);
    if (this.#held.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    return was;
  }

  /** Never rejects. What Redis could not be told now is told when it can be: nobody shall wait for the term to end. */
  async #release(holding: Holding, uncacheableMs: number): Promise<void> {
    const reply = await this.#giveBack(holding, uncacheableMs);
    if (!reply.ok) this.#disown(holding.names, holding.token);
  }

  #giveBack({ names, token }: Holding, uncacheableMs: number): Promise<RedisReply<unknown>> {
    return this.#guard.run(
      'release',
      (client) => runScript(client, RELEASE_LEASE, [names.lease], [token, uncacheableMs, names.channel]),
      undefined,
      names.lease,
    );
  }

  #renewAll(): void {
    for (const holding of this.#held) {
      if (holding.until <= this.#guard.now()) {
        this.#forget(holding);
        continue;
      }
      const { names, token } = holding;
      void this.#guard.run(
        'renew',
        (client) => runScript(client, RENEW_LEASE, [names.lease], [token, TERM_MS]),
        undefined,
        names.lease,
      );
    }
  }

  /** Resolves when the fill of somebody else ended, or after `waitMs`. Told by notification; a poll backs it up, since messages may be lost. */
  #settled(names: EntryNames, waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(limit);
        clearInterval(poll);
        unsubscribe();
        resolve();
      };
      const look = async (): Promise<void> => {
        const reply = await this.#guard.run('lease', (client) => client.get(names.lease), undefined, names.lease);
        if (!reply.ok || reply.value === null || reply.value === UNCACHEABLE) finish();
      };
      const limit = setTimeout(finish, waitMs).unref();
      const poll = setInterval(() => void look(), POLL_MS).unref();
      const unsubscribe = this.#subscriber.subscribe(
        names.channel,
        finish,
        // What ended before the subscription was in force was announced to nobody here.
        () => void look(),
      );
    });
  }
}
