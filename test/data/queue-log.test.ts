import { expect, it } from 'vitest';
import { lastingKeys } from '../../lib/queue/lasting-keys.js';
import { MemoryLog } from '../../lib/queue/memory-log.js';
import { OwnerLease } from '../../lib/queue/owner-lease.js';
import type { QueueLog } from '../../lib/queue/queue-log.js';
import { RedisLog } from '../../lib/queue/redis-log.js';
import { guardOf } from '../../lib/redis/guard.js';
import { eventually } from '../../lib/testing/index.js';
import { onEveryLevel, onRedis, quiet } from './levels.js';

const items = (...ids: string[]) => ids.map((id) => ({ id, text: `j"${id}"` }));
const idsOf = (taken: readonly { readonly id: string }[] | undefined) => taken?.map(({ id }) => id);

onEveryLevel('the log of a queue', ({ level, client }) => {
  async function log(): Promise<QueueLog> {
    if (level === 'memory') return new MemoryLog();
    const guard = guardOf(client(), { logger: quiet });
    await eventually(() => guard.state === 'up');
    const made = new RedisLog(guard, lastingKeys(`log-${Math.random()}`), 'queue', quiet);
    await eventually(() => made.hold());
    return made;
  }

  it('gives the same items, in their order, until they are settled', async () => {
    const one = await log();
    expect(await one.append(items('a', 'b', 'c'), 1, 10)).toBe(3);
    expect(idsOf(await one.take(2))).toEqual(['a', 'b']);
    const taken = await one.take(10);
    await one.settle(taken?.slice(0, 1) ?? []);
    expect(await one.figures()).toEqual({ waiting: 2, poisoned: 0 });
  });

  it('keeps what there is room for, from the first on', async () => {
    const one = await log();
    expect(await one.append(items('a', 'b', 'c'), 1, 2)).toBe(2);
    expect(await one.append(items('c'), 3, 2)).toBe(0);
    const taken = await one.take(10);
    expect(idsOf(taken)).toEqual(['a', 'b']);
    expect(await one.settle(taken ?? [])).toBe(true);
    expect(await one.append(items('c'), 3, 2)).toBe(1);
    expect(idsOf(await one.take(10))).toEqual(['c']);
  });

  it('counts the tries of an item, sets it aside and puts it back', async () => {
    const one = await log();
    await one.append(items('a', 'b'), 1, 10);
    const [first] = (await one.take(10)) ?? [];
    if (first === undefined) throw new Error('nothing taken');
    expect([await one.noteTry(first), await one.noteTry(first)]).toEqual([1, 2]);
    expect(await one.setAside(first, 'Error')).toBe(true);
    expect(await one.poisoned(10)).toEqual([{ id: 'a', text: 'j"a"', reason: 'Error' }]);
    expect(await one.figures()).toEqual({ waiting: 1, poisoned: 1 });
    expect(await one.requeue()).toBe(1);
    expect(await one.figures()).toEqual({ waiting: 2, poisoned: 0 });
  });
});

