import type { Request, Response } from 'express';
import type { Options as ExpressRateLimitOptions } from 'express-rate-limit';
import type { Clock } from '../common/clock.js';
import type { Duration } from '../common/duration.js';
import type { EventBus } from '../common/events.js';
import type { Logger } from '../common/logger.js';
import type { Ipv6Subnet } from '../quota/partition-key.js';
import type { TierOptions } from '../quota/tier-plan.js';
import type { RedisClient } from '../redis/guard.js';
import type { RateLimitInfo } from './request-augmentation.js';

type Answer<T> = T | Promise<T>;

// `undefined` means "not given", here as everywhere.
type Optional<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** Options of express-rate-limit that mean the same here. */
type SharedOptions = Pick<
  ExpressRateLimitOptions,
  | 'message'
  | 'statusCode'
  | 'handler'
  | 'standardHeaders'
  | 'legacyHeaders'
  | 'requestPropertyName'
  | 'skipFailedRequests'
  | 'skipSuccessfulRequests'
  | 'requestWasSuccessful'
  | 'validate'
>;

/** Options of {@link rateLimiter}. `tiers`, or `limit` and `windowMs` as in express-rate-limit, must be given. */
export interface RateLimiterOptions extends Optional<SharedOptions> {
  /** The shared client. Without it every instance counts for itself. */
  readonly redis?: RedisClient | undefined;
  /** Quotas per tier: `{ rate, per?, burst }` (token bucket), `{ limit, window }` (fixed window), or an array of both. */
  readonly tiers?: TierOptions | undefined;
  /** Tier of a request. Unknown, throwing or odd: the strictest tier. @default the signed tier, else the strictest */
  readonly tier?: ((req: Request) => Answer<string | undefined>) | undefined;
  /** Whom to count. `undefined`, `null` or '' falls back to the address. @default the client's address */
  readonly key?: ((req: Request, tier: string) => Answer<string | number | bigint | null | undefined>) | undefined;
  /** What a request costs, a whole number. @default 1 */
  readonly cost?: number | ((req: Request) => Answer<number>) | undefined;
  readonly skip?: ((req: Request, res: Response) => Answer<boolean>) | undefined;
  /** Names the limiter in metrics and its counters in Redis. @default told apart by policies and order */
  readonly name?: string | undefined;
  /** Prefix of every Redis key. @default 'warmpath' */
  readonly namespace?: string | undefined;
  /** `shadow` counts and reports, and lets everything pass. @default 'enforce' */
  readonly mode?: 'enforce' | 'shadow' | undefined;
  /** While Redis is away: count in process, admit, or refuse. @default 'local' */
  readonly onStoreError?: 'local' | 'open' | 'closed' | undefined;
  /** How long a request waits for Redis before `onStoreError` applies. @default '100ms' */
  readonly timeout?: Duration | undefined;
  /** Bits of an IPv6 address that make one client, 1 to 128; `false` for all. @default 56 */
  readonly ipv6Subnet?: Ipv6Subnet | undefined;
  /** Tell clients behind a NAT64 (`64:ff9b::/96`) apart by the IPv4 address inside. @default false */
  readonly nat64?: boolean | undefined;
  /** Says that `trust proxy` = true is meant: the app cannot be reached except through a proxy that overwrites X-Forwarded-For. @default false */
  readonly trustProxyConfirmed?: boolean | undefined;
  /** Clients remembered in process, at most. @default 50000 */
  readonly maxKeys?: number | undefined;
  /** Called when a request leaves a client with a tenth of its quota or less, once per crossing. */
  readonly onNearLimit?: ((req: Request, info: RateLimitInfo) => void) | undefined;
  /** Name of the reported policy in draft-8 fields. @default the policy's name */
  readonly identifier?: string | ((req: Request, res: Response) => string) | undefined;
  /** Seconds in `Retry-After`. @default until the request would be admitted */
  readonly retryAfter?: number | ((req: Request, res: Response) => number) | undefined;
  readonly logger?: Logger | undefined;
  /** Where `quota` events go. @default a bus of its own */
  readonly events?: EventBus | undefined;
  readonly clock?: Clock | undefined;
  /** express-rate-limit's way to say `{ limit, window }` of the only tier. */
  readonly limit?: number | undefined;
  /** Alias of `limit`. */
  readonly max?: number | undefined;
  readonly windowMs?: number | undefined;
  /** Alias of `key`, with express-rate-limit's arguments. */
  readonly keyGenerator?: ((req: Request, res: Response) => Answer<string>) | undefined;
  /** Alias of `onStoreError: 'open'`. */
  readonly passOnStoreError?: boolean | undefined;
}
