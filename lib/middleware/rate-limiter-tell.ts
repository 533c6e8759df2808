import type { Request, Response } from 'express';
import type { QuotaDecision } from '../quota/quota-decision.js';
import { nearLimit } from '../quota/quota-stats.js';
import { sendQuotaFields } from './rate-limiter-answer.js';
import type { InfoHolder, LimiterContext } from './rate-limiter-context.js';
import { QuotaInfo } from './rate-limiter-info.js';
import { refundByOutcome } from './rate-limiter-refund.js';
import type { RateLimitInfo } from './request-augmentation.js';

/** Tells everybody concerned of a decision: the request, the client, and those who wait for the end of the request. */
export function tell(context: LimiterContext, req: Request, res: Response, decision: QuotaDecision): void {
  const holder = req as unknown as InfoHolder;
  const { requestPropertyName } = context.conventions.options;
  const info = new QuotaInfo(decision, context, holder[requestPropertyName]);
  holder[requestPropertyName] = info;
  sendQuotaFields(context, req, res, decision);
  if (!decision.admitted) return;
  if (context.config.onNearLimit) signalNearLimit(context, req, decision, info);
  const { skipFailedRequests, skipSuccessfulRequests } = context.conventions.options;
  if (skipFailedRequests || skipSuccessfulRequests) {
    refundByOutcome(context.conventions, req, res, () => context.limiter.refund(decision));
  }
}

function signalNearLimit(
  { config, reports }: LimiterContext,
  req: Request,
  decision: QuotaDecision,
  info: RateLimitInfo,
): void {
  if (nearLimit(decision) !== 'crossed') return;
  try {
    config.onNearLimit?.(req, info);
  } catch {
    reports.once('ERR_NEAR_LIMIT', 'onNearLimit threw; the request went on');
  }
}
