import type { Cluster, Redis } from 'ioredis';
import type { Logger } from '../../lib/common/logger.js';
import { createRedis } from '../../lib/redis/client.js';
import type { CreateRedisOptions } from '../../lib/redis/connection-options.js';
import { type GuardOptions, guardOf, type RedisGuard } from '../../lib/redis/guard.js';
import { eventually } from '../../lib/testing/index.js';

const undo: (() => unknown)[] = [];

/** Runs when the test is over, last one first. */
export function afterwards(step: () => unknown): void {
  undo.push(step);
}

/** For `afterEach`. */
export async function cleanUp(): Promise<void> {
  for (const step of undo.splice(0).reverse()) await step();
}

/** A client that is gone when the test is over. */
export function connect(options: string | CreateRedisOptions): Redis | Cluster {
  const client = createRedis(options);
  afterwards(() => client.disconnect());
  return client;
}

export function guard(client: Redis | Cluster, options: GuardOptions = {}): RedisGuard {
  const made = guardOf(client, { logger: silent, ...options });
  afterwards(() => made.close());
  return made;
}

export async function until(state: 'up' | 'down', watched: RedisGuard, timeoutMs = 5000): Promise<number> {
  const startedAt = performance.now();
  await eventually(() => watched.state === state, { timeoutMs, everyMs: 2 });
  return performance.now() - startedAt;
}

/** Adds up the time in which this process did not run at all: busy with something else, or not given the processor. */
class LostTime {
  #lostMs = 0;
  #lastAt = performance.now();
  readonly #timer = setInterval(() => this.#tick(), TICK_MS);

  get totalMs(): number {
    this.#tick();
    return this.#lostMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    this.#lostMs += Math.max(0, now - this.#lastAt - 2 * TICK_MS);
    this.#lastAt = now;
  }
}

const TICK_MS = 2;

/** How long calls took while some time passed, one after the other, less the time this process did not run. */
export class Timings {
  readonly #found: { readonly atMs: number; readonly tookMs: number }[] = [];

  async run(call: () => Promise<unknown>, durationMs: number): Promise<this> {
    const lost = new LostTime();
    const startedAt = performance.now();
    while (performance.now() - startedAt < durationMs) {
      const [before, lostBefore] = [performance.now(), lost.totalMs];
      await call();
      const tookMs = performance.now() - before - (lost.totalMs - lostBefore);
      this.#found.push({ atMs: before - startedAt, tookMs });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    lost.stop();
    return this;
  }

  get count(): number {
    return this.#found.length;
  }

  /** The longest call. */
  get longest(): number {
    return Math.max(...this.#found.map(({ tookMs }) => tookMs));
  }

  /** What a share of the calls that began after `sinceMs` did not exceed. */
  percentile(share: number, sinceMs = 0): number {
    const later = this.#found.filter(({ atMs }) => atMs >= sinceMs).map(({ tookMs }) => tookMs);
    if (later.length < 10) throw new Error('too few calls to judge');
    return percentile(later, share);
  }

  /** How many calls took at least this long. */
  slower(thanMs: number): number {
    return this.#found.filter(({ tookMs }) => tookMs >= thanMs).length;
  }
}

export function timings(call: () => Promise<unknown>, durationMs: number): Promise<Timings> {
  return new Timings().run(call, durationMs);
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** A logger that keeps its lines. */
export function recordingLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const log =
    (level: string) =>
    (...args: unknown[]): void => {
      lines.push(`${level}: ${args.map(String).join(' ')}`);
    };
  return { lines, debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

const nothing = (): void => {};
export const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
