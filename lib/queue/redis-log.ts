import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from '../common/logger.js';
import type { RedisClient, RedisGuard, RedisReply } from '../redis/guard.js';
import { runScript, type ScriptReply } from '../redis/scripts.js';
import type { LastingKeys } from './lasting-keys.js';
import { OwnerLease } from './owner-lease.js';
import type { AppendReply, NewItem, QueuedItem, QueueFigures, QueueLog } from './queue-log.js';
import { APPEND, FORGET_CONSUMERS, REQUEUE, SET_ASIDE, SETTLE, TAKE } from './queue-scripts.js';

const GROUP = 'flush';
const DEADLINE_MS = 2000;
const MAX_IDS_PER_CALL = 1000;
const REQUEUE_AT_ONCE = 500;
/** Longer than any call that was given up can still be on its way. */
const PRODUCER_MS = 3_600_000;

/**
 * Items in a Redis stream, read by a consumer group. One consumer at a time owns the queue, which keeps the order; what a
 * dead one took and did not settle is claimed by the next.
 */
export class RedisLog implements QueueLog {
  readonly isDurable = true;
  readonly #guard: RedisGuard;
  readonly #keys: Readonly<Record<'items' | 'tries' | 'poisoned' | 'owner' | 'producer', string>>;
  readonly #lease: OwnerLease;
  readonly #consumer: string;
  readonly #log: Logger;
  /** Whether something may have been taken and not settled. */
  #isInDoubt = true;
  #isReady = false;

