/**
 * For a connection beside the client's, that waits to be told things. Reconnecting is done by its owner, not by ioredis,
 * so that no gap goes unseen and another server gets its turn.
 */
export const DEDICATED_OPTIONS = {
  lazyConnect: false,
  retryStrategy: null,
  sentinelRetryStrategy: () => null,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  enableOfflineQueue: false,
  enableAutoPipelining: false,
  maxRetriesPerRequest: 0,
  connectTimeout: 1000,
  commandTimeout: 2000,
  socketTimeout: 1000,
  disconnectTimeout: 100,
  keyPrefix: '',
};
