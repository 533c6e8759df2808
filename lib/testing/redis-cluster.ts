import { eventually } from './eventually.js';
import { freePorts } from './free-port.js';
import { type RedisServer, startRedis } from './redis-server.js';

const SLOTS = 16_384;

/** Options of {@link startCluster}. */
export interface StartClusterOptions {
  /** @default 3 */
  readonly masters?: number;
  /** Replicas in all: as many as masters, or none. @default 0 */
  readonly replicas?: number;
}

/** A Redis Cluster that declares a node dead after a second. */
export interface RedisCluster {
  readonly nodes: readonly RedisServer[];
  /** As they started; a failover swaps a master with its replica. */
  readonly masters: readonly RedisServer[];
  readonly replicas: readonly RedisServer[];
  /** `['127.0.0.1:7000', …]`, for `REDIS_CLUSTER_NODES`. */
  readonly addresses: readonly string[];
  /** The node that serves this key now, asked from a node that runs. */
  masterOf(key: string): Promise<RedisServer>;
  slotOf(key: string): Promise<number>;
  /** Moves a slot with its keys; `halfway` runs when the keys have moved and the slot has not yet. */
  migrateSlot(slot: number, to: RedisServer, halfway?: () => Promise<void>): Promise<void>;
  /** SIGKILL to a master; resolves when its replica has taken over. */
  failMaster(master: RedisServer): Promise<void>;
  /** A failover without a fault: this replica takes over from its master. */
  promote(replica: RedisServer): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a cluster on free ports and resolves once every slot is served. Gone with this process at the latest. */
export async function startCluster({ masters = 3, replicas = 0 }: StartClusterOptions = {}): Promise<RedisCluster> {
  const ports = await freePorts((masters + replicas) * 2);
  const nodes = await Promise.all(
    Array.from({ length: masters + replicas }, (_, i) => startNode(ports[2 * i] ?? 0, ports[2 * i + 1] ?? 0)),
  );
  const cluster = new RunningCluster(nodes.slice(0, masters), nodes.slice(masters), ports);
  await cluster.form();
  return cluster;
}

function startNode(port: number, busPort: number): Promise<RedisServer> {
  const settings = {
    'cluster-enabled': 'yes',
    'cluster-port': String(busPort),
    'cluster-node-timeout': '1000',
    'cluster-replica-validity-factor': '0',
  };
  return startRedis({ port, args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]) });
}

class RunningCluster implements RedisCluster {
  readonly masters: readonly RedisServer[];
  readonly replicas: readonly RedisServer[];
  readonly #ports: readonly number[];

  constructor(masters: readonly RedisServer[], replicas: readonly RedisServer[], ports: readonly number[]) {
    this.masters = masters;
    this.replicas = replicas;
    this.#ports = ports;
  }

  get nodes(): readonly RedisServer[] {
    return [...this.masters, ...this.replicas];
  }

  get addresses(): readonly string[] {
    return this.nodes.map(({ host, port }) => `${host}:${port}`);
  }

