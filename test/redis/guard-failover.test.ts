import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RedisGuard } from '../../lib/redis/guard.js';
import {
  eventually,
  type RedisCluster,
  type RedisSentinel,
  type RedisServer,
  startCluster,
  startSentinel,
} from '../../lib/testing/index.js';
import { cleanUp, connect, guard, recordingLogger, timings, until } from './support.js';

const BOUND_MS = 150; // the deadline of 100 ms, and timers
const KEYS = Array.from({ length: 30 }, (_, i) => `key:${i}`);

afterEach(cleanUp);

describe('Sentinel', () => {
  let sentinel: RedisSentinel;
  beforeAll(async () => {
    sentinel = await startSentinel();
  });
  afterAll(() => sentinel.stop());

  const watch = () => guard(connect({ sentinels: sentinel.sentinels, name: sentinel.name }));

  it('B19: after an ordered failover the new master is used, under another reign', async () => {
    const watched = watch();
    await until('up', watched);
    const before = watched.reign('k');
    await sentinel.failover();
    await eventually(() => watched.state === 'up' && !watched.reign('k')?.equals(before!), { timeoutMs: 5000 });
    expect((await watched.run('write', (client) => client.set('k', 'v'))).ok).toBe(true);
  });

  it('B19: when the master dies every call stays bounded, and the new one is used', async () => {
    const watched = watch();
    await until('up', watched);
    const [before, dead] = [watched.reign('k'), await sentinel.currentMaster()];
    await dead.kill();
    const found = await timings(() => watched.readMany(['k']), 1000);
    expect(found.percentile(0.99)).toBeLessThan(5);
    await eventually(async () => (await sentinel.currentMaster()) !== dead, { timeoutMs: 15_000 });
    expect(await until('up', watched)).toBeLessThan(2000);
    expect(watched.reign('k')).not.toEqual(before);
    await dead.restart({ args: ['--replicaof', '127.0.0.1', String((await sentinel.currentMaster()).port)] });
  });

  it('a master that hung, was replaced and wakes is not believed', async () => {
    const other = (await sentinel.currentMaster()) === sentinel.master ? sentinel.replica : sentinel.master;
    await eventually(async () => String(await other.cli('INFO', 'replication')).includes('master_link_status:up'), {
      timeoutMs: 15_000,
    });
    const watched = watch();
    await until('up', watched);
    const hung = await sentinel.currentMaster();
    await hung.cli('SET', 'k', 'old');
    await eventually(async () => (await other.cli('GET', 'k')) === 'old');
    hung.pause();
    // Nobody asks for anything, and yet it is noticed.
    await until('down', watched, 3000);
    await eventually(async () => (await sentinel.currentMaster()) === other, { timeoutMs: 15_000 });
    await other.cli('SET', 'k', 'new');
    hung.resume();
    await until('up', watched);
    expect((await watched.readMany(['k']))?.map(String)).toEqual(['new']);
  });
});

