import type { QuotaDecision } from '../quota/quota-decision.js';
import type { RateLimitInfo } from './request-augmentation.js';

/** A decision in express-rate-limit's words, as `req.rateLimit`. Knows which limiters put theirs on the request. */
export class QuotaInfo implements RateLimitInfo {
  readonly limit: number;
  readonly used: number;
  readonly remaining: number;
  readonly resetTime: Date | undefined;
  readonly key: string;
  readonly tier: string;
  readonly policy: string;
  readonly #limiter: object | undefined;
  readonly #earlier: object | undefined;

  /** @param earlier what another limiter had put there */
  constructor(
    { policy, plan, partition, remaining, resetMs, source }: QuotaDecision,
    limiter?: object,
    earlier?: object,
  ) {
    this.limit = policy.limit;
    this.used = Math.max(0, policy.limit - remaining);
    this.remaining = remaining;
    this.resetTime = source === 'none' ? undefined : new Date(Date.now() + resetMs);
    this.key = partition.digest;
    this.tier = plan.tier;
    this.policy = policy.name;
    this.#limiter = limiter;
    this.#earlier = earlier;
  }

  /** Whether this limiter has told about the request already, now or before another one did. */
  static isBy(info: object, limiter: object): boolean {
    for (let each: object | undefined = info; each !== undefined && #limiter in each; each = each.#earlier) {
      if (each.#limiter === limiter) return true;
    }
    return false;
  }
}
