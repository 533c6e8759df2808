import type { Request, Response } from 'express';
import { systemClock } from '../common/clock.js';
import { positiveDurationMs } from '../common/duration.js';
import { optionError } from '../common/errors.js';
import { loggerOption, warningsOnly } from '../common/logger.js';
import {
  booleanOption,
  checkKnownKeys,
  functionOption,
  numberBetween,
  oneOf,
  textOption,
  wholeNumber,
} from '../common/options.js';
import type { Ipv6Subnet } from '../quota/partition-key.js';
import { resolveTiers } from '../quota/tier-plan.js';
import type { RedisClient } from '../redis/guard.js';
import type { RateLimiterOptions } from './rate-limiter-options.js';

const KNOWN = [
  'redis tiers tier key cost skip name namespace mode onStoreError timeout ipv6Subnet nat64 trustProxyConfirmed maxKeys',
  'onNearLimit identifier retryAfter logger events clock limit max windowMs keyGenerator passOnStoreError message statusCode',
  'handler standardHeaders legacyHeaders requestPropertyName skipFailedRequests skipSuccessfulRequests requestWasSuccessful validate',
].flatMap((line) => line.split(' '));

/** The checked options. */
export type RateLimiterConfig = ReturnType<typeof resolveRateLimiterOptions>;

/** Checks the options and fills in the defaults. */
export function resolveRateLimiterOptions(options: RateLimiterOptions) {
  if (options && 'store' in options && options.store !== undefined) {
    throw optionError(
      'rateLimiter.store',
      'no store: pass `redis`, or nothing to count in this process',
      options.store,
    );
  }
  checkKnownKeys('rateLimiter', options ?? null, [...KNOWN, 'store']);
  checkAnswerOptions(options);
  const {
    mode = 'enforce',
    namespace = 'warmpath',
    nat64 = false,
    trustProxyConfirmed = false,
    maxKeys = 50_000,
  } = options;
  const { cost = 1, ipv6Subnet = 56, logger = warningsOnly, clock = systemClock, identifier, retryAfter } = options;
  return Object.freeze({
    redis: redisOption(options.redis),
    plans: resolveTiers('rateLimiter.tiers', tiersOption(options)),
    tier: optional('tier', options.tier),
    key: keyOption(options),
    cost: typeof cost === 'function' ? cost : wholeNumber('rateLimiter.cost', cost),
    skip: optional('skip', options.skip),
    name: options.name === undefined ? undefined : textOption('rateLimiter.name', options.name).slice(0, 200),
    namespace: namespaceOption(namespace),
    mode: oneOf('rateLimiter.mode', mode, ['enforce', 'shadow'] as const),
    onStoreError: onStoreErrorOption(options),
    deadlineMs: positiveDurationMs('rateLimiter.timeout', options.timeout ?? '100ms'),
    ipv6Subnet: ipv6SubnetOption(ipv6Subnet),
    nat64: booleanOption('rateLimiter.nat64', nat64),
    trustProxyConfirmed: booleanOption('rateLimiter.trustProxyConfirmed', trustProxyConfirmed),
    maxKeys: wholeNumber('rateLimiter.maxKeys', maxKeys, 2),
    onNearLimit: optional('onNearLimit', options.onNearLimit),
    identifier:
      identifier === undefined || typeof identifier === 'function'
        ? identifier
        : textOption('rateLimiter.identifier', identifier),
    retryAfter:
      retryAfter === undefined || typeof retryAfter === 'function'
        ? retryAfter
        : wholeNumber('rateLimiter.retryAfter', retryAfter),
    logger: loggerOption('rateLimiter.logger', logger),
    events: options.events,
    clock,
  });
}

// express-rate-limit completes these; it looks at their values only when a request comes.
function checkAnswerOptions({
  standardHeaders,
  legacyHeaders,
  statusCode,
  requestPropertyName,
  ...options
}: RateLimiterOptions): void {
  if (standardHeaders !== undefined && typeof standardHeaders !== 'boolean') {
    oneOf('rateLimiter.standardHeaders', standardHeaders, ['draft-6', 'draft-7', 'draft-8'] as const);
  }
  if (legacyHeaders !== undefined) booleanOption('rateLimiter.legacyHeaders', legacyHeaders);
  if (statusCode !== undefined)
    numberBetween('rateLimiter.statusCode', wholeNumber('rateLimiter.statusCode', statusCode), 400, 599);
  if (requestPropertyName !== undefined) textOption('rateLimiter.requestPropertyName', requestPropertyName);
  optional('handler', options.handler);
  optional('requestWasSuccessful', options.requestWasSuccessful);
  for (const name of ['skipFailedRequests', 'skipSuccessfulRequests'] as const) {
    if (options[name] !== undefined) booleanOption(`rateLimiter.${name}`, options[name]);
  }
}

// biome-ignore lint/complexity/noBannedTypes: the caller names the exact signature
function optional<F extends Function>(name: string, value: F | undefined): F | undefined {
  return value === undefined ? undefined : functionOption<F>(`rateLimiter.${name}`, value);
}

function redisOption(redis: unknown): RedisClient | undefined {
  if (redis === undefined) return undefined;
  if (redis !== null && typeof redis === 'object' && 'pipeline' in redis && 'call' in redis)
    return redis as RedisClient;
  throw optionError('rateLimiter.redis', 'a client made by createRedis or by ioredis', redis);
}

function tiersOption({ tiers, limit, max, windowMs }: RateLimiterOptions): unknown {
  const count = limit ?? max;
  if (tiers === undefined && count === undefined) {
    throw optionError('rateLimiter.tiers', 'quotas per tier, such as { anonymous: { rate: 5, burst: 10 } }', tiers);
  }
  if (tiers === undefined) return { default: { limit: count, window: (windowMs ?? 60_000) / 1000 } };
  if (count !== undefined || windowMs !== undefined)
    throw optionError('rateLimiter.tiers', 'either `tiers`, or `limit` and `windowMs`', 'both');
  return tiers;
}

function keyOption({ key, keyGenerator }: RateLimiterOptions) {
  if (key !== undefined && keyGenerator !== undefined)
    throw optionError('rateLimiter.key', 'either `key` or `keyGenerator`', 'both');
  if (keyGenerator === undefined) {
    const named = optional('key', key);
    return named && ((req: Request, tier: string, _res: Response) => named(req, tier));
  }
  const generate = functionOption<NonNullable<typeof keyGenerator>>('rateLimiter.keyGenerator', keyGenerator);
  return (req: Request, _tier: string, res: Response) => generate(req, res);
}

// The same names as for a cache: literal in a pattern, and without braces, which would choose the cluster slot.
function namespaceOption(value: unknown): string {
  if (typeof value === 'string' && /^[\w.:/@+~-]{1,64}$/.test(value)) return value;
  throw optionError('rateLimiter.namespace', 'up to 64 letters, digits and . _ : / @ + ~ -', value);
}

function onStoreErrorOption({ onStoreError, passOnStoreError }: RateLimiterOptions): 'local' | 'open' | 'closed' {
  if (passOnStoreError !== undefined) booleanOption('rateLimiter.passOnStoreError', passOnStoreError);
  return oneOf('rateLimiter.onStoreError', onStoreError ?? (passOnStoreError ? 'open' : 'local'), [
    'local',
    'open',
    'closed',
  ] as const);
}

function ipv6SubnetOption(value: unknown): Ipv6Subnet {
  if (value === false || (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 128))
    return value;
  throw optionError('rateLimiter.ipv6Subnet', 'a whole number from 1 to 128, or false', value);
}
