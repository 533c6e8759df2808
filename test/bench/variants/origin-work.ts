import { createHash } from 'node:crypto';

const block = Buffer.alloc(16 * 1024, 'warmpath');

function hashes(count: number): void {
  for (let i = 0; i < count; i++) createHash('sha256').update(block).digest();
}

function calibrate(): number {
  hashes(200);
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 20; round++) {
    const startedAt = performance.now();
    hashes(50);
    best = Math.min(best, performance.now() - startedAt);
  }
  return Math.max(1, Math.round(50 / best));
}

// Counted work, not a wait for the clock: a preempted process still does the same amount.
const count = Number(process.env.BENCH_WORK ?? calibrate());

/** About one millisecond of CPU time. */
export function originWork(): void {
  hashes(count);
}
export const calibratedWork = count;