  constructor(guard: RedisGuard, keys: LastingKeys, name: string, log: Logger) {
    this.#guard = guard;
    this.#log = log;
    this.#keys = {
      items: keys.items(name),
      tries: keys.tries(name),
      poisoned: keys.poisoned(name),
      owner: keys.consumer(name),
      producer: keys.producer(name, randomUUID()),
    };
    this.#lease = new OwnerLease(guard, this.#keys.owner);
    this.#consumer = `${hostname()}:${process.pid}:${this.#lease.token}`;
  }

  get isHeld(): boolean {
    return this.#lease.isHeld;
  }

  async append(items: readonly NewItem[], first: number, maxLength: number): Promise<AppendReply> {
    const pairs = items.flatMap(({ id, text }) => [id, text]);
    const { items: stream, producer } = this.#keys;
    const reply = await this.#run('append', (client) =>
      runScript(client, APPEND, [stream, producer], [maxLength, PRODUCER_MS, first, ...pairs]),
    );
    return reply.ok ? (reply.value as number) : 'unavailable';
  }

  async hold(): Promise<boolean> {
    const wasHeld = this.#lease.isHeld;
    if (!(await this.#lease.hold())) return false;
    if (!wasHeld) this.#isInDoubt = true;
    return this.#isReady || this.#prepare();
  }

  keep<T>(work: () => Promise<T>): Promise<T> {
    return this.#lease.keep(work);
  }

  async release(): Promise<void> {
    await this.#lease.release();
  }

  async take(max: number): Promise<readonly QueuedItem[] | undefined> {
    const args = [this.#lease.token, GROUP, this.#consumer, max, this.#isInDoubt ? '1' : '0'];
    const reply = await this.#run('take', (client) =>
      runScript(client, TAKE, [this.#keys.owner, this.#keys.items], args),
    );
    if (!reply.ok) {
      // The stream went with its server: made anew, with its group, by the next hold.
      if (reply.reason === 'error' && reply.error === 'NOGROUP') this.#isReady = false;
      this.#isInDoubt = true;
      return undefined;
    }
    if (!Array.isArray(reply.value)) return undefined;
    const [entries, pending] = reply.value as [ScriptReply[], ScriptReply[]];
    if (pending.length === 0) this.#isInDoubt = false;
    const counts = new Map(pending.map((one) => [textAt(one, 0), Number((one as ScriptReply[])[3])]));
    return entries.map((entry) => queuedItem(entry, counts));
  }

  async settle(items: readonly QueuedItem[]): Promise<boolean> {
    let isCertain = true;
    for (let start = 0; start < items.length; start += MAX_IDS_PER_CALL) {
      const entries = items.slice(start, start + MAX_IDS_PER_CALL).map(({ entry }) => entry);
      const { items: stream, tries } = this.#keys;
      const reply = await this.#run('settle', (client) =>
        runScript(client, SETTLE, [stream, tries], [GROUP, ...entries]),
      );
      isCertain &&= reply.ok;
    }
    if (!isCertain) this.#isInDoubt = true;
    return isCertain;
  }

  async noteTry({ entry }: QueuedItem): Promise<number | undefined> {
    const reply = await this.#run('try', (client) => client.hincrby(this.#keys.tries, entry, 1));
    return reply.ok ? reply.value : undefined;
  }

  async setAside({ entry, id, text }: QueuedItem, reason: string): Promise<boolean> {
    const { items, tries, poisoned } = this.#keys;
    const reply = await this.#run('set-aside', (client) =>
      runScript(client, SET_ASIDE, [items, tries, poisoned], [GROUP, entry, id, text, reason]),
    );
    if (!reply.ok) this.#isInDoubt = true;
    return reply.ok;
  }

  async poisoned(limit: number) {
    const reply = await this.#run('list', (client) => client.xrange(this.#keys.poisoned, '-', '+', 'COUNT', limit));
    if (!reply.ok) return [];
    return reply.value.map(([, [, id = '', , text = '', , reason = '']]) => ({ id, text, reason }));
  }

  async requeue(): Promise<number | undefined> {
    const { items, poisoned } = this.#keys;
    for (let total = 0; ; ) {
      const reply = await this.#run('requeue', (client) =>
        runScript(client, REQUEUE, [items, poisoned], [REQUEUE_AT_ONCE]),
      );
      if (!reply.ok) return undefined;
      total += reply.value as number;
      if ((reply.value as number) < REQUEUE_AT_ONCE) return total;
    }
  }

  async figures(): Promise<QueueFigures | undefined> {
    const reply = await this.#run('figures', (client) =>
      Promise.all([client.xlen(this.#keys.items), client.xlen(this.#keys.poisoned)]),
    );
    return reply.ok ? { waiting: reply.value[0], poisoned: reply.value[1] } : undefined;
  }

  #run<T>(op: string, call: (client: RedisClient) => Promise<T>): Promise<RedisReply<T>> {
    return this.#guard.run(`queue-${op}`, call, DEADLINE_MS, this.#keys.items);
  }

  async #prepare(): Promise<boolean> {
    const reply = await this.#run('prepare', async (client) => {
      // From the beginning: what was pushed before anybody consumed is delivered too.
      await client.xgroup('CREATE', this.#keys.items, GROUP, '0', 'MKSTREAM').catch(unlessThere);
      const { owner, items } = this.#keys;
      await runScript(client, FORGET_CONSUMERS, [owner, items], [this.#lease.token, GROUP, this.#consumer]);
      await this.#warnOfEviction(client);
    });
    this.#isReady = reply.ok;
    return reply.ok;
  }

  async #warnOfEviction(client: RedisClient): Promise<void> {
    // Whoever may not ask is not told.
    const info = await client.info('memory').catch(() => '');
    const policy = /maxmemory_policy:(\S+)/.exec(info)?.[1] ?? '';
    const isLimited = !/maxmemory:0\b/.test(info);
    if (!isLimited || !policy.startsWith('allkeys-')) return;
    this.#log.warn(`warmpath: Redis may evict write-behind queues under '${policy}'; use a volatile-… policy for them`);
  }
}

function unlessThere(error: unknown): void {
  if (!(error instanceof Error && error.message.startsWith('BUSYGROUP'))) throw error;
}

function queuedItem(entry: ScriptReply, counts: ReadonlyMap<string, number>): QueuedItem {
  const [name, fields] = entry as [Buffer, ScriptReply[]];
  const place = String(name);
  return { entry: place, id: textAt(fields, 1), text: textAt(fields, 3), deliveries: counts.get(place) ?? 0 };
}

function textAt(list: ScriptReply | undefined, index: number): string {
  return String((list as ScriptReply[] | undefined)?.[index] ?? '');
}
