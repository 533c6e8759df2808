import type { Cluster, Redis } from 'ioredis';
import type { RedisGuard } from '../redis/guard.js';
import type { RedisServerFigures } from './redis-figures.js';

// A scrape can wait longer than a request, but not for ever.
const DEADLINE_MS = 250;

/** Asks every master behind a guard for its figures. `undefined`: one of them did not answer in time. */
export async function readServers(guard: RedisGuard): Promise<readonly RedisServerFigures[] | undefined> {
  const reply = await guard.run(
    'info',
    (client) => Promise.all(nodesOf(client, guard.isCluster).map(infoOf)),
    DEADLINE_MS,
  );
  return reply.ok ? reply.value.map(figuresOf) : undefined;
}

function nodesOf(client: Redis | Cluster, isCluster: boolean): readonly Redis[] {
  return isCluster ? (client as Cluster).nodes('master') : [client as Redis];
}

const infoOf = (node: Redis): Promise<string> => node.info();

function figuresOf(info: string): RedisServerFigures {
  const fields = parseInfo(info);
  const text = (name: string): string => fields.get(name) ?? '';
  const number = (name: string): number => Number(fields.get(name)) || 0;
  return {
    runId: text('run_id'),
    version: text('redis_version'),
    role: text('role'),
    usedMemory: number('used_memory'),
    maxMemory: number('maxmemory'),
    connectedClients: number('connected_clients'),
    commandsProcessed: number('total_commands_processed'),
    keyspaceHits: number('keyspace_hits'),
    keyspaceMisses: number('keyspace_misses'),
    evictedKeys: number('evicted_keys'),
    keys: [...fields].reduce((keys, [name, value]) => keys + (/^db\d+$/.test(name) ? keysIn(value) : 0), 0),
  };
}

/** `INFO` as fields. */
function parseInfo(info: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of info.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

// db0:keys=12,expires=3,avg_ttl=0
const keysIn = (value: string): number => Number(/keys=(\d+)/.exec(value)?.[1]) || 0;
