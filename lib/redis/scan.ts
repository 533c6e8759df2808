import type { Cluster, Redis } from 'ioredis';
import { WarmpathError } from '../common/errors.js';
import type { RedisClient } from './guard.js';

const UNLINK_BATCH = 500;
const CLUSTER_UNLINK_BATCH = 100;

/**
 * Keys that begin with `prefix`, literally, from every master, in batches of about `batch`. A key may come twice, and
 * one written meanwhile may be missing (SCAN). The client's `keyPrefix` is taken into account. Rejects as the client does.
 * @param batch how many keys the server looks at per call. @default 500
 */
export async function* scanKeys(client: RedisClient, prefix: string, batch = 500): AsyncGenerator<string[]> {
  // An empty prefix is never "everything": another application may share the server.
  if (prefix === '') throw new WarmpathError('ERR_TARGET', 'scanKeys: the prefix is empty');
  const ownPrefix = client.options.keyPrefix ?? '';
  const nodes = client.isCluster ? (client as Cluster).nodes('master') : [client as Redis];
  for (const node of nodes) {
    for await (const keys of scanNode(node, ownPrefix + prefix, batch)) {
      if (keys.length > 0) yield keys.map((key) => key.slice(ownPrefix.length));
    }
  }
}

/** Frees keys of any slots, a bounded number at a time; answers how many there were. */
export async function unlinkMany(client: RedisClient, keys: readonly string[]): Promise<number> {
  let removed = 0;
  const size = client.isCluster ? CLUSTER_UNLINK_BATCH : UNLINK_BATCH;
  for (let start = 0; start < keys.length; start += size) {
    const batch = keys.slice(start, start + size);
    // On a cluster each key goes alone, as a command may not span slots.
    const counts = client.isCluster
      ? await Promise.all(batch.map((key) => client.unlink(key)))
      : [await client.unlink(...batch)];
    removed += counts.reduce((sum, count) => sum + count, 0);
  }
  return removed;
}

async function* scanNode(node: Redis, prefix: string, batch: number): AsyncGenerator<string[]> {
  let cursor = '0';
  do {
    const [next, keys] = await node.scan(cursor, 'MATCH', `${literal(prefix)}*`, 'COUNT', batch);
    // The pattern is escaped; this holds even if a server reads it in another way.
    yield keys.filter((key) => key.startsWith(prefix));
    cursor = next;
  } while (cursor !== '0');
}

/** Text as a glob pattern that matches nothing else. */
function literal(text: string): string {
  return text.replace(/[*?[\]\\^-]/g, '\\$&');
}
