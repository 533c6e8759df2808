import type { Request, Response } from 'express';
import type { Conventions } from './rate-limiter-conventions.js';

/**
 * `skipFailedRequests` and `skipSuccessfulRequests`: charged at first, given back once the outcome is known. Like
 * express-rate-limit: an aborted response counts as failed.
 */
export function refundByOutcome({ options }: Conventions, req: Request, res: Response, giveBack: () => void): void {
  let settled = false;
  const settle = (refunded: boolean): void => {
    if (settled) return;
    settled = true;
    if (refunded) giveBack();
  };
  res.once('finish', () => {
    void wasSuccessful(options, req, res).then((success) => {
      settle(success ? options.skipSuccessfulRequests : options.skipFailedRequests);
    });
  });
  if (!options.skipFailedRequests) return;
  res.once('error', () => settle(true));
  res.once('close', () => {
    if (!res.writableEnded) settle(true);
  });
}

async function wasSuccessful(options: Conventions['options'], req: Request, res: Response): Promise<boolean> {
  try {
    return await options.requestWasSuccessful(req, res);
  } catch {
    // Judged as express-rate-limit judges by default: a broken judge must not hand out quota.
    return res.statusCode < 400;
  }
}
