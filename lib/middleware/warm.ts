import type { Application } from 'express';
import type { CacheCore } from '../cache/cache-core.js';
import { trafficRankingOf } from '../data/traffic-ranking.js';
import type { RequestListener } from './internal-dispatch.js';
import { resolveWarmOptions, type WarmConfig, type WarmOptions } from './warm-options.js';
import { LocalPlan, SharedPlan, type WarmPlan } from './warm-plan.js';
import { runJobs, type WarmReport } from './warm-run.js';
import { checkTargets, jobsOf, type WarmContext, type WarmTarget } from './warm-targets.js';

/** Targets, or a function that names them each time. */
export type WarmTargets = readonly WarmTarget[] | (() => readonly WarmTarget[] | Promise<readonly WarmTarget[]>);

/** A warming under way: await it for the report of its first run. */
export interface Warming extends Promise<WarmReport> {
  /** Begins no more targets, and ends the schedule. What is in work comes to its end. */
  stop(): void;
  /** Runs now, whatever the schedule says; goes on where a run was stopped. */
  again(): Promise<WarmReport>;
}

/**
 * Fills the cache before anybody asks: paths are dispatched through the app without a client, functions and repositories
 * are called. Gives way to requests: a few targets at a time, and none while the event loop is late. Never rejects for a
 * target that fails. Throws `ERR_OPTION` for bad targets and options.
 */
export function warm(
  app: Application | RequestListener | undefined,
  targets: WarmTargets,
  options?: WarmOptions,
): Warming {
  const config = resolveWarmOptions(options);
  const { core, origin, timeoutMs } = config;
  const context: WarmContext = { app: app as unknown as RequestListener | undefined, core, origin, timeoutMs };
  if (typeof targets !== 'function') checkTargets(targets, context);
  // From now on what is busy is counted by the hour, for the day it is asked for.
  if (core !== undefined) trafficRankingOf(core);
  const schedule = new WarmSchedule(config, context, targets);
  return Object.assign(schedule.first(), { stop: () => schedule.stop(), again: () => schedule.run() });
}

const LOOK_AGAIN_MS = 2000;
const LONGEST_WAIT_MS = 3_600_000;
const NOTHING: WarmReport = Object.freeze({
  total: 0,
  warmed: 0,
  notStored: 0,
  failed: 0,
  skipped: 0,
  isComplete: true,
});

class WarmSchedule {
  readonly #config: WarmConfig;
  readonly #context: WarmContext;
  readonly #targets: WarmTargets;
  readonly #plan: WarmPlan;
  readonly #unlisten: () => void;
  #running: Promise<WarmReport> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #isOver = false;

  constructor(config: WarmConfig, context: WarmContext, targets: WarmTargets) {
    this.#config = config;
    this.#context = context;
    this.#targets = targets;
    const { core, name, cache } = config;
    this.#plan = core?.guard === undefined ? new LocalPlan() : new SharedPlan(core, core.guard, name);
    this.#unlisten =
      cache !== undefined && config.afterFlush
        ? cache.events.on('invalidation', ({ kind, soft }) => void (kind === 'all' && !soft && this.#flushed()))
        : () => {};
  }

  /** The first run, or nothing when another instance did it or does it now. */
  async first(): Promise<WarmReport> {
    if (this.#config.everyMs === undefined) return this.run();
    return (await this.#runIfDue()) ?? NOTHING;
  }

  /** One run at a time; who asks during one gets the same. */
  run(): Promise<WarmReport> {
    this.#isStopped = false;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  stop(): void {
    this.#isStopped = true;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#unlisten();
  }

  async #run(): Promise<WarmReport> {
    await redisReady(this.#config.core);
    const { core, concurrency, maxLagMs, onProgress, everyMs, name } = this.#config;
    const report = await this.#plan.keep(async () => {
      const jobs = await jobsOf(await this.#named(), this.#context);
      const isStopped = (): boolean => this.#isStopped || core?.isClosed === true;
      const done = await this.#plan.done();
      return runJobs({ jobs, done, concurrency, maxLagMs, isStopped, onProgress, log: core?.log });
    });
    await this.#plan.end(report.isComplete, everyMs);
    const { warmed, notStored, failed, skipped } = report;
    core?.log.info(
      `warmpath: '${name}': ${warmed} warmed, ${notStored} not stored, ${failed} failed, ${skipped} done before`,
    );
    return report;
  }

  async #named(): Promise<readonly WarmTarget[]> {
    if (typeof this.#targets !== 'function') return this.#targets;
    try {
      return checkTargets(await this.#targets(), this.#context);
    } catch (error) {
      this.#config.core?.log.warn(`warmpath: '${this.#config.name}': no targets: ${String(error)}`);
      return [];
    }
  }

  async #runIfDue(): Promise<WarmReport | undefined> {
    await redisReady(this.#config.core);
    const dueInMs = await this.#plan.dueInMs();
    const mayRun = dueInMs === 0 && !this.#isOver && (await this.#plan.begin());
    const report = mayRun ? await this.run() : undefined;
    if (report?.isComplete) this.#waitFor(this.#config.everyMs ?? LONGEST_WAIT_MS);
    else this.#waitFor(dueInMs === 0 ? LOOK_AGAIN_MS : dueInMs);
    return report;
  }

  #waitFor(ms: number): void {
    if (this.#isOver || this.#config.core?.isClosed) return;
    clearTimeout(this.#timer);
    // Never all instances at once, and never longer than timers can count.
    const waitMs = Math.min(ms, LONGEST_WAIT_MS) * (1 + Math.random() / 20);
    this.#timer = setTimeout(() => void this.#runIfDue(), waitMs).unref();
  }

  async #flushed(): Promise<void> {
    if (this.#isOver) return;
    await this.#running;
    await this.#plan.forget();
    if (await this.#plan.begin()) await this.run();
  }
}

const PATIENCE_MS = 5000;

/** Resolves when Redis is in use, or after some seconds: at start-up it is not yet, and what is warmed then is not shared. */
function redisReady(core: CacheCore | undefined): Promise<void> {
  const guard = core?.guard;
  if (guard === undefined || guard.state === 'up') return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      unlisten();
      resolve();
    };
    const timer = setTimeout(finish, PATIENCE_MS).unref();
    const unlisten = guard.onStateChange((state) => {
      if (state === 'up') finish();
    });
  });
}
