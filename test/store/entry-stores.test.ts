import { afterAll, afterEach, beforeAll } from 'vitest';
import { systemClock } from '../../lib/common/clock.js';
import { EventBus } from '../../lib/common/events.js';
import { createRedis } from '../../lib/redis/client.js';
import { guardOf } from '../../lib/redis/guard.js';
import { keyspace } from '../../lib/redis/keyspace.js';
import { createSubscriber } from '../../lib/redis/subscriber.js';
import { InvalidationChannel } from '../../lib/store/invalidation-channel.js';
import { MemoryStore } from '../../lib/store/memory-store.js';
import { RedisStore } from '../../lib/store/redis-store.js';
import { SharedStore } from '../../lib/store/shared-store.js';
import { eventually, type RedisServer, startRedis } from '../../lib/testing/index.js';
import { entryStoreContract } from '../contracts/entry-store.js';

const closing: (() => unknown)[] = [];
let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await redis.cli('FLUSHALL');
});

entryStoreContract('process memory', async () => {
  const store = new MemoryStore({ maxBytes: 1024 * 1024, now: systemClock.now });
  return { store, other: store };
});

const logger = { debug() {}, info() {}, warn() {}, error() {} };

async function sharedStore(nearCacheMs: number | undefined): Promise<SharedStore> {
  const client = createRedis(redis.url);
  const events = new EventBus();
  const guard = guardOf(client, { events, logger });
  const names = keyspace('contract', '1');
  const subscriber = createSubscriber(guard);
  const memory = new MemoryStore({ maxBytes: 1024 * 1024, now: () => guard.now() });
  const channel = new InvalidationChannel(guard, names.invalidationChannel);
  if (nearCacheMs !== undefined)
    channel.listen(subscriber, { onOrder: (order) => void memory.invalidate(order), onGap: () => memory.clear() });
  const store = new SharedStore({
    guard,
    redis: new RedisStore({ guard, keyspace: names, subscriber, events }),
    memory,
    channel,
    nearCacheMs,
    outageMaxAgeMs: 10_000,
  });
  closing.push(() => {
    store.close();
    subscriber.close();
    guard.close();
    client.disconnect();
  });
  await eventually(() => guard.state === 'up');
  return store;
}

entryStoreContract('Redis', async () => ({ store: await sharedStore(undefined), other: await sharedStore(undefined) }));
