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

/** How long each call took while `durationMs` passed, one after the other. */
export async function timings(
  call: () => Promise<unknown>,
  durationMs: number,
): Promise<{ atMs: number; tookMs: number }[]> {
  const found: { atMs: number; tookMs: number }[] = [];
  const startedAt = performance.now();
  while (performance.now() - startedAt < durationMs) {
    const before = performance.now();
    await call();
    found.push({ atMs: before - startedAt, tookMs: performance.now() - before });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return found;
}

export function percentile(values: readonly number[], share: number): number {
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
