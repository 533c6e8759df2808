import type { NextFunction, Request, Response } from 'express';
import type { QuotaDecision } from '../quota/quota-decision.js';
import type { QuotaFieldFormat } from '../quota/quota-fields.js';
import { retryAfterSeconds, writeQuotaFields } from '../quota/quota-fields.js';
import { PROBLEM_TYPE, quotaProblem } from '../quota/quota-problem.js';
import type { HeadLine } from './head-text.js';
import { PreparedRefusals, type RefusalWords } from './prepared-refusal.js';
import type { RateLimiterConfig } from './rate-limiter-config.js';
import type { Conventions } from './rate-limiter-conventions.js';
import { endJoined } from './whole-answer.js';

/** How a limiter speaks to clients. */
export interface AnswerContext {
  readonly config: RateLimiterConfig;
  readonly conventions: Conventions;
  readonly format: QuotaFieldFormat;
  readonly refusals: PreparedRefusals;
}

/** Puts the quota fields on a response. In shadow mode clients see nothing. */
export function sendQuotaFields(
  { config, format }: AnswerContext,
  req: Request,
  res: Response,
  decision: QuotaDecision,
): void {
  if (res.headersSent || config.mode === 'shadow') return;
  const name = identifierFor(config, req, res);
  writeQuotaFields((field, value, list) => setField(res, field, value, list), decision, format, name);
}

function identifierFor({ identifier }: RateLimiterConfig, req: Request, res: Response): string | undefined {
  return typeof identifier === 'function' ? attempt(() => identifier(req, res)) : identifier;
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

/**
 * Turns a refused request away, with everything that is to be said of its quota: by the user's `handler` or `message`, else
 * with problem details (RFC 9457).
 */
export function turnAway(
  context: AnswerContext,
  req: Request,
  res: Response,
  next: NextFunction,
  decision: QuotaDecision,
): void {
  const { config, conventions, format } = context;
  if (refuseAtOnce(context, req, res, decision)) return;
  sendQuotaFields(context, req, res, decision);
  if (res.headersSent) return;
  res.setHeader('Retry-After', retryAfterOf(config, req, res, decision));
  res.setHeader('Cache-Control', NOT_STORED);
  const { statusCode } = conventions.options;
  if (conventions.custom) refuseByHandler(conventions, req, res, next, decision);
  else refuseWithProblem(res, quotaProblem(decision, statusCode, format.prefix), statusCode);
}

function refuseAtOnce(context: AnswerContext, req: Request, res: Response, decision: QuotaDecision): boolean {
  const { config, conventions, refusals } = context;
  const { identifier, retryAfter } = config;
  // A user's function is asked once, and may look at what has been set.
  const asksUser = conventions.custom || typeof identifier === 'function' || typeof retryAfter === 'function';
  if (asksUser || res.headersSent || !refusals.suits(res)) return false;
  const retry = retryAfterOf(config, req, res, decision);
  const { lines, body } = refusals.wordsFor(decision, retry) ?? wordsOf(context, decision, identifier, retry);
  return refusals.send(res, lines, body);
}

function wordsOf(
  { conventions, format, refusals }: AnswerContext,
  decision: QuotaDecision,
  identifier: string | undefined,
  retry: string,
): RefusalWords {
  const lines: HeadLine[] = [];
  writeQuotaFields((name, value) => lines.push([name, value]), decision, format, identifier);
  lines.push(['Retry-After', retry]);
  const words = { lines, body: quotaProblem(decision, conventions.options.statusCode, format.prefix) };
  refusals.remember(decision, retry, words);
  return words;
}

/** How a limiter's refusals begin, but for what differs. */
export function preparedRefusals({ options }: Conventions): PreparedRefusals {
  return new PreparedRefusals(options.statusCode, [
    ['Cache-Control', NOT_STORED],
    ['Content-Type', PROBLEM_TYPE],
  ]);
}

// What a refused client gets is about that client: no cache may keep it.
const NOT_STORED = 'no-store';

function retryAfterOf({ retryAfter }: RateLimiterConfig, req: Request, res: Response, decision: QuotaDecision): string {
  const seconds = typeof retryAfter === 'function' ? attempt(() => retryAfter(req, res)) : retryAfter;
  return String(Number.isFinite(seconds) ? seconds : retryAfterSeconds(decision));
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
