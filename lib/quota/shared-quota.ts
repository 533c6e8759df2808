import type { RedisGuard } from '../redis/guard.js';
import { InstanceCensus } from './instance-census.js';
import { censusKeys, quotaKeys } from './quota-keyspace.js';
import type { SharedQuotaStore } from './redis-quota-store.js';
import { ScriptQuotaStore } from './redis-quota-store.js';
import { TickBatch } from './tick-batch.js';
import type { TierPlans } from './tier-plan.js';
import { WindowQuotaStore } from './window-quota-store.js';

interface Parts {
  readonly batch: TickBatch;
  readonly censuses: Map<string, InstanceCensus>;
}

// One batch and one heartbeat per client, however many limiters use it.
const partsOf = new WeakMap<RedisGuard, Parts>();

function partsFor(guard: RedisGuard): Parts {
  const known = partsOf.get(guard);
  if (known) return known;
  const parts = { batch: new TickBatch(guard), censuses: new Map<string, InstanceCensus>() };
  partsOf.set(guard, parts);
  return parts;
}

/** The heartbeat of all limiters of a namespace on this client. */
export function censusFor(guard: RedisGuard, namespace: string): InstanceCensus {
  const { batch, censuses } = partsFor(guard);
  const known = censuses.get(namespace);
  if (known) return known;
  const census = new InstanceCensus(guard, batch, censusKeys(namespace));
  censuses.set(namespace, census);
  return census;
}

/** The shared counters of a limiter: rate-limit-redis where one fixed window is all there is, else our script. */
export function sharedStoreFor(
  guard: RedisGuard,
  namespace: string,
  limiterId: string,
  plans: TierPlans,
  unitCost: boolean,
): SharedQuotaStore {
  const { batch } = partsFor(guard);
  const [shape] = plans.shapes;
  if (plans.shapes.length === 1 && shape?.kind === 'window' && unitCost) {
    const windowMs = shape.sizeUs / 1000;
    return new WindowQuotaStore(batch, quotaKeys(namespace, `${windowMs}\n${limiterId}`, 'window'), windowMs);
  }
  return new ScriptQuotaStore(guard, batch, quotaKeys(namespace, limiterId, 'quota'));
}
