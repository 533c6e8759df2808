import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { liveLimiters } from '../../lib/quota/limiter-registry.js';
import { eventually } from '../../lib/testing/eventually.js';
import { startCluster } from '../../lib/testing/redis-cluster.js';
import { startSentinel } from '../../lib/testing/redis-sentinel.js';
import { startTcpProxy } from '../../lib/testing/tcp-proxy.js';
import { instanceOn, tally } from '../quota/quota-support.js';

const cleanups: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const clean of cleanups) await clean();
});

// The stated tolerance: what a failover can let through on top of the quota is one stand-in's share per instance, and
// what the old master had not yet replicated.
describe('a failover', { timeout: 60_000 }, () => {
  it.each([
    ['token bucket', { a: { rate: 1, per: '1h', burst: 40 } }],
    ['window', { a: { limit: 40, window: '1h' } }],
  ] as const)('by Sentinel keeps the count: %s (B19)', async (_name, tiers) => {
    const sentinel = await startSentinel();
    cleanups.push(() => sentinel.stop());
    const { ask, limiter } = await instanceOn(
      { sentinels: sentinel.sentinels, name: sentinel.name },
      { tiers, timeout: '100ms' },
    );
    const before = await Promise.all(Array.from({ length: 20 }, () => ask()));
    expect(before.every(({ result }) => result === 'allowed')).toBe(true);

    await sentinel.master.kill();
    let admitted = 20;
    const results: string[] = [];
    await eventually(
      async () => {
        const decision = await ask();
        results.push(decision.result);
        if (decision.admitted) admitted++;
        return decision.source === 'redis' && (await sentinel.currentMaster()) === sentinel.replica;
      },
      { timeoutMs: 20_000, everyMs: 20 },
    );
    for (let index = 0; index < 60; index++) if ((await ask()).admitted) admitted++;
    expect(admitted).toBeGreaterThanOrEqual(40);
    expect(admitted).toBeLessThanOrEqual(80);
    expect(results).not.toContain('error');
    expect((await limiter.check('192.0.2.1')).remaining).toBe(0);
  });

  it('ordered by an operator costs nothing but the stand-in’s share', async () => {
    const sentinel = await startSentinel();
    cleanups.push(() => sentinel.stop());
    const tiers = { a: { rate: 1, per: '1h', burst: 40 } } as const;
    const { ask, limiter } = await instanceOn({ sentinels: sentinel.sentinels, name: sentinel.name }, { tiers });
    for (let index = 0; index < 10; index++) await ask();
    await sentinel.failover();
    await eventually(async () => (await ask('192.0.2.2')).source === 'redis', { timeoutMs: 10_000, everyMs: 50 });
    const { remaining } = await limiter.check('192.0.2.1');
    expect(remaining).toBe(30);
  });
});

