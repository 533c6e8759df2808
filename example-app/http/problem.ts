import { STATUS_CODES } from 'node:http';
import type { NextFunction, Request, Response } from 'express';

/** What was wrong with one field of the input. */
export interface FieldProblem {
  readonly field: string;
  readonly detail: string;
}

/** An answer other than the one hoped for, sent as `application/problem+json` (RFC 9457). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    detail: string,
    readonly errors?: readonly FieldProblem[],
  ) {
    super(detail);
    this.name = 'Problem';
  }
}

export function notFound(what: string): Problem {
  return new Problem(404, `${what} does not exist`);
}

/** The last route: nothing matched. */
export function noSuchRoute(req: Request, _res: Response, next: NextFunction): void {
  next(notFound(`${req.method} ${req.path}`));
}

/** The error handler: tells the client what it did wrong, and nothing about what we did wrong. */
export function sendProblem(error: unknown, _req: Request, res: Response, next: NextFunction): void {
  if (res.headersSent) {
    next(error);
    return;
  }
  const problem = asProblem(error);
  if (problem.status >= 500) console.error(error);
  res.status(problem.status).type('application/problem+json');
  res.send(
    JSON.stringify({
      type: 'about:blank',
      title: STATUS_CODES[problem.status],
      status: problem.status,
      detail: problem.message,
      ...(problem.errors && { errors: problem.errors }),
    }),
  );
}

function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
  // body-parser and the router mark the client's mistakes with a 4xx status.
  if (status >= 400 && status < 500) {
    const parsing = error instanceof Error && 'type' in error && String(error.type).startsWith('entity.');
    const detail = parsing ? `body: ${(error as Error).message}` : (STATUS_CODES[status] ?? 'Bad request');
    return new Problem(status, detail, parsing ? [{ field: 'body', detail: (error as Error).message }] : undefined);
  }
  return new Problem(500, 'Something went wrong here');
}
