export { type Cache, type CacheStats, createCache } from './cache/cache.js';
export type { CacheOptions } from './cache/cache-options.js';
export type { NamedStats } from './cache/cache-stats.js';
export type { CachedFunction, CachedOptions } from './cache/cached-function.js';
export { entityTag } from './cache/entity-tag.js';
export type { InvalidationTarget } from './cache/invalidation.js';
export type { LookupNote } from './cache/lookup-trace.js';
export type { SetOptions, ValueUse, WrapOptions, WriteThroughOptions } from './cache/value-options.js';
export type {
  FlushContext,
  PoisonedItem,
  WriteBehind,
  WriteBehindOptions,
  WriteBehindStats,
} from './cache/write-behind-queues.js';
export type { Clock } from './common/clock.js';
export type { Duration } from './common/duration.js';
export { WarmpathError, type WarmpathErrorCode } from './common/errors.js';
export type { EventBus, WarmpathEvent } from './common/events.js';
export type { Logger } from './common/logger.js';
export type { Size } from './common/size.js';
export { type CachedMethodOptions, cached } from './data/cached-decorator.js';
export { type CachedRepository, cachedRepository } from './data/cached-repository.js';
export { configFromEnv, type EnvConfig, type TtlTable } from './data/config-from-env.js';
export type { ByIds, CachedRepositoryOptions, EntityId, StatisticsOptions } from './data/repository-options.js';
export {
  type CacheDirectives,
  type CacheHeadersOptions,
  type CacheHeadersPreset,
  type CacheHeadersRules,
  cacheHeaders,
} from './middleware/cache-headers.js';
export { type CreateServerOptions, createServer, type FastLaneOptions, fastLane } from './middleware/create-server.js';
export {
  type GracefulShutdown,
  type GracefulShutdownOptions,
  gracefulShutdown,
} from './middleware/graceful-shutdown.js';
export { addTags } from './middleware/handler-tags.js';
export { isInternalDispatch } from './middleware/internal-dispatch.js';
export { type InvalidateOnWriteOptions, invalidateOnWrite, type WriteRules } from './middleware/invalidate-on-write.js';
export { type ClientName, type RateLimiter, type RateLimiterOptions, rateLimiter } from './middleware/rate-limiter.js';
export { type RequestMetricsOptions, requestMetrics } from './middleware/request-metrics.js';
export { responseCache } from './middleware/response-cache.js';
export type { ObserveMode, ResponseCacheOptions } from './middleware/response-cache-options.js';
export {
  type SignedIdentity,
  type SignedIdentityOptions,
  type SignOptions,
  signedIdentity,
} from './middleware/signed-identity.js';
export { terminalProgress } from './middleware/terminal-progress.js';
export { type Warming, type WarmTargets, warm } from './middleware/warm.js';
export type { WarmOptions } from './middleware/warm-options.js';
export type { WarmProgress, WarmReport } from './middleware/warm-run.js';
export type { WarmOutcome, WarmTarget } from './middleware/warm-targets.js';
export { createRedis } from './redis/client.js';
export type { CreateRedisOptions } from './redis/connection-options.js';
export type { RedisClient } from './redis/guard.js';
export { type AdminRouterOptions, adminRouter } from './routers/admin-router.js';
export { type HealthRouterOptions, healthRouter } from './routers/health-router.js';
export { type MetricsRouterOptions, metricsRouter } from './routers/metrics-router.js';
