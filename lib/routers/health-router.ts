import type { Request, RequestHandler, Response } from 'express';
import type { Cache } from '../cache/cache.js';
import { coreOf } from '../cache/cache-core.js';
import { type Clock, systemClock } from '../common/clock.js';
import { type Duration, durationMs } from '../common/duration.js';
import { optionError } from '../common/errors.js';
import { checkKnownKeys, functionOption } from '../common/options.js';
import { readServers } from '../metrics/read-servers.js';
import { isDraining } from '../middleware/draining.js';
import { markServed } from '../middleware/served-by-cache.js';
import type { RedisClient, RedisGuard } from '../redis/guard.js';
import { handled, isRead, refuseMethod, sendBody } from './handler.js';
import { type Check, type CheckFunction, type CheckOptions, resolveChecks } from './health/check.js';
import { CheckRunner } from './health/check-runner.js';
import { type HealthReport, healthReport, policyInForce } from './health/health-report.js';
import { redisCheck } from './health/redis-check.js';
import { guardFor, observeCaches, processSources } from './process-metrics.js';

/** Options of {@link healthRouter}. */
export interface HealthRouterOptions {
  /** What `createRedis()` returned. Redis away, refusing writes or above 75 % of `maxmemory` is degraded, never down. */
  redis?: RedisClient | undefined;
  /** Shown in the policy in force. */
  cache?: Cache | undefined;
  /** What else the app depends on, by name. */
  checks?: Readonly<Record<string, CheckFunction | CheckOptions>> | undefined;
  /** Who may see reasons and the version of Node. @default nobody */
  details?: ((req: Request) => boolean | Promise<boolean>) | undefined;
  /** How long the answer of a check is kept. @default '1s' */
  keep?: Duration | undefined;
  /** @default the system's */
  clock?: Clock | undefined;
}

interface Health {
  readonly guard: RedisGuard | undefined;
  readonly hasCache: boolean;
  readonly runners: readonly CheckRunner[];
  readonly details: (req: Request) => boolean | Promise<boolean>;
}

const KEYS = ['redis', 'cache', 'checks', 'details', 'keep', 'clock'];

function resolveHealthRouterOptions(options: HealthRouterOptions = {}): Health {
  checkKnownKeys('healthRouter', options, KEYS);
  const { redis, cache, checks, details = () => false, keep = '1s', clock = systemClock } = options;
  const guard = guardFor(redis, cache);
  const own = resolveChecks('healthRouter.checks', checks);
  if (guard && own.some(({ name }) => name === 'redis')) {
    throw optionError('healthRouter.checks.redis', 'another name: `redis` is checked already', 'redis');
  }
  observeCaches();
  const probeKey = `${cache ? coreOf(cache).config.namespace : 'warmpath'}:health`;
  const all: readonly Check[] = guard ? [redisCheck(guard, probeKey, readServers), ...own] : own;
  const keepMs = durationMs('healthRouter.keep', keep);
  return Object.freeze({
    guard,
    hasCache: cache !== undefined,
    runners: all.map((check) => new CheckRunner(check, clock, keepMs)),
    details: functionOption<(req: Request) => boolean | Promise<boolean>>('healthRouter.details', details),
  });
}

const PATHS: ReadonlyMap<string, { readonly route: string }> = new Map(
  ['/livez', '/readyz', '/healthz'].map((route) => [route, Object.freeze({ route })]),
);

/**
 * Answers `/livez` (this process runs), `/readyz` (critical checks; 503 while draining) and `/healthz` (all checks).
 * 200 unless down or draining, then 503. Says a status per check and nothing about hosts, versions or errors unless
 * `details` allows. Other paths pass through.
 */
export function healthRouter(options?: HealthRouterOptions): RequestHandler {
  const health = resolveHealthRouterOptions(options);

  return function healthHandler(req, res, next) {
    const served = PATHS.get(req.path);
    if (!served) return next();
    markServed(res, served);
    res.setHeader('Cache-Control', 'no-store');
    if (!isRead(req.method)) return refuseMethod(res, 'GET, HEAD');
    handled(answer(req, res, health), next);
  };
}

async function answer(req: Request, res: Response, health: Health): Promise<void> {
  const report =
    req.path === '/livez' ? healthReport([], { draining: false, detailed: false }) : await look(req, health);
  sendBody(req, res, report.status === 'down' ? 503 : 200, 'application/json; charset=utf-8', JSON.stringify(report));
}

async function look(req: Request, health: Health): Promise<HealthReport> {
  const critical = req.path === '/readyz';
  const runners = health.runners.filter(({ check }) => !critical || check.critical);
  const results = await Promise.all(runners.map(async (runner) => [runner.check, await runner.result()] as const));
  return healthReport(results, {
    draining: isDraining(),
    policy: policyInForce(health.hasCache, health.guard, processSources.limiters()),
    detailed: await mayHaveDetails(req, health),
  });
}

async function mayHaveDetails(req: Request, { details }: Health): Promise<boolean> {
  try {
    return (await details(req)) === true;
  } catch {
    return false; // who cannot be told is a stranger
  }
}
