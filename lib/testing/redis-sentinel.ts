import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killProcess, startProcess } from './child-processes.js';
import { eventually } from './eventually.js';
import { findRedisServer } from './find-redis-server.js';
import { freePorts } from './free-port.js';
import { redisCommand } from './redis-command.js';
import { type RedisServer, startRedis } from './redis-server.js';

/** One master, one replica and three sentinels that notice a dead master after a second. */
export interface RedisSentinel {
  readonly name: string;
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  /** The servers as they started; after a failover the roles are swapped. */
  readonly master: RedisServer;
  readonly replica: RedisServer;
  /** The server the sentinels call master now. */
  currentMaster(): Promise<RedisServer>;
  /** A failover without a fault, as an operator orders it; resolves when the sentinels name the other server. */
  failover(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a master, a replica and three sentinels on free ports; `name` is what the sentinels call the master. Gone with
 * this process at the latest.
 */
export async function startSentinel({ name = 'main' }: { name?: string } = {}): Promise<RedisSentinel> {
  const master = await startRedis();
  const replica = await startRedis({ args: ['--replicaof', master.host, String(master.port)] });
  const directory = mkdtempSync(join(tmpdir(), 'warmpath-sentinel-'));
  const ports = await freePorts(3);
  const children = ports.map((port) => {
    const file = join(directory, `${port}.conf`);
    writeFileSync(file, sentinelConfig(name, port, master.port, directory));
    return startProcess(findRedisServer(), [file, '--sentinel'], directory);
  });
  await eventually(() => allSettled(name, ports), { timeoutMs: 20_000, everyMs: 50 });

  const currentMaster = async (): Promise<RedisServer> =>
    (await masterPort(name, ports[0])) === master.port ? master : replica;

  return {
    name,
    sentinels: ports.map((port) => ({ host: '127.0.0.1', port })),
    master,
    replica,
    currentMaster,
    async failover() {
      const before = await currentMaster();
      await eventually(() => redisCommand(ports[0] ?? 0, ['SENTINEL', 'FAILOVER', name]), { everyMs: 100 });
      await eventually(async () => (await currentMaster()) !== before, { timeoutMs: 15_000 });
    },
    async stop() {
      await Promise.all(children.map(killProcess));
      await Promise.all([master.stop(), replica.stop()]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function sentinelConfig(name: string, port: number, masterPort: number, directory: string): string {
  return [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${directory}`,
    `sentinel monitor ${name} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${name} 1000`,
    `sentinel failover-timeout ${name} 1500`,
    `sentinel parallel-syncs ${name} 1`,
    '',
  ].join('\n');
}

async function allSettled(name: string, ports: readonly number[]): Promise<boolean> {
  const states = await Promise.all(ports.map((port) => redisCommand(port, ['SENTINEL', 'MASTER', name])));
  return states.every((state) => field(state, 'num-slaves') === '1' && field(state, 'num-other-sentinels') === '2');
}

async function masterPort(name: string, sentinelPort = 0): Promise<number> {
  const address = await redisCommand(sentinelPort, ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name]);
  return Array.isArray(address) ? Number(address[1]) : 0;
}

function field(flat: unknown, name: string): unknown {
  return Array.isArray(flat) ? flat[flat.indexOf(name) + 1] : undefined;
}
