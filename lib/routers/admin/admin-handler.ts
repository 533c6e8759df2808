import { randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import { WarmpathError } from '../../common/errors.js';
import { isRead, sendBody } from '../handler.js';
import { type Authorize, forgeryReason, isAuthorized, refusalStatus, sentMethod } from './admin-access.js';
import { clearAction, flushAction, invalidateAction, previewAction, refreshAction } from './admin-actions.js';
import { keysAnswer, lowHitAnswer, statsAnswer, tagsAnswer } from './admin-answers.js';
import { type AdminInputs, adminView } from './admin-view.js';
import { openStream } from './event-stream.js';
import type { LiveFeed } from './live-feed.js';
import type { LiveSampler } from './live-sampler.js';
import { BadRequest, readJsonObject } from './read-json.js';

/** All an admin router works with. */
export interface Admin {
  readonly inputs: AdminInputs;
  readonly authorize: Authorize;
  readonly feed: LiveFeed;
  readonly sampler: LiveSampler;
}

type Answer = (admin: Admin, req: Request) => unknown;
type Action = (inputs: AdminInputs, body: Readonly<Record<string, unknown>>, req: Request) => Promise<unknown>;

const READS: ReadonlyMap<string, Answer> = new Map<string, Answer>([
  ['/cache/stats', ({ inputs }) => statsAnswer(inputs)],
  ['/cache/keys', ({ inputs }, req) => keysAnswer(inputs, req.query)],
  ['/cache/tags', ({ inputs }, req) => tagsAnswer(inputs, req.query)],
  ['/cache/low-hit', ({ inputs }, req) => lowHitAnswer(inputs, req.query)],
  ['/observability/data', ({ feed }, req) => feed.update(Number(req.query.since) || 0)],
]);

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['/cache/preview', previewAction],
  ['/cache/invalidate', invalidateAction],
  ['/cache/clear', (inputs, body) => clearAction(inputs, body)],
  ['/cache/refresh', refreshAction],
  ['/cache/flush', flushAction],
]);

const CLEAR = '/cache/clear/';

/** Answers one request. Nothing is looked at, not even whether the path exists, before the client may be here. */
export async function answerAdmin(admin: Admin, req: Request, res: Response): Promise<void> {
  secureResponse(res);
  if (!(await isAuthorized(admin.authorize, req, res))) return refuse(req, res, refusalStatus(res), 'not authorized');
  const forgery = forgeryReason(req);
  if (forgery) return refuse(req, res, 403, forgery);
  try {
    await route(admin, req, res);
  } catch (error) {
    if (res.headersSent) return void res.destroy();
    const { status, message } = explain(error);
    refuse(req, res, status, message);
  }
}

async function route(admin: Admin, req: Request, res: Response): Promise<void> {
  const path =
    req.path.length > 1 && req.path.endsWith('/') && !req.path.startsWith(CLEAR) ? req.path.slice(0, -1) : req.path;
  if (isRead(sentMethod(req))) return read(admin, req, res, path);
  const action = actionOf(path);
  if (!action) return refuse(req, res, READS.has(path) ? 405 : 404, 'no such action');
  if (sentMethod(req) !== 'POST') return refuse(req, res, 405, 'use POST');
  if (admin.inputs.readOnly) return refuse(req, res, 403, 'this admin page is read-only');
  sendJson(req, res, await action(admin.inputs, await readJsonObject(req), req));
}

function actionOf(path: string): Action | undefined {
  if (!path.startsWith(CLEAR)) return ACTIONS.get(path);
  return (inputs, body) => clearAction(inputs, body, decodePrefix(path.slice(CLEAR.length)));
}

function decodePrefix(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new BadRequest('the prefix is not properly encoded');
  }
}

async function read(admin: Admin, req: Request, res: Response, path: string): Promise<void> {
  if (path === '/') return redirectToPage(req, res);
  if (path === '/observability')
    return req.path.endsWith('/') ? redirectTo(res, '../observability') : sendPage(admin, req, res);
  if (path === '/observability/events') {
    const mayStay = () => isAuthorized(admin.authorize, req, res);
    if (!openStream(req, res, admin.feed, mayStay)) refuse(req, res, 503, 'too many pages are open');
    return;
  }
  const answer = READS.get(path);
  if (!answer) return refuse(req, res, actionOf(path) ? 405 : 404, actionOf(path) ? 'use POST' : 'no such page');
  sendJson(req, res, await answer(admin, req));
}

// Relative, because only the browser knows under which path a proxy shows this.
function redirectToPage(req: Request, res: Response): void {
  const path = req.originalUrl.split('?')[0] ?? '';
  const last = path.slice(path.lastIndexOf('/') + 1);
  redirectTo(res, last === '' ? './observability' : `./${last}/observability`);
}

function redirectTo(res: Response, location: string): void {
  res.statusCode = 303;
  res.setHeader('Location', location);
  res.end();
}

async function sendPage({ inputs, sampler }: Admin, req: Request, res: Response): Promise<void> {
  const { adminPage } = await import('./page/page.js');
  const view = await adminView(inputs);
  const nonce = randomBytes(16).toString('base64');
  res.setHeader(
    'Content-Security-Policy',
    `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  sendBody(req, res, 200, 'text/html; charset=utf-8', adminPage(view, sampler.samples, nonce));
}

function secureResponse(res: Response): void {
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
  res.setHeader('X-Frame-Options', 'DENY');
  res.setHeader('Referrer-Policy', 'no-referrer');
  res.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  res.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  // A cors() above for the app's own API must not open these answers to other sites.
  for (const name of res.getHeaderNames()) if (name.startsWith('access-control-allow-')) res.removeHeader(name);
}

function sendJson(req: Request, res: Response, value: unknown): void {
  sendBody(req, res, 200, 'application/json; charset=utf-8', JSON.stringify(value));
}

function refuse(req: Request, res: Response, status: number, message: string): void {
  sendBody(req, res, status, 'application/json; charset=utf-8', JSON.stringify({ error: status, message }));
}

// Only words of our own reach the client; a foreign error may carry keys and values.
function explain(error: unknown): { status: number; message: string } {
  if (error instanceof BadRequest) return { status: error.status, message: error.message };
  if (!(error instanceof WarmpathError)) return { status: 500, message: 'failed' };
  if (error.code === 'ERR_UNAVAILABLE' || error.code === 'ERR_TIMEOUT') return { status: 503, message: error.code };
  return { status: 400, message: error.code };
}
