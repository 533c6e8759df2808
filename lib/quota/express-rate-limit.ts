import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

// Both take longer to load than the rest of the package together, and an app without a limiter needs neither.

/** express-rate-limit, loaded when a limiter first needs it. */
export const expressRateLimit = () => load('express-rate-limit') as typeof import('express-rate-limit');

/** rate-limit-redis, loaded when a limiter first counts windows in Redis. */
export const rateLimitRedis = () => load('rate-limit-redis') as typeof import('rate-limit-redis');
