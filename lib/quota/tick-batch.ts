import type { RedisClient, RedisGuard, RedisReply } from '../redis/guard.js';
import type { RedisCommand } from './redis-script.js';
import { withScriptText } from './redis-script.js';

interface Waiting {
  readonly command: RedisCommand;
  readonly deadlineMs: number | undefined;
  readonly settle: (reply: RedisReply<unknown>) => void;
}

type Outcome = readonly [Error | null | undefined, unknown];

/**
 * Sends the commands of one turn of the event loop together: one write, one deadline, one promise of the guard.
 * On a cluster each command goes by itself, guarded by its own key, as commands of different nodes share nothing.
 */
export class TickBatch {
  readonly #guard: RedisGuard;
  #waiting: Waiting[] = [];
  #collectors = new Set<() => void>();
  #scheduled = false;

  constructor(guard: RedisGuard) {
    this.#guard = guard;
  }

  /** Never rejects. `NOSCRIPT` is answered by sending the script's text, once; nothing else is ever sent twice. */
  send(command: RedisCommand, key: string, deadlineMs?: number): Promise<RedisReply<unknown>> {
    if (this.#guard.isCluster) return this.#guard.run('quota', (client) => callAlone(client, command), deadlineMs, key);
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
    setImmediate(() => void this.#flush());
  }

  async #flush(): Promise<void> {
    for (const collector of this.#collectors) collector();
    this.#collectors.clear();
    this.#scheduled = false;
    const batch = this.#waiting;
    this.#waiting = [];
    if (batch.length === 0) return;
    const commands = batch.map((waiting) => waiting.command);
    const reply = await this.#guard.run('quota', (client) => callTogether(client, commands), longestDeadline(batch));
    for (const [index, waiting] of batch.entries()) waiting.settle(reply.ok ? replyOf(reply.value[index]) : reply);
  }
}

// Users of one client rarely differ; where they do, the more patient one decides for this turn.
function longestDeadline(batch: readonly Waiting[]): number | undefined {
  const deadlines = batch.flatMap(({ deadlineMs }) => (deadlineMs === undefined ? [] : [deadlineMs]));
  return deadlines.length > 0 ? Math.max(...deadlines) : undefined;
}

function replyOf(outcome: Outcome | undefined): RedisReply<unknown> {
  if (outcome && !outcome[0]) return { ok: true, value: outcome[1] };
  return { ok: false, reason: 'error', error: /^[A-Z]+/.exec(outcome?.[0]?.message ?? '')?.[0] ?? 'error' };
}

async function callAlone(client: RedisClient, command: RedisCommand): Promise<unknown> {
  try {
    return await client.call(...command);
  } catch (error) {
    const whole = withScriptText(command, error);
    if (!whole) throw error;
    return client.call(...whole);
  }
}

async function callTogether(client: RedisClient, commands: readonly RedisCommand[]): Promise<readonly Outcome[]> {
  const outcomes = await pipelined(client, commands);
  const again = commands.flatMap((command, index) => {
    const whole = withScriptText(command, outcomes[index]?.[0]);
    return whole ? [{ index, whole }] : [];
  });
  if (again.length > 0) {
    const second = await pipelined(
      client,
      again.map(({ whole }) => whole),
    );
    for (const [position, { index }] of again.entries())
      outcomes[index] = second[position] ?? [new Error('no reply'), undefined];
  }
  // When nothing worked the guard must hear of it (LOADING, MASTERDOWN, a closed connection).
  const [first] = outcomes;
  if (first?.[0] && outcomes.every(([error]) => error)) throw first[0];
  return outcomes;
}

async function pipelined(client: RedisClient, commands: readonly RedisCommand[]): Promise<Outcome[]> {
  const pipeline = client.pipeline();
  for (const command of commands) pipeline.call(...command);
  return ((await pipeline.exec()) ?? []) as Outcome[];
}
