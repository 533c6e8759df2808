import type { Redis } from 'ioredis';
import { failureOf } from './failure.js';
import { settleWithin } from './settle-within.js';

/** Whether a server serves reads in time. `isLate`: it answered, after the deadline. */
export interface ProbeResult {
  readonly isGood: boolean;
  readonly isLate: boolean;
  /** What is wrong. */
  readonly word: string;
}

const GOOD: ProbeResult = Object.freeze({ isGood: true, isLate: false, word: '' });
const LONGEST_WAIT_MS = 1000;

/**
 * Reads a key: PING would be refused where reads are served (MISCONF). An answer that comes late is waited for, though
 * not for ever, so that probes do not pile up on a server that hangs. Never rejects.
 * @param deniedKey a key this user was refused, which must be readable by now; any other key may stay refused
 */
export async function probeServer(
  redis: Redis,
  key: string,
  deniedKey: string | undefined,
  deadlineMs: number,
): Promise<ProbeResult> {
  const startedAt = performance.now();
  const reply = redis.get(deniedKey ?? key);
  const settled = await settleWithin(reply, deadlineMs);
  if (settled.kind === 'value') return GOOD;
  if (settled.kind === 'error') {
    const { kind, word } = failureOf(settled.error);
    const isGood = kind === 'refusal' || (kind === 'denied' && deniedKey === undefined);
    return { isGood, isLate: false, word };
  }
  const late = await settleWithin(reply, LONGEST_WAIT_MS - (performance.now() - startedAt));
  return { isGood: false, isLate: late.kind !== 'timeout', word: 'timeout' };
}
