import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  eventually,
  type RedisCluster,
  type RedisSentinel,
  startCluster,
  startSentinel,
} from '../../lib/testing/index.js';

describe('startSentinel', () => {
  let sentinel: RedisSentinel;
  beforeAll(async () => {
    sentinel = await startSentinel();
  });
  afterAll(() => sentinel.stop());

  it('replicates, and fails over by order', async () => {
    await sentinel.master.cli('SET', 'k', 'v');
    await eventually(async () => (await sentinel.replica.cli('GET', 'k')) === 'v');
    expect(await sentinel.currentMaster()).toBe(sentinel.master);
    await sentinel.failover();
    expect(await sentinel.currentMaster()).toBe(sentinel.replica);
  });
});

describe('startCluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startCluster({ masters: 3, replicas: 3 });
  });
  afterAll(() => cluster.stop());

  it('serves all slots, and moves one with its keys', async () => {
    const from = await cluster.masterOf('moving');
    await from.cli('SET', 'moving', 'here');
    const to = cluster.masters.find((node) => node !== from)!;
    await cluster.migrateSlot(await cluster.slotOf('moving'), to, async () => {
      await expect(from.cli('GET', 'moving')).rejects.toThrow('ASK');
    });
    expect(await cluster.masterOf('moving')).toBe(to);
    expect(await to.cli('GET', 'moving')).toBe('here');
  });

  it('replaces a killed master by its replica', async () => {
    const dead = await cluster.masterOf('orphan');
    await cluster.failMaster(dead);
    expect(cluster.replicas).toContain(await cluster.masterOf('orphan'));
  });
});
