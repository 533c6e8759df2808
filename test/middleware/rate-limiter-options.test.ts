import { describe, expect, it } from 'vitest';
import type { RateLimiterOptions } from '../../lib/middleware/rate-limiter.js';
import { rateLimiter } from '../../lib/middleware/rate-limiter.js';
import { recordingLogger } from '../quota/quota-support.js';

const tiers = { a: { rate: 5, burst: 10 } };

describe('rateLimiter options', () => {
  it.each([
    [undefined, /rateLimiter/],
    [{}, /rateLimiter\.tiers: expected quotas per tier/],
    [{ tiers, teir: () => 'a' }, /unknown option 'teir'\. Did you mean 'tier'\?/],
    [{ tiers: { a: { rate: 5, brust: 1 } } }, /rateLimiter\.tiers\.a: unknown option 'brust'\. Did you mean 'burst'/],
    [{ tiers, limit: 5 }, /either `tiers`, or `limit` and `windowMs`/],
    [{ tiers, standardHeaders: 'draft-9' }, /rateLimiter\.standardHeaders/],
    [{ tiers, statusCode: 200 }, /rateLimiter\.statusCode/],
    [{ tiers, handler: 'no' }, /rateLimiter\.handler/],
    [{ tiers, skipFailedRequests: 'yes' }, /rateLimiter\.skipFailedRequests/],
    [{ tiers, mode: 'dry' }, /rateLimiter\.mode: expected one of 'enforce', 'shadow'/],
    [{ tiers, onStoreError: 'allow' }, /rateLimiter\.onStoreError/],
    [{ tiers, ipv6Subnet: 129 }, /rateLimiter\.ipv6Subnet/],
    [{ tiers, ipv6Subnet: 0 }, /rateLimiter\.ipv6Subnet/],
    [{ tiers, cost: -1 }, /rateLimiter\.cost/],
    [{ tiers, cost: 1.5 }, /rateLimiter\.cost/],
    [{ tiers, tier: 'a' }, /rateLimiter\.tier: expected a function/],
    [{ tiers, key: 'ip' }, /rateLimiter\.key/],
    [{ tiers, key: () => 'a', keyGenerator: () => 'a' }, /either `key` or `keyGenerator`/],
    [{ tiers, name: '' }, /rateLimiter\.name/],
    [{ tiers, namespace: 'a{b}' }, /rateLimiter\.namespace/],
    [{ tiers, redis: {} }, /rateLimiter\.redis: expected a client/],
    [{ tiers, redis: null }, /rateLimiter\.redis/],
    [{ tiers, store: {} }, /rateLimiter\.store: expected no store/],
    [{ tiers, logger: {} }, /rateLimiter\.logger/],
    [{ tiers, maxKeys: 0 }, /rateLimiter\.maxKeys/],
    [{ tiers, nat64: 'yes' }, /rateLimiter\.nat64/],
    [{ tiers, trustProxyConfirmed: 1 }, /rateLimiter\.trustProxyConfirmed/],
    [{ limit: 5, windowMs: -1 }, /window/],
  ])('%# refuses what it does not understand, naming the option', (options, message) => {
    expect(() => rateLimiter(options as unknown as RateLimiterOptions)).toThrow(message);
  });

  it('accepts the option names of express-rate-limit', () => {
    const limiter = rateLimiter({
      ...{
        windowMs: 60_000,
        limit: 5,
        standardHeaders: 'draft-7',
        legacyHeaders: true,
        identifier: 'mine',
        retryAfter: 3,
      },
      ...{
        message: 'no',
        statusCode: 420,
        handler: () => {},
        requestPropertyName: 'r',
        skip: () => false,
        ipv6Subnet: 64,
      },
      ...{ skipFailedRequests: false, skipSuccessfulRequests: false, requestWasSuccessful: () => true, validate: true },
      ...{ keyGenerator: () => 'key', passOnStoreError: true },
    });
    expect(limiter.stats().tiers.default).toBeDefined();
    expect(rateLimiter({ max: 5 }).stats().tiers.default).toBeDefined();
  });

  it('lets express-rate-limit say what it finds wrong', () => {
    const logger = recordingLogger();
    rateLimiter({ tiers, logger, key: (request) => request.ip ?? 'none' });
    rateLimiter({ tiers, logger, standardHeaders: 'draft-8', validate: { nonsense: true } as Record<string, boolean> });
    expect(logger.lines.join('\n')).toMatch(/ERR_ERL_/);
  });

  it('reads undefined as not given', () => {
    const options: RateLimiterOptions = {
      tiers,
      tier: undefined,
      key: undefined,
      cost: undefined,
      redis: undefined,
      name: undefined,
      handler: undefined,
      statusCode: undefined,
      standardHeaders: undefined,
      skipFailedRequests: undefined,
    };
    expect(rateLimiter(options).stats().store).toBe('memory');
  });

  it('names limiters it was given no name for', () => {
    const [first, second] = [rateLimiter({ tiers }), rateLimiter({ tiers })];
    expect(first.limiterName).not.toBe(second.limiterName);
    expect(rateLimiter({ name: 'search', tiers }).limiterName).toBe('search');
  });
});
