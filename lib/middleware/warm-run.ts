import { safeErrorText } from '../common/errors.js';
import type { Logger } from '../common/logger.js';
import { LoopLag } from './loop-lag.js';
import type { WarmJob, WarmOutcome } from './warm-targets.js';

/** How far a warming has come. */
export interface WarmProgress {
  /** Targets that are over, with those found done already. */
  readonly done: number;
  readonly total: number;
  /** The target that was over last. */
  readonly target: string;
  readonly outcome: WarmOutcome;
}

/** How a warming ended. */
export interface WarmReport {
  readonly total: number;
  /** In the cache now. */
  readonly warmed: number;
  /** Answered, with nothing to keep. */
  readonly notStored: number;
  readonly failed: number;
  /** Done before: by a run that did not come to its end, or by another instance. */
  readonly skipped: number;
  /** `false` when it was stopped; the next run goes on from there. */
  readonly isComplete: boolean;
}

/** What is done of a plan, so that a run that was broken off can be gone on with. */
export interface DoneTargets {
  has(label: string): boolean;
  add(label: string): void;
}

/** What a run works with. `maxLagMs`: how late the event loop may be. */
export interface WarmRunParts {
  readonly jobs: readonly WarmJob[];
  readonly done: DoneTargets;
  readonly concurrency: number;
  readonly maxLagMs: number;
  readonly isStopped: () => boolean;
  readonly onProgress: ((progress: WarmProgress) => void) | undefined;
  readonly log: Logger | undefined;
}

/** Does the jobs that are not done yet, a few at a time, and none while the event loop is late. Never rejects. */
export async function runJobs(parts: WarmRunParts): Promise<WarmReport> {
  const { jobs, done, concurrency, maxLagMs, isStopped } = parts;
  const open = jobs.filter(({ label }) => !done.has(label));
  const counts: Record<WarmOutcome, number> = { warmed: 0, 'not-stored': 0, failed: 0 };
  const skipped = jobs.length - open.length;
  const lag = new LoopLag(maxLagMs);
  let next = 0;
  let over = skipped;

  async function lane(): Promise<void> {
    for (;;) {
      await lag.calm();
      const job = isStopped() ? undefined : open[next++];
      if (job === undefined) return;
      const outcome = await outcomeOf(job, parts.log);
      counts[outcome] += 1;
      over += 1;
      if (outcome !== 'failed') done.add(job.label);
      tell(parts, { done: over, total: jobs.length, target: job.label, outcome });
    }
  }

  lag.start();
  await Promise.all(Array.from({ length: Math.min(concurrency, open.length) }, lane));
  lag.stop();
  const { warmed, failed } = counts;
  return {
    total: jobs.length,
    warmed,
    notStored: counts['not-stored'],
    failed,
    skipped,
    isComplete: over === jobs.length,
  };
}

async function outcomeOf(job: WarmJob, log: Logger | undefined): Promise<WarmOutcome> {
  try {
    return await job.run();
  } catch (error) {
    // One target that fails keeps no other from being warmed.
    log?.debug(`warmpath: warming a target failed: ${safeErrorText(error)}`);
    return 'failed';
  }
}

function tell({ onProgress, log }: WarmRunParts, progress: WarmProgress): void {
  try {
    onProgress?.(progress);
  } catch (error) {
    log?.warn(`warmpath: onProgress threw: ${safeErrorText(error)}`);
  }
}
