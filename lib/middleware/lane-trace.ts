import type { IncomingMessage } from 'node:http';
import type { Request, Response } from 'express';

/** A limiter as the fast lane needs it. */
export interface LaneLimiter {
  decide(req: Request, res: Response): LaneDecision | undefined | Promise<LaneDecision | undefined>;
  writeFields(req: Request, res: Response, decision: never): void;
}

/** What a limiter decided about a request in the fast lane. */
export interface LaneDecision {
  readonly admitted: boolean;
}

/** What of this suite a request passed before it reached the response cache: it applies in the fast lane as well. */
export interface LaneTrace {
  readonly limiters: LaneLimiter[];
  isMeasured: boolean;
}

const traces = new WeakMap<IncomingMessage, LaneTrace>();

/** Follows a request through the app. Only requests of a server with a fast lane are followed. */
export function startLaneTrace(req: IncomingMessage): void {
  traces.set(req, { limiters: [], isMeasured: false });
}

/** The trace of a request, if it is followed. */
export function laneTrace(req: IncomingMessage): LaneTrace | undefined {
  return traces.get(req);
}