onRedis('the log of a queue in Redis', ({ client, server, instance }) => {
  async function logs(count: number) {
    const keys = lastingKeys(`log-${Math.random()}`);
    const guard = guardOf(client(), { logger: quiet });
    await eventually(() => guard.state === 'up');
    return { keys, guard, made: Array.from({ length: count }, () => new RedisLog(guard, keys, 'queue', quiet)) };
  }

  it('keeps once, and in order, what an append that was given up brings late', async () => {
    const { made, keys } = await logs(1);
    const [log] = made as [RedisLog];
    await log.hold();
    expect(await log.append(items('a', 'b'), 1, 10)).toBe(2);
    expect(await log.append(items('a', 'b'), 1, 10)).toBe(2); // the answer was lost, so it is sent again
    expect(await log.append(items('b', 'c'), 2, 10)).toBe(2);
    expect(await log.append(items('e'), 5, 10)).toBe(1); // d was refused meanwhile,
    expect(await log.append(items('d'), 4, 10)).toBe(1); // and arrives all the same
    expect(idsOf(await log.take(10))).toEqual(['a', 'b', 'c', 'e']);
    expect(await server().cli('XLEN', keys.items('queue'))).toBe(4);
  });

  it('has one consumer at a time; the next claims what that one took, knowing how often it was handed out', async () => {
    const { made, guard, keys } = await logs(2);
    const [one, other] = made as [RedisLog, RedisLog];
    expect([await one.hold(), await other.hold()]).toEqual([true, false]);
    await one.append(items('a', 'b', 'c'), 1, 10);
    expect(idsOf(await one.take(2))).toEqual(['a', 'b']);
    expect(await other.take(2)).toBeUndefined();
    await one.release();
    expect(await other.hold()).toBe(true);
    expect((await other.take(10))?.map(({ id, deliveries }) => [id, deliveries])).toEqual([
      ['a', 2],
      ['b', 2],
    ]);
    expect(await one.take(10)).toBeUndefined();
    expect(new OwnerLease(guard, keys.consumer('queue')).isHeld).toBe(false);
  });

  it('forgets consumers that left nothing behind, and never one that did', async () => {
    const { made, keys } = await logs(3);
    const [one, other, last] = made as [RedisLog, RedisLog, RedisLog];
    await one.hold();
    await one.append(items('a', 'b'), 1, 10);
    await one.settle((await one.take(1)) ?? []);
    await one.take(1);
    await one.release();
    await other.hold();
    const consumers = async () =>
      ((await server().cli('XINFO', 'CONSUMERS', keys.items('queue'), 'flush')) as unknown[]).length;
    expect(await consumers()).toBe(1);
    await other.settle((await other.take(10)) ?? []);
    await other.release();
    await last.hold();
    expect(await consumers()).toBe(0);
  });

  it('sets aside what ended the process each time it was tried, without trying it again', async () => {
    const { made, keys } = await logs(6);
    await eventually(() => made[0]?.hold());
    await made[0]?.append(items('killer', 'good'), 1, 10);
    for (const log of made) {
      await eventually(() => log.hold());
      const [killer] = (await log.take(1)) ?? [];
      // Two tries in each of these processes, which then ended.
      if (killer !== undefined) await Promise.all([log.noteTry(killer), log.noteTry(killer)]);
      await log.release();
    }
    const cache = await instance({ namespace: keys.items('').split(':')[0] as string });
    const flushed: unknown[] = [];
    const push = cache.writeBehind('queue', { maxDelay: '10ms', flush: (batch) => void flushed.push(...batch) });
    await eventually(async () => (await push.stats()).poisoned === 1);
    await eventually(() => flushed.length === 1);
    expect(flushed).toEqual(['good']);
    expect(await push.poisoned()).toMatchObject([{ id: 'killer', item: 'killer' }]);
  });

  it('warns where Redis may evict the queue', async () => {
    const { guard, keys } = await logs(0);
    const warnings: string[] = [];
    const logger = { ...quiet, warn: (text: unknown) => void warnings.push(String(text)) };
    await server().cli('CONFIG', 'SET', 'maxmemory', '100mb', 'maxmemory-policy', 'allkeys-lru');
    await new RedisLog(guard, keys, 'queue', logger).hold();
    expect(warnings.join()).toMatch(/allkeys-lru/);
    await server().cli('CONFIG', 'SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction');
  });

  it('spells no key that an entry, a lease or a version of any version could have', () => {
    const keys = lastingKeys('app');
    const all = [
      keys.items('n'),
      keys.poisoned('n'),
      keys.tries('n'),
      keys.consumer('n'),
      keys.producer('n', 'p'),
      keys.warmer('n'),
      keys.warmed('n'),
      keys.warmedTargets('n'),
      keys.traffic(1),
    ];
    expect(new Set(all).size).toBe(all.length);
    for (const key of all) expect(key).toMatch(/^app:q:[sxtouwdrh]:\{/);
  });
});
