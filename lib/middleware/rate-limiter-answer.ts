import type { NextFunction, Request, Response } from 'express';
import type { QuotaDecision } from '../quota/quota-decision.js';
import type { QuotaFieldFormat } from '../quota/quota-fields.js';
import { retryAfterSeconds, writeQuotaFields } from '../quota/quota-fields.js';
import { PROBLEM_TYPE, quotaProblem } from '../quota/quota-problem.js';
import type { RateLimiterConfig } from './rate-limiter-config.js';
import type { Conventions } from './rate-limiter-conventions.js';
import { endJoined } from './whole-answer.js';

/** How a limiter speaks to clients. */
export interface AnswerContext {
  readonly config: RateLimiterConfig;
  readonly conventions: Conventions;
  readonly format: QuotaFieldFormat;
}

/** Puts the quota fields on a response. In shadow mode clients see nothing. */
export function sendQuotaFields(
  { config, format }: AnswerContext,
  req: Request,
  res: Response,
  decision: QuotaDecision,
): void {
  if (res.headersSent || config.mode === 'shadow') return;
  const { identifier } = config;
  const name = typeof identifier === 'function' ? attempt(() => identifier(req, res)) : identifier;
  writeQuotaFields((field, value, list) => setField(res, field, value, list), decision, format, name);
}

// A user's function that throws loses its say, not the request.
function attempt<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}

function setField(res: Response, name: string, value: string, list: boolean): void {
  const present = list ? res.getHeader(name) : undefined;
  res.setHeader(name, present === undefined ? value : `${String(present)}, ${value}`);
}

/** Answers a refused request: by the user's `handler` or `message`, else with problem details (RFC 9457). */
export function refuse(
  context: AnswerContext,
  req: Request,
  res: Response,
  next: NextFunction,
  decision: QuotaDecision,
): void {
  const { config, conventions, format } = context;
  if (res.headersSent) return;
  const { retryAfter } = config;
  const seconds = typeof retryAfter === 'function' ? attempt(() => retryAfter(req, res)) : retryAfter;
  res.setHeader('Retry-After', String(Number.isFinite(seconds) ? seconds : retryAfterSeconds(decision)));
  // What a refused client gets is about that client: no cache may keep it.
  res.setHeader('Cache-Control', 'no-store');
  if (conventions.custom) refuseByHandler(conventions, req, res, next, decision);
  else
    refuseWithProblem(
      res,
      quotaProblem(decision, conventions.options.statusCode, format.prefix),
      conventions.options.statusCode,
    );
}

function refuseWithProblem(res: Response, body: string, statusCode: number): void {
  res.statusCode = statusCode;
  res.setHeader('Content-Type', PROBLEM_TYPE);
  // Names of limiters and policies are ASCII, so a character is a byte.
  res.setHeader('Content-Length', body.length);
  res.writeHead(statusCode);
  endJoined(res, body);
}

// express-rate-limit's own handler sends `message` with `statusCode`; a user's handler gets the options it expects.
function refuseByHandler(
  { options }: Conventions,
  req: Request,
  res: Response,
  next: NextFunction,
  { policy }: QuotaDecision,
): void {
  const used = { ...options, limit: policy.limit, windowMs: policy.windowUs / 1000 };
  // Express 4 does not wait for promises, so a rejection is handed on here.
  void (async () => options.handler(req, res, next, used))().catch(next);
}
