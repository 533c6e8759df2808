import type { NextFunction, Request, Response } from 'express';

/**
 * A middleware that fits any route: it leaves the route's parameters as precise as Express infers them from the path.
 * Assignable to Express' `RequestHandler`.
 */
export type Middleware = <P>(req: Request<P>, res: Response, next: NextFunction) => void;
