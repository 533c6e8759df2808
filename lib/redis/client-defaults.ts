import type { ClusterOptions, RedisOptions } from 'ioredis';

type Defaults = Omit<RedisOptions, 'replyMapping' | 'sentinels' | 'tls'>;

// ioredis' own defaults let one GET wait 72 s for a refused server and for ever on a hung one, and execute an INCR twice
// when a reply is lost. Every value here is measured in test/redis/client-outage.test.ts.

/** For each connection: fail fast, execute at most once. */
export function connectionDefaults(): Defaults {
  return {
    connectTimeout: 1000,
    // Only a guard against leaks: it also covers the handshake, so a short one would keep a slow server away for ever.
    commandTimeout: 2000,
    // Recycles a connection whose server hangs; neither of the two above does.
    socketTimeout: 500,
    disconnectTimeout: 500,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    maxLoadingRetryTime: 250,
    // Batches are made where they pay (readMany). ioredis' own make a call wait for the batch before it.
    enableAutoPipelining: false,
  };
}

/** What a client of one server, or of a master behind Sentinel, is made with unless told otherwise. */
export function standaloneDefaults(): Defaults {
  return {
    ...connectionDefaults(),
    enableOfflineQueue: false,
    retryStrategy: reconnectDelayMs,
    reconnectOnError: reconnectOnReadonly(),
    sentinelCommandTimeout: 1000,
    sentinelRetryStrategy: reconnectDelayMs,
  };
}

/** What a client of a cluster is made with unless told otherwise. */
export function clusterDefaults(): Omit<ClusterOptions, 'redisOptions'> {
  return {
    enableOfflineQueue: false,
    // Each redirection after a lost connection costs retryDelayOnFailover: this bounds a call in a failover to 0.3 s.
    maxRedirections: 4,
    retryDelayOnFailover: 100,
    retryDelayOnClusterDown: 100,
    retryDelayOnTryAgain: 50,
    slotsRefreshTimeout: 1000,
    slotsRefreshInterval: 5000,
    clusterRetryStrategy: reconnectDelayMs,
    enableAutoPipelining: false,
  };
}

const LONGEST_DELAY_MS = 500;
const JITTER_MS = 250;

/** 50 ms doubling to half a second, and at random a little more, so that many processes do not return at once. */
export function reconnectDelayMs(attempt: number): number {
  return Math.min(50 * 2 ** Math.min(attempt - 1, 10), LONGEST_DELAY_MS) + Math.floor(Math.random() * JITTER_MS);
}

/**
 * Reconnects when a server has become a replica, as a name may lead to the new master by now. While it does not, reads
 * go on: so at first once a second, then ever more rarely.
 */
export function reconnectOnReadonly(now: () => number = () => performance.now()): (error: Error) => boolean {
  let pauseMs = 1000;
  let lastAt = Number.NEGATIVE_INFINITY;
  return (error) => {
    if (!error.message.startsWith('READONLY')) return false;
    const sinceMs = now() - lastAt;
    if (sinceMs < pauseMs) return false;
    pauseMs = sinceMs > 60_000 ? 1000 : Math.min(pauseMs * 2, 30_000);
    lastAt = now();
    return true;
  };
}
