import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Request, RequestHandler, Response } from 'express';
import { booleanOption, checkKnownKeys, functionOption } from '../common/options.js';
import { requestDurations } from '../metrics/request-durations.js';
import { CLIENT_LEFT } from '../metrics/request-labels.js';
import { isInternalDispatch } from './internal-dispatch.js';
import { type LaneMeter, laneTrace } from './lane-trace.js';
import { prepareServerOf } from './request-shape.js';
import { routeLabel, UNMATCHED } from './route-label.js';
import { servedByCache } from './served-by-cache.js';

/** Options of {@link requestMetrics}. */
export interface RequestMetricsOptions {
  /**
   * Joins the trace id of a `traceparent` request field to the observation, shown as an OpenMetrics exemplar.
   * @default false
   */
  exemplars?: boolean | undefined;
  /** Requests that are not measured, such as those of a probe. @default none */
  skip?: ((req: Request) => boolean) | undefined;
}

interface Resolved {
  readonly exemplars: boolean;
  readonly skip: ((req: Request) => boolean) | undefined;
}

function resolveRequestMetricsOptions(options: RequestMetricsOptions = {}): Resolved {
  checkKnownKeys('requestMetrics', options, ['exemplars', 'skip']);
  const { exemplars = false, skip } = options;
  return Object.freeze({
    exemplars: booleanOption('requestMetrics.exemplars', exemplars),
    skip: skip && functionOption<(req: Request) => boolean>('requestMetrics.skip', skip),
  });
}

/**
 * Measures every request into `http_request_duration_seconds{method,route,status}`. Mount it first. Labels come from
 * closed sets: a known method or `OTHER`, the matched route pattern or `unmatched`, a registered status or `other`
 * (499: the client left before an answer began). Background refreshes and warm-ups are left out.
 */
export function requestMetrics(options?: RequestMetricsOptions): RequestHandler {
  const { exemplars, skip } = resolveRequestMetricsOptions(options);
  const meter = laneMeter(exemplars);

  return function requestMetricsMiddleware(req, res, next) {
    if (isInternalDispatch(req) || skip?.(req)) return next();
    prepareServerOf(req);
    laneTrace(req)?.pass(req, res, { meter });
    const startedAt = performance.now();
    const { method } = req; // as it came, before a method override
    // 'close' comes after 'finish', and also when the client left.
    res.on('close', () => record(req, res, method, startedAt, exemplars));
    next();
  };
}

/** The same measurement for a request that Express does not see. */
function laneMeter(exemplars: boolean): LaneMeter {
  return {
    measure(req, res, startedAt, route, isHit) {
      const exemplar = exemplars ? traceExemplar(req) : undefined;
      // What is handed to the system as a whole is over for this process.
      if (res.writableEnded && res.writableLength === 0) recordInLane(req, res, startedAt, route, isHit, exemplar);
      else res.on('close', () => recordInLane(req, res, startedAt, route, isHit, exemplar));
    },
  };
}

function recordInLane(
  req: IncomingMessage,
  res: ServerResponse,
  startedAt: number,
  route: string,
  isHit: boolean,
  exemplar: Readonly<Record<string, string>> | undefined,
): void {
  requestDurations.record({
    method: req.method ?? 'GET',
    route,
    status: res.statusCode,
    seconds: (performance.now() - startedAt) / 1000,
    result: isHit ? 'hit' : undefined,
    exemplar,
  });
}

function record(req: Request, res: Response, method: string, startedAt: number, exemplars: boolean): void {
  const served = servedByCache(res);
  const matched = routeLabel(req);
  requestDurations.record({
    method,
    route: matched === UNMATCHED ? (served?.route ?? UNMATCHED) : matched,
    status: res.headersSent ? res.statusCode : CLIENT_LEFT,
    seconds: (performance.now() - startedAt) / 1000,
    result: served?.result,
    exemplar: exemplars ? traceExemplar(req) : undefined,
  });
}

// W3C Trace Context §3.2: version-traceid-parentid-flags, lower-case hexadecimal, an all-zero trace id is invalid.
const TRACEPARENT = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/;

function traceExemplar(req: IncomingMessage): Readonly<Record<string, string>> | undefined {
  const value = req.headers.traceparent;
  const traceId = typeof value === 'string' ? TRACEPARENT.exec(value)?.[1] : undefined;
  return traceId ? { trace_id: traceId } : undefined;
}
