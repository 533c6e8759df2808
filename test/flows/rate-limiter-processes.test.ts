import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RateLimiterOptions } from '../../lib/middleware/rate-limiter.js';
import type { CreateRedisOptions } from '../../lib/redis/connection-options.js';
import type { RedisServer } from '../../lib/testing/redis-server.js';
import { startRedis } from '../../lib/testing/redis-server.js';
import { runnableScript } from '../support/compiled-scripts.js';
import type { Order, Tally } from './rate-limiter-child.js';

const CHILD = runnableScript(new URL('./rate-limiter-child.ts', import.meta.url));
const PROCESSES = 4;

let server: RedisServer;
let children: ChildProcess[] = [];
beforeAll(async () => {
  server = await startRedis();
  // What is shown here is exactness while Redis answers; how soon it must answer is shown with the faults. A machine that is
  // busy with other things must not turn one into the other.
  const redis: CreateRedisOptions = { url: server.url, commandTimeout: 20_000, socketTimeout: 20_000 };
  children = Array.from({ length: PROCESSES }, () =>
    fork(CHILD.path, [JSON.stringify(redis)], { execArgv: [...CHILD.execArgv] }),
  );
  await Promise.all(children.map((child) => once(child, 'message')));
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')));
  await server.stop();
});

async function start(options: RateLimiterOptions): Promise<void> {
  await all({ limit: { timeout: '10s', ...options } });
}

async function all(order: Order): Promise<Tally[]> {
  const tallies = children.map((child) => once(child, 'message'));
  for (const child of children) child.send(order);
  return (await Promise.all(tallies)).map(([tally]) => tally as Tally);
}

const total = (tallies: readonly Tally[], status: number): number =>
  tallies.reduce((sum, { statuses }) => sum + (statuses[status] ?? 0), 0);
const admissions = (tallies: readonly Tally[]): number[] =>
  tallies.flatMap(({ admittedAtUs }) => admittedAtUs).sort((a, b) => a - b);

describe(`${PROCESSES} processes on one quota`, { timeout: 60_000 }, () => {
  it('with 200 parallel requests each admit exactly the burst', async () => {
    await start({ name: 'burst', tiers: { a: { rate: 1, per: '1h', burst: 50 } } });
    const tallies = await all({ flood: 200 });
    expect([total(tallies, 200), total(tallies, 429)]).toEqual([50, 750]);
  });

  it('then admit exactly the rate, ±1, over 5 s', async () => {
    // A bucket that takes ten seconds to fill never overflows, however long the machine keeps a process waiting.
    const [rate, burst] = [20, 200];
    await start({ name: 'rate', tiers: { a: { rate, burst } } });
    const [flood, hammer] = [await all({ flood: 200 }), await all({ hammerMs: 5000 })];
    const instants = [...admissions(flood), ...admissions(hammer)].sort((a, b) => a - b);
    const [first = 0, last = 0] = [instants[0], instants.at(-1)];
    const elapsedUs = last - first;
    expect(elapsedUs).toBeGreaterThan(4_500_000);
    expect(Math.abs(instants.length - (burst + Math.floor((elapsedUs * rate) / 1e6)))).toBeLessThanOrEqual(1);
    // At no instant were there more than the bucket holds.
    for (const [index, instant] of instants.entries()) {
      expect(index + 1).toBeLessThanOrEqual(burst + Math.floor(((instant - first) * rate) / 1e6));
    }
    expect(new Set([...flood, ...hammer].flatMap(({ statuses }) => Object.keys(statuses)))).toEqual(
      new Set(['200', '429']),
    );
  });

  it('admit exactly the limit of a window, and again in the next one', async () => {
    await start({ name: 'window', tiers: { a: { limit: 60, window: '4s' } } });
    const tallies = await all({ flood: 200 });
    expect([total(tallies, 200), total(tallies, 429)]).toEqual([60, 740]);
    // The second window opens within the 4.5 s and is exhausted; a third cannot open.
    expect(total(await all({ hammerMs: 4500 }), 200)).toBe(60);
  });

  it('admit exactly the tightest of several policies', async () => {
    await start({
      name: 'several',
      tiers: {
        a: [
          { rate: 1, per: '1h', burst: 40 },
          { limit: 30, window: '1h' },
        ],
      },
    });
    const tallies = await all({ flood: 200 });
    expect([total(tallies, 200), total(tallies, 429)]).toEqual([30, 770]);
  });

  it.each([
    ['token bucket', { rate: 1, per: '1h', burst: 50 }],
    ['window', { limit: 50, window: '1h' }],
  ] as const)('stay exact while scripts are flushed in a loop: %s (B16)', async (name, policy) => {
    await start({ name: `flush-${name}`, tiers: { a: policy } });
    let flushing = true;
    const flushes = (async () => {
      while (flushing) await server.cli('SCRIPT', 'FLUSH').then(() => pause(2));
    })();
    const tallies = await all({ flood: 200 });
    flushing = false;
    await flushes;
    expect([total(tallies, 200), total(tallies, 429)]).toEqual([50, 750]);
    expect(tallies.every(({ sources }) => sources.local === undefined)).toBe(true);
  });
});
