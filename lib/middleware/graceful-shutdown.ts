import type { Server } from 'node:http';
import { type Duration, durationMs, positiveDurationMs } from '../common/duration.js';
import { optionError } from '../common/errors.js';
import { type Logger, loggerOption, warningsOnly } from '../common/logger.js';
import { booleanOption, checkKnownKeys, functionOption, textList } from '../common/options.js';
import { startDraining } from './draining.js';

type Closable = { close(options?: { grace?: Duration }): Promise<unknown> };
type RedisLike = { quit(): Promise<unknown>; disconnect(): void };

/** Options of {@link gracefulShutdown}. */
export interface GracefulShutdownOptions {
  /** Closed after the server: refreshes and fills in flight get the time that is left. */
  cache?: Closable | readonly Closable[] | undefined;
  /** Closed last. A server that does not answer is cut off. */
  redis?: RedisLike | undefined;
  /** All steps together never take longer. @default '10s' */
  grace?: Duration | undefined;
  /** How long `/readyz` says 503 before the server stops taking connections: as long as your load balancer needs to notice. @default '0s' */
  drainDelay?: Duration | undefined;
  /** @default ['SIGTERM', 'SIGINT'] */
  signals?: readonly NodeJS.Signals[] | undefined;
  /** Ends the process with code 0 when all is closed or the grace is over. @default true */
  exit?: boolean | undefined;
  /** Runs after the cache and before Redis are closed: close your database here. */
  onClosed?: (() => void | Promise<void>) | undefined;
  /** @default warnings only */
  logger?: Logger | undefined;
}

/** What {@link gracefulShutdown} returns. */
export interface GracefulShutdown {
  /** Shuts down now; again returns the same promise. Resolves within the grace. */
  now(): Promise<void>;
  /** Stops listening to the signals. */
  cancel(): void;
}

interface Resolved {
  readonly caches: readonly Closable[];
  readonly redis: RedisLike | undefined;
  readonly graceMs: number;
  readonly drainDelayMs: number;
  readonly signals: readonly NodeJS.Signals[];
  readonly exit: boolean;
  readonly onClosed: () => void | Promise<void>;
  readonly logger: Logger;
}

const KEYS = ['cache', 'redis', 'grace', 'drainDelay', 'signals', 'exit', 'onClosed', 'logger'];

function resolveGracefulShutdownOptions(options: GracefulShutdownOptions = {}): Resolved {
  checkKnownKeys('gracefulShutdown', options, KEYS);
  const { cache, redis, grace = '10s', drainDelay = '0s', signals = ['SIGTERM', 'SIGINT'], exit = true } = options;
  const { onClosed = () => {}, logger = warningsOnly } = options;
  const caches = cache === undefined ? [] : [cache].flat();
  if (caches.some((one) => typeof one?.close !== 'function')) {
    throw optionError('gracefulShutdown.cache', 'what createCache() returned', cache);
  }
  const resolved = {
    caches: caches as readonly Closable[],
    redis,
    graceMs: positiveDurationMs('gracefulShutdown.grace', grace),
    drainDelayMs: durationMs('gracefulShutdown.drainDelay', drainDelay),
    signals: textList('gracefulShutdown.signals', signals) as readonly NodeJS.Signals[],
    exit: booleanOption('gracefulShutdown.exit', exit),
    onClosed: functionOption<() => void | Promise<void>>('gracefulShutdown.onClosed', onClosed),
    logger: loggerOption('gracefulShutdown.logger', logger),
  };
  if (resolved.drainDelayMs >= resolved.graceMs) {
    throw optionError('gracefulShutdown.drainDelay', 'a duration shorter than `grace`', drainDelay);
  }
  return Object.freeze(resolved);
}

/**
 * Stops in the order that loses nothing: `/readyz` turns 503, the server stops taking connections and finishes what it
 * has, the cache closes, your `onClosed` runs, Redis closes. Everything together is over within `grace`, also when
 * Redis hangs. A second signal ends the process at once.
 */
export function gracefulShutdown(server: Server, options?: GracefulShutdownOptions): GracefulShutdown {
  const config = resolveGracefulShutdownOptions(options);
  let running: Promise<void> | undefined;

  const now = (): Promise<void> => {
    running ??= shutDown(server, config);
    return running;
  };
  const onSignal = (): void => {
    if (running && config.exit) process.exit(1);
    void now();
  };
  for (const signal of config.signals) process.on(signal, onSignal);
  const cancel = (): void => {
    for (const signal of config.signals) process.off(signal, onSignal);
  };
  return Object.freeze({ now, cancel });
}

async function shutDown(server: Server, config: Resolved): Promise<void> {
  const deadline = performance.now() + config.graceMs;
  // Kept back from the earlier steps, so that a request that never ends does not cost the cache and Redis their turn.
  const reserve = Math.min(1000, config.graceMs / 4);
  const left = (keptBack = 0): number => Math.max(0, deadline - keptBack - performance.now());

  startDraining();
  await pause(config.drainDelayMs);
  await step('server', config, () => closeServer(server, left(reserve)), left(reserve));
  await step('cache', config, () => closeCaches(config.caches, left(reserve / 2)), left(reserve / 2));
  await step('onClosed', config, async () => config.onClosed(), left(reserve / 2));
  await step('redis', config, () => closeRedis(config.redis, left()), left());
  if (config.exit) process.exit(0);
}

// One step that fails or takes too long must not keep the next from running.
async function step(name: string, config: Resolved, run: () => Promise<unknown>, limitMs: number): Promise<void> {
  try {
    const done = await within(run(), limitMs);
    if (!done) config.logger.warn(`warmpath: shutdown went on without waiting further for: ${name}`);
  } catch {
    config.logger.warn(`warmpath: closing failed: ${name}`);
  }
}

async function closeServer(server: Server, limitMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // Kept-alive connections become idle one by one as their requests end.
  const idle = setInterval(() => server.closeIdleConnections(), 25);
  const done = await within(closed, limitMs);
  clearInterval(idle);
  if (done) return;
  server.closeAllConnections();
  await closed;
}

async function closeCaches(caches: readonly Closable[], limitMs: number): Promise<void> {
  await Promise.all(caches.map((cache) => cache.close({ grace: `${Math.floor(limitMs)}ms` })));
}

// QUIT on a server that hangs never answers.
async function closeRedis(redis: RedisLike | undefined, limitMs: number): Promise<void> {
  if (!redis) return;
  await within(redis.quit(), limitMs * 0.8).catch(() => false);
  redis.disconnect();
}

/** Whether the promise was fulfilled in time. */
async function within(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
