import type { Redis } from 'ioredis';
import type { RedisClient, RedisGuard, RedisReply } from '../redis/guard.js';
import type { RedisCommand } from './redis-script.js';
import { spelled, withScriptText } from './redis-script.js';
import type { SlotOwner } from './slot-owner.js';
import { slotOwner } from './slot-owner.js';

interface Waiting {
  readonly command: RedisCommand;
  readonly deadlineMs: number | undefined;
  readonly settle: (reply: RedisReply<unknown>) => void;
}

type Outcome = readonly [Error | null | undefined, unknown];

/**
 * Sends the commands of one turn of the event loop together: per server one write, one deadline, one promise of the
 * guard. `NOSCRIPT` and redirections say that a command was not executed: then, and only then, it is sent again.
 */
export class TickBatch {
  readonly #guard: RedisGuard;
  #waiting: Waiting[] = [];
  #collectors = new Set<() => void>();
  #scheduled = false;

  constructor(guard: RedisGuard) {
    this.#guard = guard;
  }

  /** Never rejects. All keys of a command must share a slot. */
  send(command: RedisCommand, deadlineMs?: number): Promise<RedisReply<unknown>> {
    return new Promise((settle) => {
      this.#waiting.push({ command, settle, deadlineMs });
      this.#schedule();
    });
  }

  /** Asks a caller that gathers work of its own to hand it over, by `send`, just before this turn's batch leaves. */
  collect(collector: () => void): void {
    this.#collectors.add(collector);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // After the poll phase: every request that was read in this turn is in.
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    for (const collector of this.#collectors) collector();
    this.#collectors.clear();
    this.#scheduled = false;
    const batch = this.#waiting;
    this.#waiting = [];
    if (!this.#guard.isCluster) void this.#sendGroup(batch, undefined);
    else for (const group of byOwner(this.#guard.client, batch)) void this.#sendGroup(group, group[0]?.command.keys[0]);
  }

  async #sendGroup(group: readonly Waiting[], key: string | undefined): Promise<void> {
    if (group.length === 0) return;
    const commands = group.map((waiting) => waiting.command);
    const call = (client: RedisClient): Promise<readonly Outcome[]> => callTogether(client, commands);
    const reply = await this.#guard.run('quota', call, longestDeadline(group), key);
    for (const [index, waiting] of group.entries()) waiting.settle(reply.ok ? replyOf(reply.value[index]) : reply);
  }
}

function byOwner(client: RedisClient, batch: readonly Waiting[]): Iterable<readonly Waiting[]> {
  const groups = new Map<Redis | undefined, Waiting[]>();
  for (const waiting of batch) {
    const node = slotOwner(client, waiting.command.keys[0] ?? '')?.node;
    const group = groups.get(node);
    if (group) group.push(waiting);
    else groups.set(node, [waiting]);
  }
  return groups.values();
}

// Users of one client rarely differ; where they do, the more patient one decides for this turn.
function longestDeadline(group: readonly Waiting[]): number | undefined {
  const deadlines = group.flatMap(({ deadlineMs }) => (deadlineMs === undefined ? [] : [deadlineMs]));
  return deadlines.length > 0 ? Math.max(...deadlines) : undefined;
}

function replyOf(outcome: Outcome | undefined): RedisReply<unknown> {
  if (outcome && !outcome[0]) return { ok: true, value: outcome[1] };
  return { ok: false, reason: 'error', error: /^[A-Z]+/.exec(outcome?.[0]?.message ?? '')?.[0] ?? 'error' };
}

async function callTogether(client: RedisClient, commands: readonly RedisCommand[]): Promise<readonly Outcome[]> {
  const owner = slotOwner(client, commands[0]?.keys[0] ?? '');
  if (!owner) throw new Error("Cluster isn't ready");
  const outcomes = await pipelined(owner, commands);
  await sendAgain(commands, outcomes, withScriptText, (again) => pipelined(owner, again));
  // The Cluster object follows redirections, and learns from them.
  await sendAgain(commands, outcomes, ifRedirected, (again) =>
    Promise.all(again.map((command) => callCluster(client, command))),
  );
  // When nothing worked the guard must hear of it (LOADING, MASTERDOWN, a closed connection).
  const [first] = outcomes;
  if (first?.[0] && outcomes.every(([error]) => error)) throw first[0];
  return outcomes;
}

async function pipelined({ node, prefix }: SlotOwner, commands: readonly RedisCommand[]): Promise<Outcome[]> {
  const pipeline = node.pipeline();
  for (const command of commands) pipeline.call(...spelled(command, prefix));
  return ((await pipeline.exec()) ?? []) as Outcome[];
}

/** Puts the outcomes of what is worth sending again in place of the first ones. */
async function sendAgain(
  commands: readonly RedisCommand[],
  outcomes: Outcome[],
  worthwhile: (command: RedisCommand, error: unknown) => RedisCommand | undefined,
  send: (again: readonly RedisCommand[]) => Promise<readonly Outcome[]>,
): Promise<void> {
  const again = commands.flatMap((command, index) => {
    const other = worthwhile(command, outcomes[index]?.[0]);
    return other ? [{ index, other }] : [];
  });
  if (again.length === 0) return;
  const replies = await send(again.map(({ other }) => other));
  for (const [position, { index }] of again.entries())
    outcomes[index] = replies[position] ?? [new Error('no reply'), undefined];
}

function ifRedirected(command: RedisCommand, error: unknown): RedisCommand | undefined {
  return error instanceof Error && /^(?:MOVED|ASK|TRYAGAIN) /.test(error.message) ? command : undefined;
}

async function callCluster(client: RedisClient, command: RedisCommand): Promise<Outcome> {
  try {
    return [null, await client.call(...spelled(command))];
  } catch (error) {
    const whole = withScriptText(command, error);
    if (whole) return callCluster(client, whole);
    return [error instanceof Error ? error : new Error('unknown'), undefined];
  }
}
