import type { Cluster, Redis } from 'ioredis';
import type { RedisGuard } from './guard.js';

/** What Redis tells of itself, summed over the masters of a cluster. Bytes and counts since its start. */
export interface RedisInfo {
  readonly usedMemory: number;
  readonly usedMemoryHuman: string;
  /** 0 = no limit. */
  readonly maxMemory: number;
  readonly evictedKeys: number;
  readonly keyspaceHits: number;
  readonly keyspaceMisses: number;
  readonly keys: number;
  readonly connectedClients: number;
  readonly commandsProcessed: number;
}

const DEADLINE_MS = 1000;
const UNITS = ['B', 'K', 'M', 'G', 'T'];

/** Reads the figures; `undefined` when Redis, or one master of a cluster, does not answer in time. Never rejects. */
export async function readRedisInfo(guard: RedisGuard, deadlineMs = DEADLINE_MS): Promise<RedisInfo | undefined> {
  const reply = await guard.run(
    'info',
    (client) => {
      const nodes = client.isCluster ? (client as Cluster).nodes('master') : [client as Redis];
      return Promise.all(nodes.map((node) => node.info()));
    },
    deadlineMs,
  );
  return reply.ok && reply.value.length > 0 ? summed(reply.value) : undefined;
}

function summed(infos: readonly string[]): RedisInfo {
  const sum = (name: string): number => infos.reduce((total, info) => total + figure(info, name), 0);
  const usedMemory = sum('used_memory');
  return {
    usedMemory,
    usedMemoryHuman: human(usedMemory),
    maxMemory: sum('maxmemory'),
    evictedKeys: sum('evicted_keys'),
    keyspaceHits: sum('keyspace_hits'),
    keyspaceMisses: sum('keyspace_misses'),
    keys: infos.reduce((total, info) => total + keysIn(info), 0),
    connectedClients: sum('connected_clients'),
    commandsProcessed: sum('total_commands_processed'),
  };
}

function figure(info: string, name: string): number {
  return Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
}

// db0:keys=12,expires=3,avg_ttl=0
function keysIn(info: string): number {
  return [...info.matchAll(/^db\d+:keys=(\d+)/gm)].reduce((total, [, keys]) => total + Number(keys), 0);
}

function human(bytes: number): string {
  const unit = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1);
  return `${(bytes / 1024 ** unit).toFixed(unit === 0 ? 0 : 2)}${UNITS[unit]}`;
}
