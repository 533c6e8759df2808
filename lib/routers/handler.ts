import type { Request, RequestHandler, Response } from 'express';

/** A plain handler that may be asynchronous. */
export type AsyncHandler = (req: Request, res: Response) => Promise<void>;

/** Hands a rejection to the application's error handler: Express 5 does so by itself, Express 4 does not. */
export function handled(run: Promise<void>, next: (error?: unknown) => void): void {
  run.catch(next);
}

/** Whether a request only reads. */
export function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Refuses a method this path does not have (RFC 9110 §15.5.6). */
export function refuseMethod(res: Response, allow: string): void {
  res.statusCode = 405;
  res.setHeader('Allow', allow);
  res.setHeader('Cache-Control', 'no-store');
  res.end();
}

/** Sends a whole body. `HEAD` gets the same fields without it. */
export function sendBody(req: Request, res: Response, status: number, type: string, body: string): void {
  res.statusCode = status;
  res.setHeader('Content-Type', type);
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.end(req.method === 'HEAD' ? undefined : body);
}

export type { RequestHandler };
