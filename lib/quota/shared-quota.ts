import type { EventBus } from '../common/events.js';
import type { Logger } from '../common/logger.js';
import type { RedisClient, RedisGuard } from '../redis/guard.js';
import { guardOf } from '../redis/guard.js';
import { InstanceCensus } from './instance-census.js';
import { censusKeys, quotaKeys } from './quota-keyspace.js';
import type { SharedQuotaStore } from './redis-quota-store.js';
import { ScriptQuotaStore } from './redis-quota-store.js';
import { TickBatch } from './tick-batch.js';
import type { TierPlans } from './tier-plan.js';
import { WindowQuotaStore } from './window-quota-store.js';

/** Redis as one limiter sees it. */
export interface SharedQuota {
  /** This limiter's hold: its logger and events hear of Redis' state. */
  readonly guard: RedisGuard;
  readonly store: SharedQuotaStore;
  readonly census: InstanceCensus;
  /** Ends the heartbeat of this limiter and lets go of the guard. */
  close(): void;
}

/** What {@link openSharedQuota} needs to know of a limiter. */
export interface SharedQuotaOptions {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly limiterId: string;
  readonly plans: TierPlans;
  /** Every request costs exactly 1. */
  readonly unitCost: boolean;
  /** How long a request waits for Redis. */
  readonly deadlineMs: number;
  /** Some instance has reset a client's quota. */
  readonly onReset: () => void;
  readonly logger: Logger;
  readonly events: EventBus;
}

/** The shared counters of a limiter. Limiters on one client share a batch and a heartbeat. */
export function openSharedQuota(options: SharedQuotaOptions): SharedQuota {
  const { redis, logger, events } = options;
  const guard = guardOf(redis, { logger, events });
  const parts = joinParts(redis, logger);
  const census = censusOf(parts, options.namespace);
  const leave = census.join(options.onReset);
  return {
    guard,
    store: storeOf(parts, options),
    census,
    close: () => {
      guard.close();
      void leave().then(() => leaveParts(redis, parts));
    },
  };
}

interface Parts {
  readonly guard: RedisGuard;
  readonly batch: TickBatch;
  readonly censuses: Map<string, InstanceCensus>;
  limiters: number;
}

const partsOf = new WeakMap<RedisClient, Parts>();

function joinParts(redis: RedisClient, logger: Logger): Parts {
  const guard = partsOf.get(redis)?.guard ?? guardOf(redis, { logger });
  const parts = partsOf.get(redis) ?? { guard, batch: new TickBatch(guard), censuses: new Map(), limiters: 0 };
  partsOf.set(redis, parts);
  parts.limiters++;
  return parts;
}

function leaveParts(redis: RedisClient, parts: Parts): void {
  if (--parts.limiters > 0) return;
  parts.guard.close();
  partsOf.delete(redis);
}

function censusOf({ guard, batch, censuses }: Parts, namespace: string): InstanceCensus {
  const known = censuses.get(namespace);
  if (known) return known;
  const census = new InstanceCensus(guard, batch, censusKeys(namespace));
  censuses.set(namespace, census);
  return census;
}

// rate-limit-redis where one fixed window is all there is, else our script.
function storeOf({ guard, batch }: Parts, options: SharedQuotaOptions): SharedQuotaStore {
  const { namespace, limiterId, plans, unitCost, deadlineMs } = options;
  const [shape] = plans.shapes;
  if (plans.shapes.length === 1 && shape?.kind === 'window' && unitCost) {
    const windowMs = shape.sizeUs / 1000;
    return new WindowQuotaStore(
      batch,
      quotaKeys(namespace, `${windowMs}\n${limiterId}`, 'window'),
      windowMs,
      deadlineMs,
    );
  }
  return new ScriptQuotaStore(guard, batch, quotaKeys(namespace, limiterId, 'quota'), deadlineMs);
}
