import type { Cluster, Redis } from 'ioredis';
import type { RedisClient } from '../redis/guard.js';
import { keySlot } from '../redis/key-slot.js';

/** A connection commands can be written to, and the prefix their keys need there. */
export interface SlotOwner {
  readonly node: Redis;
  readonly prefix: string;
}

/**
 * Where commands on this key go: the client itself, or on a cluster the node that owns the key's slot. Spoken to
 * directly, because the Cluster object sends again what was in flight when a connection broke, and so might count twice.
 * `undefined` while the owner is unknown.
 */
export function slotOwner(client: RedisClient, key: string): SlotOwner | undefined {
  if (!client.isCluster) return { node: client as Redis, prefix: '' };
  const cluster = client as Cluster;
  const clusterPrefix = cluster.options.keyPrefix ?? '';
  const address = cluster.slots[keySlot(clusterPrefix + key)]?.[0];
  const node = address === undefined ? undefined : cluster.nodes('master').find((each) => addressOf(each) === address);
  // A node has a prefix of its own only where it was given among redisOptions.
  return node && { node, prefix: node.options.keyPrefix ? '' : clusterPrefix };
}

const addressOf = ({ options }: Redis): string => `${options.host ?? '127.0.0.1'}:${options.port ?? 6379}`;