  async form(): Promise<void> {
    const [first] = this.masters;
    await Promise.all(this.nodes.map((node, i) => node.cli('CLUSTER', 'SET-CONFIG-EPOCH', i + 1)));
    for (const [i, node] of this.masters.entries()) {
      const from = Math.floor((i * SLOTS) / this.masters.length);
      const to = Math.floor(((i + 1) * SLOTS) / this.masters.length) - 1;
      await node.cli('CLUSTER', 'ADDSLOTSRANGE', from, to);
    }
    for (const [i, node] of this.nodes.entries()) {
      if (node !== first) await first?.cli('CLUSTER', 'MEET', node.host, node.port, this.#ports[2 * i + 1] ?? 0);
    }
    await eventually(() => this.#allKnowAll(), { timeoutMs: 20_000, everyMs: 50 });
    for (const [i, replica] of this.replicas.entries()) {
      const master = this.masters[i % this.masters.length];
      if (master) await replica.cli('CLUSTER', 'REPLICATE', String(await master.cli('CLUSTER', 'MYID')));
    }
    await eventually(() => this.#allInSync(), { timeoutMs: 20_000, everyMs: 50 });
  }

  async masterOf(key: string): Promise<RedisServer> {
    const slot = await this.slotOf(key);
    for (const range of (await this.#alive().cli('CLUSTER', 'SLOTS')) as [number, number, [string, number]][]) {
      if (slot < range[0] || slot > range[1]) continue;
      const node = this.nodes.find(({ port }) => port === range[2][1]);
      if (node) return node;
    }
    throw new Error(`Nobody serves slot ${slot}`);
  }

  async slotOf(key: string): Promise<number> {
    return Number(await this.#alive().cli('CLUSTER', 'KEYSLOT', key));
  }

  async migrateSlot(slot: number, to: RedisServer, halfway?: () => Promise<void>): Promise<void> {
    const from = await this.#ownerOf(slot);
    const [fromId, toId] = await Promise.all([from.cli('CLUSTER', 'MYID'), to.cli('CLUSTER', 'MYID')]);
    await to.cli('CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(fromId));
    await from.cli('CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(toId));
    for (;;) {
      const keys = (await from.cli('CLUSTER', 'GETKEYSINSLOT', slot, 100)) as string[];
      if (keys.length === 0) break;
      await from.cli('MIGRATE', to.host, to.port, '', 0, 5000, 'KEYS', ...keys);
    }
    await halfway?.();
    for (const node of [to, from, ...this.masters.filter((other) => other !== to && other !== from)]) {
      await node.cli('CLUSTER', 'SETSLOT', slot, 'NODE', String(toId));
    }
  }

  async failMaster(master: RedisServer): Promise<void> {
    const id = String(await master.cli('CLUSTER', 'MYID'));
    await master.kill();
    await eventually(() => this.#servesNothing(id), { timeoutMs: 20_000, everyMs: 50 });
  }

  async promote(replica: RedisServer): Promise<void> {
    await replica.cli('CLUSTER', 'FAILOVER');
    await eventually(async () => String(await replica.cli('INFO', 'replication')).includes('role:master'), {
      timeoutMs: 15_000,
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  #alive(): RedisServer {
    const node = this.nodes.find(({ pid }) => pid !== undefined);
    if (!node) throw new Error('No node of the cluster runs');
    return node;
  }

  async #ownerOf(slot: number): Promise<RedisServer> {
    for (const node of this.masters) {
      const ranges = (await node.cli('CLUSTER', 'SLOTS')) as [number, number, [string, number]][];
      const port = ranges.find(([low, high]) => slot >= low && slot <= high)?.[2][1];
      const owner = this.nodes.find((other) => other.port === port);
      if (owner) return owner;
    }
    throw new Error(`Nobody serves slot ${slot}`);
  }

  async #allKnowAll(): Promise<boolean> {
    const infos = await Promise.all(this.nodes.map((node) => node.cli('CLUSTER', 'INFO')));
    return infos.every(
      (info) =>
        String(info).includes('cluster_state:ok') && String(info).includes(`cluster_known_nodes:${this.nodes.length}`),
    );
  }

  async #allInSync(): Promise<boolean> {
    const infos = await Promise.all(this.replicas.map((node) => node.cli('INFO', 'replication')));
    if (!infos.every((info) => String(info).includes('master_link_status:up'))) return false;
    // Every node must know who replicates whom, or a dead master is not replaced.
    const views = await Promise.all(this.nodes.map((node) => node.cli('CLUSTER', 'NODES')));
    return views.every(
      (view) =>
        String(view).split(' slave ').length + String(view).split('myself,slave').length - 2 === this.replicas.length,
    );
  }

  async #servesNothing(id: string): Promise<boolean> {
    const running = this.nodes.filter(({ pid }) => pid !== undefined);
    const views = await Promise.all(
      running.map(async (node) => {
        const [slots, info] = await Promise.all([node.cli('CLUSTER', 'SLOTS'), node.cli('CLUSTER', 'INFO')]);
        return !JSON.stringify(slots).includes(id) && String(info).includes('cluster_state:ok');
      }),
    );
    return views.every(Boolean);
  }
}
