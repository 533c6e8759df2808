import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import type { Config } from '../config.js';
import { Problem } from './problem.js';

export interface User {
  readonly name: string;
  readonly staff: boolean;
}

declare global {
  namespace Express {
    interface Request {
      /** who is asking, when a known token came along */
      user?: User;
    }
  }
}

/**
 * Recognises `Authorization: Bearer <token>`, and for the admin page in a browser HTTP Basic with the token as password.
 * Nobody is turned away here; the routes say whom they want.
 */
export function authenticate(config: Pick<Config, 'users' | 'staffToken'>): RequestHandler {
  const known: readonly (readonly [Buffer, User])[] = [
    ...[...config.users].map(([token, name]) => [digest(token), { name, staff: false }] as const),
    ...(config.staffToken ? [[digest(config.staffToken), { name: 'staff', staff: true }] as const] : []),
  ];
  return (req, _res, next) => {
    const token = credentials(req);
    if (token === undefined) return next();
    const given = digest(token);
    const user = known.find(([expected]) => timingSafeEqual(expected, given))?.[1];
    if (user) req.user = user;
    next();
  };
}

/** Lets any known user pass. */
export const usersOnly: RequestHandler = (req, res, next) => {
  if (req.user) return next();
  res.set('WWW-Authenticate', 'Bearer realm="films"');
  next(new Problem(401, 'Say who you are: Authorization: Bearer <token>'));
};

/** Lets staff pass. */
export const staffOnly: RequestHandler = (req, res, next) => {
  if (req.user?.staff) return next();
  if (req.user) return next(new Problem(403, 'Only staff may do this'));
  res.set('WWW-Authenticate', ['Bearer realm="films"', 'Basic realm="staff"']);
  next(new Problem(401, 'Say who you are: Authorization: Bearer <token>'));
};

/** The name of the user; only for routes behind {@link usersOnly}. */
export function userName(req: Request): string {
  if (!req.user) throw new Problem(401, 'Say who you are');
  return req.user.name;
}

function credentials(req: Request): string | undefined {
  const [scheme, value] = (req.get('Authorization') ?? '').split(' ');
  if (!scheme || !value) return undefined;
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme.toLowerCase() !== 'basic') return undefined;
  return Buffer.from(value, 'base64').toString().split(':')[1];
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