describe('Cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startCluster({ masters: 3, replicas: 3 });
  });
  afterAll(() => cluster.stop());

  async function watch(): Promise<RedisGuard> {
    const watched = guard(connect({ clusterNodes: cluster.addresses }));
    await eventually(async () => isWhole(await watched.readMany(KEYS)));
    return watched;
  }

  const isWhole = (values: readonly unknown[] | undefined) => values?.every((value) => value !== undefined) ?? false;

  it('reads keys of all nodes at once, and names a reign per node', async () => {
    const watched = await watch();
    await Promise.all(KEYS.map((key) => watched.run('write', (client) => client.set(key, key), undefined, key)));
    expect((await watched.readMany(KEYS))?.map(String)).toEqual(KEYS);
    const reigns = new Map<RedisServer, Set<string>>();
    for (const key of KEYS) {
      const owner = await cluster.masterOf(key);
      reigns.set(owner, (reigns.get(owner) ?? new Set()).add(String(watched.reign(key)?.toString('hex'))));
    }
    expect(reigns.size).toBe(3);
    expect([...reigns.values()].map(({ size }) => size)).toEqual([1, 1, 1]);
    expect(new Set([...reigns.values()].flatMap((names) => [...names])).size).toBe(3);
  });

  it('honours a keyPrefix, wherever it was given', async () => {
    for (const options of [{ keyPrefix: 'app:' }, { clusterOptions: { keyPrefix: 'app:' } }]) {
      const watched = guard(connect({ clusterNodes: cluster.addresses, ...options }));
      await eventually(async () => isWhole(await watched.readMany(KEYS)));
      await (await cluster.masterOf('app:key:1')).cli('SET', 'app:key:1', 'prefixed');
      expect((await watched.readMany(['key:1', 'key:2']))?.map(String)).toEqual(['prefixed', 'null']);
    }
  });

  it('reads of another type are null, as on a single server', async () => {
    const watched = await watch();
    await (await cluster.masterOf('list')).cli('RPUSH', 'list', 'x');
    expect(await watched.readMany(['list', 'none'])).toEqual([null, null]);
  });

  it('B20: reads and writes go on while a slot moves, and its reign changes with its owner', async () => {
    const watched = await watch();
    const [key, from] = ['key:7', await cluster.masterOf('key:7')];
    const to = cluster.masters.find((node) => node !== from && node.pid !== undefined)!;
    await watched.run('write', (client) => client.set(key, 'moving'), undefined, key);
    const before = watched.reign(key);
    const found: unknown[] = [];
    await cluster.migrateSlot(await cluster.slotOf(key), to, async () => {
      for (let i = 0; i < 5; i++) found.push(...((await watched.readMany([key])) ?? ['unavailable']));
    });
    expect(found.map(String)).toEqual(Array.from({ length: 5 }, () => 'moving'));
    await eventually(async () => String((await watched.readMany([key]))?.[0]) === 'moving', { timeoutMs: 2000 });
    expect(watched.reign(key)).toHaveLength(16);
    expect(watched.reign(key)).not.toEqual(before);
  });

  it('B23: a hung node takes its own keys out of use and no others, and the cluster stays up', async () => {
    // A cluster without replicas, so that nobody takes over.
    const own = await startCluster({ masters: 3 });
    try {
      const logger = recordingLogger();
      const watched = guard(connect({ clusterNodes: own.addresses }), { logger });
      await eventually(async () => isWhole(await watched.readMany(KEYS)));
      const hung = await own.masterOf('key:0');
      const [mine, others] = [[] as string[], [] as string[]];
      for (const key of KEYS) ((await own.masterOf(key)) === hung ? mine : others).push(key);
      hung.pause();

      const waits = await timings(() => watched.readMany(KEYS), 600);
      expect(waits.longest).toBeLessThan(BOUND_MS);
      expect(await watched.readMany(mine)).toBeUndefined();
      const [together, alone] = await Promise.all([watched.readMany(KEYS), watched.readMany(others)]);
      expect(together?.map((value) => value === undefined)).toEqual(KEYS.map((key) => mine.includes(key)));
      expect(alone?.every((value) => value === null)).toBe(true);
      expect(watched.state).toBe('up');

      const later = await timings(() => watched.readMany(KEYS), 500);
      expect(later.percentile(0.9)).toBeLessThan(10);
      const [key = ''] = mine;
      expect(await watched.run('write', (client) => client.set(key, '1'), undefined, key)).toEqual({
        ok: false,
        reason: 'down',
      });
      expect(logger.lines.filter((line) => line.includes('node'))).toHaveLength(1);

      hung.resume();
      const startedAt = performance.now();
      await eventually(async () => isWhole(await watched.readMany(KEYS)));
      expect(performance.now() - startedAt).toBeLessThan(2000);
    } finally {
      await own.stop();
    }
  });

  it('a caller whose keys are on healthy nodes does not wait for a hung one', async () => {
    const own = await startCluster({ masters: 3 });
    try {
      const watched = guard(connect({ clusterNodes: own.addresses }));
      await eventually(async () => isWhole(await watched.readMany(KEYS)));
      const hung = await own.masterOf('key:0');
      const others: string[] = [];
      for (const key of KEYS) if ((await own.masterOf(key)) !== hung) others.push(key);
      hung.pause();
      const startedAt = performance.now();
      const all = watched.readMany(KEYS);
      expect((await watched.readMany(others))?.length).toBe(others.length);
      expect(performance.now() - startedAt).toBeLessThan(80);
      await all;
      hung.resume();
    } finally {
      await own.stop();
    }
  });

  it('B22: when a master dies its keys come back with its successor, under another reign', async () => {
    const watched = await watch();
    const key = 'key:3';
    const [dead, before] = [await cluster.masterOf(key), watched.reign(key)];
    const failing = cluster.failMaster(dead);
    const waits = await timings(() => watched.readMany(KEYS), 1000);
    expect(waits.longest).toBeLessThan(BOUND_MS);
    await failing;
    const startedAt = performance.now();
    await eventually(async () => isWhole(await watched.readMany(KEYS)), { timeoutMs: 10_000 });
    expect(performance.now() - startedAt).toBeLessThan(2000);
    expect(watched.reign(key)).not.toEqual(before);
    expect((await watched.run('write', (client) => client.set(key, 'again'), undefined, key)).ok).toBe(true);
  });

  it('B22: an ordered failover changes the reign, though no connection broke', async () => {
    const watched = await watch();
    const replica = await someReplica();
    const key = await keyOf(replica);
    const before = watched.reign(key);
    await replica.cli('CLUSTER', 'FAILOVER');
    await eventually(async () => {
      await watched.readMany([key]);
      const reign = watched.reign(key);
      return reign !== undefined && !reign.equals(before!);
    });
    expect(await watched.readMany([key])).not.toBeUndefined();
  });

  async function someReplica(): Promise<RedisServer> {
    for (const node of cluster.nodes) {
      if (node.pid !== undefined && String(await node.cli('INFO', 'replication')).includes('role:slave')) return node;
    }
    throw new Error('no replica is left');
  }

  async function keyOf(replica: RedisServer): Promise<string> {
    const port = Number(/master_port:(\d+)/.exec(String(await replica.cli('INFO', 'replication')))?.[1]);
    for (const key of KEYS) if ((await cluster.masterOf(key)).port === port) return key;
    throw new Error('its master has none of the keys');
  }
});
