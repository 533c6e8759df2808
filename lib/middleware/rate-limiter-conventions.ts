import type { Options, Store } from 'express-rate-limit';
import { safeErrorText } from '../common/errors.js';
import type { Logger } from '../common/logger.js';
import { expressRateLimit } from '../quota/express-rate-limit.js';
import type { TierPlan } from '../quota/tier-plan.js';
import type { RateLimiterOptions } from './rate-limiter-options.js';

/** express-rate-limit's options, checked and completed by itself; `custom` when the user shapes the answer. */
export interface Conventions {
  readonly options: Options;
  /** `handler` or `message` was given: a refusal is answered by express-rate-limit's handler. */
  readonly custom: boolean;
}

/**
 * Lets express-rate-limit check and complete the options it defines, so that names, defaults, warnings and the
 * `handler`/`message` contract are its own. Its middleware is not in the path of a request: it knows one policy per
 * limiter, awaits eight promises per request, and cannot decide before Express runs.
 */
export function resolveConventions(given: RateLimiterOptions, { policies }: TierPlan, logger: Logger): Conventions {
  let resolved: Options | undefined;
  expressRateLimit().rateLimit({
    ...passedThrough(given),
    limit: policies[0]?.limit ?? 0,
    windowMs: (policies[0]?.windowUs ?? 0) / 1000,
    store: storeThatTells((options) => {
      resolved = options;
    }),
    logger: {
      error: (error: unknown) => logger.error(`rateLimiter: ${validationText(error)}`),
      warn: (error: unknown) => logger.warn(`rateLimiter: ${validationText(error)}`),
    },
  });
  if (!resolved) throw new Error('express-rate-limit did not initialise its store');
  return { options: resolved, custom: given.handler !== undefined || given.message !== undefined };
}

function passedThrough(given: RateLimiterOptions): Partial<Options> {
  const { message, statusCode, handler, requestPropertyName, skipFailedRequests, skipSuccessfulRequests } = given;
  const {
    standardHeaders = 'draft-8',
    legacyHeaders = false,
    requestWasSuccessful,
    validate,
    key,
    keyGenerator,
  } = given;
  const all = {
    ...{ message, statusCode, handler, requestPropertyName, skipFailedRequests, skipSuccessfulRequests },
    ...{ standardHeaders, legacyHeaders, requestWasSuccessful, validate: withoutStoreList(validate) },
    // Only looked at: express-rate-limit warns of a generator that hands on raw IPv6 addresses.
    keyGenerator: keyGenerator ?? key,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Partial<Options>;
}

// It lists every store it ever saw, for ever, to tell whether two limiters share one. Ours is made for one limiter.
function withoutStoreList(validate: Options['validate'] = true): Options['validate'] {
  return typeof validate === 'boolean'
    ? { default: validate, unsharedStore: false }
    : { ...validate, unsharedStore: false };
}

// express-rate-limit hands its resolved options to the store it is given.
function storeThatTells(tell: (options: Options) => void): Store {
  return {
    init: tell,
    increment: () => ({ totalHits: 1, resetTime: undefined }),
    decrement: () => undefined,
    resetKey: () => undefined,
    localKeys: true,
  };
}

// Its validation messages are fixed texts about the configuration; anything else is reduced to what is safe to log.
function validationText(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^(?:ERR|WRN)_ERL_/.test(code) ? (error as Error).message : safeErrorText(error);
}
