import { type RedisFigures, type RedisFiguresReader, type RedisServerFigures, totalOf } from './redis-figures.js';
import type { MetricValue } from './tally.js';

/** Readers of every `redis_*` metric. Figures of a server that does not answer are left out, not shown as they were. */
export function redisMetrics(reader: RedisFiguresReader) {
  const state = (pick: (figures: RedisFigures) => boolean) => async (): Promise<MetricValue[]> => {
    const figures = await reader.read();
    return figures ? [{ labels: {}, value: pick(figures) ? 1 : 0 }] : [];
  };
  const total = (pick: (server: RedisServerFigures) => number) => async (): Promise<MetricValue[]> => {
    const value = totalOf(await reader.read(), pick);
    return value === undefined ? [] : [{ labels: {}, value }];
  };
  return {
    redis_up: state(({ up }) => up),
    redis_breaker_state: state(({ breakerOpen }) => breakerOpen),
    redis_memory_used_bytes: total(({ usedMemory }) => usedMemory),
    redis_memory_max_bytes: total(({ maxMemory }) => maxMemory),
    redis_keys: total(({ keys }) => keys),
    redis_evicted_keys_total: total(({ evictedKeys }) => evictedKeys),
    redis_keyspace_hits_total: total(({ keyspaceHits }) => keyspaceHits),
    redis_keyspace_misses_total: total(({ keyspaceMisses }) => keyspaceMisses),
  };
}
