import { setTimeout as delay } from 'node:timers/promises';
import {
  eventually,
  type RedisCluster,
  type RedisSentinel,
  type RedisServer,
  startCluster,
  startSentinel,
} from '../../../lib/testing/index.js';
import type { Scenario, Scene, Stage } from './scenario.js';

/** What fails over takes its time: what is promised begins when there is a master again. */
const LONG_HOLD_MS = 8000;

function ofSentinel(title: string, begin: (sentinel: RedisSentinel) => Promise<unknown>): Scenario {
  const arrange = async (): Promise<Stage> => {
    const sentinel = await startSentinel();
    let work: Promise<unknown> | undefined;
    return {
      redis: { sentinels: sentinel.sentinels, name: sentinel.name },
      begin() {
        work = begin(sentinel);
        work.catch(() => {}); // heard at the end
      },
      end: () => work,
      stop: () => sentinel.stop(),
    };
  };
  return { row: 'B19', title, arrange, longHoldMs: LONG_HOLD_MS };
}

function ofCluster(
  row: string,
  title: string,
  begin: (cluster: RedisCluster, isOver: () => boolean) => Promise<unknown>,
  end: (cluster: RedisCluster) => unknown = () => {},
  replicas = 3,
): Scenario {
  const arrange = async (): Promise<Stage> => {
    const cluster = await startCluster({ masters: 3, replicas });
    let isOver = false;
    let work: Promise<unknown> | undefined;
    return {
      redis: { clusterNodes: cluster.addresses },
      begin() {
        work = begin(cluster, () => isOver);
        work.catch(() => {}); // heard at the end
      },
      async end({ urls }: Scene) {
        isOver = true;
        await work;
        await end(cluster);
        if (urls.length === 0) throw new Error('no app');
      },
      stop: () => cluster.stop(),
    };
  };
  return { row, title, arrange, longHoldMs: LONG_HOLD_MS };
}

/** B19 to B23: masters change, slots move, one node of several hangs. */
export const topologies: readonly Scenario[] = [
  ofSentinel('Sentinel: master killed', async (sentinel) => {
    const before = await sentinel.currentMaster();
    await before.kill();
    await eventually(async () => (await sentinel.currentMaster()) !== before, { timeoutMs: 20_000 });
    await isMaster(sentinel.replica);
  }),
  ofSentinel('Sentinel: failover ordered', async (sentinel) => {
    await sentinel.failover();
    await isMaster(await sentinel.currentMaster());
  }),
  ofCluster('B20 B21', 'Cluster: slots moved, one after the other', moveSlots, () => {}, 0),
  ofCluster('B22', 'Cluster: master killed', async (cluster) => cluster.failMaster(first(cluster.masters))),
  ofCluster('B22', 'Cluster: failover ordered', async (cluster) => cluster.promote(first(cluster.replicas))),
  ofCluster(
    'B23',
    'Cluster: one node hung',
    async (cluster) => first(cluster.masters).pause(),
    (cluster) => first(cluster.masters).resume(),
    0,
  ),
];

async function isMaster(server: RedisServer): Promise<void> {
  await eventually(async () => String(await server.cli('INFO', 'replication')).includes('role:master'), {
    timeoutMs: 20_000,
  });
}

async function moveSlots(cluster: RedisCluster, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    for (const node of cluster.masters) {
      // The slots the app uses: those of keys it has.
      const key = (await node.cli('RANDOMKEY')) as string | null;
      if (key === null) continue;
      const from = await cluster.masterOf(key);
      const to = cluster.masters.find((master) => master !== from);
      if (to !== undefined) await cluster.migrateSlot(await cluster.slotOf(key), to, () => delay(50));
    }
  }
}

function first(servers: readonly RedisServer[]): RedisServer {
  const [server] = servers;
  if (server === undefined) throw new Error('an empty cluster');
  return server;
}
