import { memoryShare, type RedisServerFigures } from '../../metrics/redis-figures.js';
import type { RedisGuard } from '../../redis/guard.js';
import type { Check, CheckAnswer } from './check.js';

const MEMORY_HIGH = 0.75;
const MEMORY_CRITICAL = 0.9;

/**
 * Redis judged by what the cache needs of it: reading, writing, room. Not by PING, which is refused under MISCONF while
 * reads go on. Nothing it finds is worse than degraded, because the app answers without Redis.
 */
export function redisCheck(
  guard: RedisGuard,
  probeKey: string,
  readServers: (guard: RedisGuard) => Promise<readonly RedisServerFigures[] | undefined>,
): Check {
  const run = async (): Promise<CheckAnswer> => {
    if (guard.state === 'down') return degraded('out of use');
    const read = await guard.run('health', (client) => client.get(probeKey), undefined, probeKey);
    if (!read.ok) return degraded(read.reason === 'error' ? `reading: ${read.error}` : `reading: ${read.reason}`);
    const write = await guard.run('health', (client) => client.set(probeKey, '1', 'EX', 10), undefined, probeKey);
    if (!write.ok) return degraded(write.reason === 'error' ? `writing: ${write.error}` : `writing: ${write.reason}`);
    const servers = await readServers(guard);
    return servers ? judgeMemory(servers) : degraded('a server does not answer');
  };
  return { name: 'redis', run, timeoutMs: 1000, critical: false };
}

function judgeMemory(servers: readonly RedisServerFigures[]): CheckAnswer {
  const share = memoryShare(servers);
  if (share === undefined || share <= MEMORY_HIGH) return 'healthy';
  const percent = `${Math.round(share * 100)} % of maxmemory`;
  return degraded(share > MEMORY_CRITICAL ? `memory critical: ${percent}` : `memory high: ${percent}`);
}

const degraded = (reason: string): CheckAnswer => ({ status: 'degraded', reason });
