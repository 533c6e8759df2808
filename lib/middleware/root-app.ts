import type { Application, Request } from 'express';
import type { RequestListener } from './internal-dispatch.js';

/** Which app answers a whole request: the one that no other has mounted. */
export function rootApp(req: Request): RequestListener {
  let app = req.app as Application & { parent?: Application };
  while (app.parent !== undefined) app = app.parent as Application & { parent?: Application };
  return app as unknown as RequestListener;
}
