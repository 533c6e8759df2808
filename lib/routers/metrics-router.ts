import type { Request, RequestHandler, Response } from 'express';
import type { Registry } from 'prom-client';
import { optionError } from '../common/errors.js';
import { type Logger, loggerOption, warningsOnly } from '../common/logger.js';
import { booleanOption, checkKnownKeys, textOption } from '../common/options.js';
import type { Collector, MetricFamily } from '../metrics/collectors.js';
import {
  formatOpenMetrics,
  formatText,
  OPENMETRICS_TYPE,
  prefersOpenMetrics,
  TEXT_TYPE,
} from '../metrics/exposition.js';
import { markServed } from '../middleware/served-by-cache.js';
import { handled, isRead, refuseMethod, sendBody } from './handler.js';
import { observeCaches, processCollectors } from './process-metrics.js';
import { sameSecret } from './same-secret.js';

/** Options of {@link metricsRouter}. */
export interface MetricsRouterOptions {
  /** A prom-client registry that the metrics join; what else is in it is shown too. @default only our own metrics */
  registry?: Registry | undefined;
  /** Asked for as `Authorization: Bearer <token>`. @default none: keep the path inside your network */
  token?: string | undefined;
  /** Adds prom-client's metrics of the process (CPU, memory, event loop). @default true without `registry` */
  processMetrics?: boolean | undefined;
  /** @default warnings only */
  logger?: Logger | undefined;
}

const ROUTE = Object.freeze({ route: '/metrics' });

interface Resolved {
  readonly registry: Registry | undefined;
  readonly token: string | undefined;
  readonly processMetrics: boolean;
  readonly logger: Logger;
}

function resolveMetricsRouterOptions(options: MetricsRouterOptions = {}): Resolved {
  checkKnownKeys('metricsRouter', options, ['registry', 'token', 'processMetrics', 'logger']);
  const { registry, token, processMetrics = registry === undefined, logger = warningsOnly } = options;
  if (registry !== undefined && typeof registry?.registerMetric !== 'function') {
    throw optionError('metricsRouter.registry', 'a prom-client Registry', registry);
  }
  return Object.freeze({
    registry,
    token: token === undefined ? undefined : textOption('metricsRouter.token', token),
    processMetrics: booleanOption('metricsRouter.processMetrics', processMetrics),
    logger: loggerOption('metricsRouter.logger', logger),
  });
}

/**
 * Answers `GET /metrics` in Prometheus' text format, or in OpenMetrics with exemplars when the scraper prefers it.
 * Mount it where only your network comes, or give it a `token`. Other paths pass through.
 */
export function metricsRouter(options?: MetricsRouterOptions): RequestHandler {
  const config = resolveMetricsRouterOptions(options);
  observeCaches();
  if (config.registry) joinRegistry(config.registry, config.logger);

  return function metricsHandler(req, res, next) {
    // Most requests are for something else, and are seen to be without taking their URL apart.
    if (req.url.startsWith('/') && !req.url.startsWith('/metrics')) return next();
    if (req.path !== '/metrics') return next();
    markServed(res, ROUTE);
    // Before anything else: a cache mounted above must not keep this.
    res.setHeader('Cache-Control', 'no-store');
    if (!isRead(req.method)) return refuseMethod(res, 'GET, HEAD');
    if (config.token && !bearsToken(req, config.token)) return refuseStranger(res);
    handled(sendMetrics(req, res, config), next);
  };
}

// Ours are known by identity: building a second router finds them there and leaves them.
function joinRegistry(registry: Registry, logger: Logger): void {
  for (const collector of processCollectors) {
    const present: unknown = registry.getSingleMetric(collector.name);
    if (present === undefined) registry.registerMetric(collector as never);
    else if (present !== collector) {
      logger.warn(`warmpath: metric ${collector.name} is left out: the registry has another metric of this name`);
    }
  }
}

function bearsToken(req: Request, token: string): boolean {
  const given = /^Bearer +(\S+)$/i.exec(req.headers.authorization ?? '')?.[1];
  return sameSecret(given, token);
}

function refuseStranger(res: Response): void {
  res.statusCode = 401;
  res.setHeader('WWW-Authenticate', 'Bearer');
  res.end();
}

async function sendMetrics(req: Request, res: Response, config: Resolved): Promise<void> {
  const openMetrics = prefersOpenMetrics(req.headers.accept);
  const families = await readFamilies(config);
  const type = openMetrics ? OPENMETRICS_TYPE : TEXT_TYPE;
  sendBody(req, res, 200, type, openMetrics ? formatOpenMetrics(families) : formatText(families));
}

async function readFamilies({ registry, processMetrics }: Resolved): Promise<readonly MetricFamily[]> {
  const [own, others] = await Promise.all([
    registry ? familiesOf(registry) : readAll(processCollectors),
    processMetrics ? processRegistry().then(familiesOf) : [],
  ]);
  const names = new Set(own.map(({ name }) => name));
  return [...own, ...others.filter(({ name }) => !names.has(name))];
}

const readAll = (collectors: readonly Collector[]): Promise<readonly MetricFamily[]> =>
  Promise.all(collectors.map((collector) => collector.get()));

// As JSON, not as text: it carries the registry's default labels, and is the same whatever format the registry is set to.
async function familiesOf(registry: Registry): Promise<readonly MetricFamily[]> {
  return (await registry.getMetricsAsJSON()) as unknown as readonly MetricFamily[];
}

let ofProcess: Promise<Registry> | undefined;

/** prom-client is loaded by the first scrape that needs it, not by importing this package. */
function processRegistry(): Promise<Registry> {
  ofProcess ??= import('prom-client').then(({ Registry, collectDefaultMetrics }) => {
    const register = new Registry();
    collectDefaultMetrics({ register });
    return register;
  });
  return ofProcess;
}
