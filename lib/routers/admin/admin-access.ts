import type { Request, Response } from 'express';
import { isRead } from '../handler.js';

/** Who may come in. Only exactly `true` does. May set `WWW-Authenticate` on `res`: the refusal is a 401 then. */
export type Authorize = (req: Request, res: Response) => boolean | Promise<boolean>;

/** Fails closed: a throw, a rejection or anything but `true` is a no. */
export async function isAuthorized(authorize: Authorize, req: Request, res: Response): Promise<boolean> {
  try {
    return (await authorize(req, res)) === true;
  } catch {
    return false;
  }
}

/** Status of a refusal: 401 when `authorize` challenges the client, else 403. */
export function refusalStatus(res: Response): 401 | 403 {
  return res.hasHeader('WWW-Authenticate') ? 401 : 403;
}

/** The method the client really sent: what a method override made of it does not count here. */
export function sentMethod(req: Request): string {
  const { originalMethod } = req as Request & { originalMethod?: unknown };
  return typeof originalMethod === 'string' ? originalMethod : req.method;
}

/**
 * Why a changing request could be another site's doing; `undefined` when it cannot. A page elsewhere can make a browser
 * send forms and simple requests with this site's cookies, but neither JSON nor a field of its own without asking first.
 */
export function forgeryReason(req: Request): string | undefined {
  if (isRead(sentMethod(req))) return undefined;
  const { 'content-type': type = '', 'x-requested-with': marker } = req.headers;
  if (!/^application\/json\s*(;|$)/i.test(type)) return 'Content-Type must be application/json';
  if (!marker) return 'X-Requested-With must be sent';
  const site = req.headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' ? undefined : 'Sec-Fetch-Site must be same-origin';
  const { origin } = req.headers;
  if (origin !== undefined && !isOwnOrigin(origin, req)) return 'Origin must be this site';
  return undefined;
}

// The Host field is what the browser spoke to, unless a proxy changed it; X-Forwarded-Host counts where the app trusts it.
function isOwnOrigin(origin: string, req: Request): boolean {
  if (!URL.canParse(origin)) return false;
  const { host } = new URL(origin);
  return [req.headers.host, trustedHost(req)].some((own) => own?.toLowerCase() === host);
}

function trustedHost(req: Request): string | undefined {
  const first = String(req.headers['x-forwarded-host'] ?? '')
    .split(',')[0]
    ?.trim();
  const isTrusted = first !== undefined && first.replace(/:\d+$/, '') === req.hostname;
  return isTrusted ? first : undefined;
}
