import type { Request, Response } from 'express';
import type { QuotaDecision } from '../quota/quota-decision.js';
import { nearLimit } from '../quota/quota-stats.js';
import { sendQuotaFields } from './rate-limiter-answer.js';
import type { InfoHolder, LimiterContext } from './rate-limiter-context.js';
import { QuotaInfo } from './rate-limiter-info.js';
import { refundByOutcome } from './rate-limiter-refund.js';
import type { RateLimitInfo } from './request-augmentation.js';

/** Notes on a request how it stands, where handlers and express-rate-limit's users look for it. */
export function noteInfo(context: LimiterContext, req: Request, decision: QuotaDecision): QuotaInfo {
  const holder = req as unknown as InfoHolder;
  const { requestPropertyName } = context.conventions.options;
  const info = new QuotaInfo(decision, context, holder[requestPropertyName]);
  holder[requestPropertyName] = info;
  return info;
}

/** Tells everybody concerned of an admission: the request, the client, and those who wait for the end of the request. */
export function tell(context: LimiterContext, req: Request, res: Response, decision: QuotaDecision): void {
  const info = noteInfo(context, req, decision);
  sendQuotaFields(context, req, res, decision);
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
