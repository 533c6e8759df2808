import { createHash } from 'node:crypto';
import type { CacheCore } from '../cache/cache-core.js';
import { lastingKeys } from '../queue/lasting-keys.js';
import { OwnerLease } from '../queue/owner-lease.js';
import type { RedisGuard } from '../redis/guard.js';
import type { DoneTargets } from './warm-run.js';

/** What instances agree on about a plan: who does it, what of it is done, and when it is due again. */
export interface WarmPlan {
  /** Milliseconds until it is due; 0: now. */
  dueInMs(): Promise<number>;
  /** Whether this instance does it now. */
  begin(): Promise<boolean>;
  /** Runs work during which no other instance does the same. */
  keep<T>(work: () => Promise<T>): Promise<T>;
  /** What an earlier run did that was broken off. */
  done(): Promise<DoneTargets>;
  /** The run is over; complete or to be gone on with. */
  end(isComplete: boolean, everyMs: number | undefined): Promise<void>;
  /** What is done counts no more: the cache was flushed. */
  forget(): Promise<void>;
}

/** A plan of this process alone. */
export class LocalPlan implements WarmPlan {
  #done = new Set<string>();
  #dueAt = 0;

  async dueInMs(): Promise<number> {
    return Math.max(0, this.#dueAt - performance.now());
  }

  async begin(): Promise<boolean> {
    return true;
  }

  keep<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  async done(): Promise<DoneTargets> {
    return this.#done;
  }

  async end(isComplete: boolean, everyMs: number | undefined): Promise<void> {
    if (!isComplete) return;
    this.#done = new Set();
    if (everyMs !== undefined) this.#dueAt = performance.now() + everyMs;
  }

  async forget(): Promise<void> {
    this.#done = new Set();
    this.#dueAt = 0;
  }
}

const PROGRESS_MS = 10 * 60_000;
const DEADLINE_MS = 1000;

/** A plan of all instances of a version. What is remembered of a run that broke off is forgotten after ten minutes. */
export class SharedPlan implements WarmPlan {
  readonly #guard: RedisGuard;
  readonly #lease: OwnerLease;
  readonly #warmed: string;
  readonly #targets: string;

  constructor(core: CacheCore, guard: RedisGuard, name: string) {
    const { namespace, version } = core.config;
    // A new version begins with nothing in its cache, so its plan is due at once.
    const plan = JSON.stringify([version, name]);
    const keys = lastingKeys(namespace);
    this.#guard = guard;
    this.#lease = new OwnerLease(guard, keys.warmer(plan));
    this.#warmed = keys.warmed(plan);
    this.#targets = keys.warmedTargets(plan);
  }

  async dueInMs(): Promise<number> {
    const reply = await this.#guard.run('warm', (client) => client.pttl(this.#warmed), DEADLINE_MS, this.#warmed);
    // While Redis is away nobody knows, and what would be warmed is there for seconds only.
    if (!reply.ok) return 5000;
    return Math.max(0, reply.value);
  }

  begin(): Promise<boolean> {
    return this.#lease.hold();
  }

  keep<T>(work: () => Promise<T>): Promise<T> {
    return this.#lease.keep(work);
  }

  async done(): Promise<DoneTargets> {
    const reply = await this.#guard.run('warm', (client) => client.smembers(this.#targets), DEADLINE_MS, this.#targets);
    const known = new Set(reply.ok ? reply.value : []);
    return {
      has: (label) => known.has(digest(label)),
      add: (label) => void this.#add(label),
    };
  }

  async end(isComplete: boolean, everyMs: number | undefined): Promise<void> {
    const [warmed, targets] = [this.#warmed, this.#targets];
    if (isComplete) {
      await this.#guard.run(
        'warm',
        async (client) => {
          if (everyMs !== undefined) await client.set(warmed, '1', 'PX', Math.ceil(everyMs));
          await client.unlink(targets);
        },
        DEADLINE_MS,
        warmed,
      );
    }
    await this.#lease.release();
  }

  async forget(): Promise<void> {
    const [warmed, targets] = [this.#warmed, this.#targets];
    const both = async (client: RedisGuard['client']) => [await client.unlink(warmed), await client.unlink(targets)];
    await this.#guard.run('warm', both, DEADLINE_MS, warmed);
  }

  async #add(label: string): Promise<void> {
    const targets = this.#targets;
    await this.#guard.run(
      'warm',
      async (client) => {
        await client.sadd(targets, digest(label));
        await client.pexpire(targets, PROGRESS_MS);
      },
      DEADLINE_MS,
      targets,
    );
  }
}

const digest = (label: string): string => createHash('sha256').update(label).digest('base64url').slice(0, 22);
