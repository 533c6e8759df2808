import type { Cluster, Redis } from 'ioredis';
import { keepAnsweredConnections } from './answered-connections.js';
import { redisOptionsFromEnv } from './connection-env.js';
import { type CreateRedisOptions, connectionPlan } from './connection-options.js';
import { ioredis } from './ioredis.js';

/**
 * An ioredis client that fails fast: bounded waits, no offline queue, nothing executed twice, quick and jittered
 * reconnects. Without an argument it reads `REDIS_URL`; or `REDIS_HOST`, `_PORT`, `_DB`, `_USERNAME`, `_PASSWORD`, `_TLS`;
 * or `REDIS_SENTINELS` and `REDIS_SENTINEL_NAME`; or `REDIS_CLUSTER_NODES`; and returns `undefined` when none is set.
 * Never throws, waits or fails because Redis is away: only for options that are wrong. Whoever calls this closes it.
 */
export function createRedis(): Redis | Cluster | undefined;
export function createRedis(options: string | CreateRedisOptions): Redis | Cluster;
export function createRedis(options?: string | CreateRedisOptions | undefined): Redis | Cluster | undefined;
export function createRedis(options?: string | CreateRedisOptions): Redis | Cluster | undefined {
  const given = options ?? redisOptionsFromEnv(process.env);
  if (given === undefined) return undefined;
  const plan = connectionPlan(given);
  const { Cluster, Redis } = ioredis();
  const client = plan.kind === 'cluster' ? new Cluster(plan.nodes, plan.options) : new Redis(plan.options);
  // Without a listener ioredis prints a stack per attempt. What went wrong is told by the guard, once per change.
  client.on('error', () => {});
  keepAnsweredConnections(client);
  return client;
}
