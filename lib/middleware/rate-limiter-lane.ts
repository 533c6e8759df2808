import type { QuotaDecision } from '../quota/quota-decision.js';
import type { LaneLimiter } from './lane-trace.js';
import { turnAway } from './rate-limiter-answer.js';
import { decide, keepEarly, type LimiterContext } from './rate-limiter-context.js';
import { noteInfo, tell } from './rate-limiter-tell.js';

/** A limiter for the fast lane: what its middleware does, on a request that Express does not see. */
export function laneLimiter(context: LimiterContext): LaneLimiter {
  return {
    asksUser: asksUser(context),
    decide: (req, res) => decide(context, req, res),
    admit: (req, res, decision) => tell(context, req, res, decision as QuotaDecision),
    refuse: (req, res, decision) => {
      if (context.conventions.custom) return false;
      noteInfo(context, req, decision as QuotaDecision);
      turnAway(context, req, res, () => {}, decision as QuotaDecision);
      return true;
    },
    hand: (req, decision) => void keepEarly(context, req, decision as QuotaDecision | undefined),
  };
}

function asksUser({ config, conventions }: LimiterContext): boolean {
  const { skip, tier, key, cost, identifier, retryAfter, onNearLimit } = config;
  const { skipFailedRequests, skipSuccessfulRequests } = conventions.options;
  return (
    [skip, tier, key, cost, identifier, retryAfter, onNearLimit].some((option) => typeof option === 'function') ||
    skipFailedRequests ||
    skipSuccessfulRequests
  );
}