describe('a cluster', { timeout: 90_000 }, () => {
  it('counts exactly: no NOSCRIPT, no CROSSSLOT, also after flushing every node (B16, B21, C2)', async () => {
    const cluster = await startCluster();
    cleanups.push(() => cluster.stop());
    for (const tiers of [
      { a: { rate: 1, per: '1h', burst: 10 } },
      { a: { limit: 10, window: '1h' } },
      {
        a: [
          { rate: 1, per: '1h', burst: 10 },
          { limit: 100, window: '1d' },
        ],
      },
    ] as const) {
      // A busy machine must not look like one that hangs.
      const patient = { clusterNodes: cluster.addresses, commandTimeout: 20_000, socketTimeout: 20_000 };
      const one = await instanceOn(patient, { tiers });
      const two = await instanceOn(patient, { tiers });
      // Nodes join one by one.
      const everyNode = Array.from({ length: 30 }, (_, index) => `198.51.100.${index}`);
      for (const { ask } of [one, two]) {
        await eventually(async () =>
          (await Promise.all(everyNode.map((client) => ask(client)))).every(({ source }) => source !== 'local'),
        );
      }
      for (let round = 0; round < 2; round++) {
        const clients = Array.from({ length: 30 }, (_, index) => `192.0.2.${round * 30 + index}`);
        const decisions = await Promise.all(
          clients.flatMap((client) => Array.from({ length: 15 }, (_, index) => (index % 2 ? one : two).ask(client))),
        );
        expect(tally(decisions.map(({ result }) => result))).toEqual(
          new Map([
            ['allowed', 300],
            ['limited', 150],
          ]),
        );
        for (const node of cluster.nodes) await node.cli('SCRIPT', 'FLUSH');
      }
      expect(await one.limiter.reset('192.0.2.1')).toBe(true);
    }
  });

  it.each([
    ['token bucket', { a: { rate: 1, per: '1h', burst: 10 } }],
    ['window', { a: { limit: 10, window: '1h' } }],
  ] as const)('charges a request at most once when the reply is lost: %s (A5.11)', async (_name, tiers) => {
    const cluster = await startCluster();
    cleanups.push(() => cluster.stop());
    const proxies = await Promise.all(cluster.masters.map(({ port }) => startTcpProxy(port)));
    cleanups.push(async () => void (await Promise.all(proxies.map((proxy) => proxy.close()))));
    const natMap = Object.fromEntries(
      cluster.masters.map(({ host, port }, index) => [`${host}:${port}`, { host, port: proxies[index]!.port }]),
    );
    const { ask, limiter } = await instanceOn(
      { clusterNodes: proxies.map(({ host, port }) => ({ host, port })), clusterOptions: { natMap } },
      { tiers },
    );
    await eventually(async () => (await ask('198.51.100.1')).source === 'redis');
    const first = await ask('198.51.100.1');
    // Executed, but the reply is lost with its connection; whoever sends again finds a working one.
    const before = proxies.map(({ connections }) => connections);
    for (const proxy of proxies) proxy.cutAfter(0);
    const asked = Promise.all([ask('198.51.100.1'), ask('198.51.100.1')]);
    await eventually(() => proxies.some(({ connections }, index) => connections < before[index]!), { everyMs: 1 });
    for (const proxy of proxies) proxy.pass();
    expect((await asked).map(({ admitted }) => admitted)).toEqual([true, true]);
    const core = liveLimiters().find(({ events }) => events === limiter.events)!;
    const after = await eventually(async () => [await core.check(first)].find(({ source }) => source === 'redis'), {
      timeoutMs: 10_000,
      everyMs: 50,
    });
    expect(first.remaining - (after?.remaining ?? 0)).toBeLessThanOrEqual(2);
  });

  it('counts on while slots move under load (B20)', async () => {
    const cluster = await startCluster();
    cleanups.push(() => cluster.stop());
    const tiers = { a: { rate: 1, per: '1h', burst: 100_000 } } as const;
    const { ask, client } = await instanceOn({ clusterNodes: cluster.addresses }, { tiers });
    const first = await eventually(async () => [await ask()].find(({ source }) => source === 'redis'));
    const keys = (
      await Promise.all(cluster.masters.map((node) => node.cli('KEYS', 'warmpath:quota:*')))
    ).flat() as string[];
    const slot = await cluster.slotOf(keys[0] as string);
    const owner = await cluster.masterOf(keys[0] as string);
    const sources: string[] = [];
    let moving = true;
    const load = (async () => {
      for (; moving; await pause(1)) sources.push((await ask()).source);
    })();
    await cluster.migrateSlot(slot, cluster.masters.find((node) => node !== owner)!).finally(() => {
      moving = false;
    });
    await load;
    expect(new Set(sources)).toEqual(new Set(['redis']));
    const { remaining } = await ask();
    expect(remaining).toBe((first?.remaining ?? 0) - sources.length - 1);
    expect(client.status).toBe('ready');
  });

  it('goes on when a master is killed, and counts on its replica (B22)', async () => {
    const cluster = await startCluster({ masters: 3, replicas: 3 });
    cleanups.push(() => cluster.stop());
    const tiers = { a: { rate: 1, per: '1h', burst: 40 } } as const;
    const { ask, limiter } = await instanceOn({ clusterNodes: cluster.addresses }, { tiers, timeout: '100ms' });
    await eventually(async () => (await ask()).source === 'redis');
    for (let index = 0; index < 20; index++) await ask();
    const keys = (
      await Promise.all(cluster.masters.map((node) => node.cli('KEYS', 'warmpath:quota:*')))
    ).flat() as string[];
    const owner = await cluster.masterOf(keys[0] as string);
    let admitted = 21;
    const slowest: number[] = [];
    let failing = true;
    const load = (async () => {
      while (failing) {
        const from = performance.now();
        const decision = await ask();
        slowest.push(performance.now() - from);
        if (decision.admitted) admitted++;
        await pause(20);
      }
    })();
    await cluster.failMaster(owner);
    await eventually(
      async () => (await limiter.check('192.0.2.1')).remaining === 0 || (await ask()).source === 'redis',
      { timeoutMs: 20_000 },
    );
    failing = false;
    await load;
    expect(Math.max(...slowest)).toBeLessThan(1500);
    expect(admitted).toBeLessThanOrEqual(80);
    await eventually(async () => (await ask('192.0.2.77')).source === 'redis', { timeoutMs: 10_000 });
  });
});
