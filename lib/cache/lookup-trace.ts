import { createHash } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import { type Logger, warningsOnly } from '../common/logger.js';
import type { Level } from '../store/stored-entry.js';

/** One answer of a cache, as it is logged at debug and published on the diagnostics channel `warmpath:lookup`. */
export interface LookupNote {
  /** The name of the cache. */
  readonly cache: string;
  /** A digest: keys may hold what is nobody's business. */
  readonly key: string;
  readonly result: 'hit' | 'stale' | 'miss';
  readonly level: Level | undefined;
  readonly latencyMs: number;
  readonly ageMs: number | undefined;
}

const lookups = channel('warmpath:lookup');

/** Whether anybody would hear of a lookup. Ask it before making up a note: a hit must cost nothing when nobody listens. */
export function isTraced(log: Logger): boolean {
  return lookups.hasSubscribers || isDebugOn(log);
}

/** Tells of a lookup. `text` is the key itself; only its digest goes out. */
export function traceLookup(log: Logger, text: string, about: Omit<LookupNote, 'key'>): void {
  const key = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const note: LookupNote = { ...about, key };
  lookups.publish(note);
  if (isDebugOn(log)) log.debug(line(note));
}

// One text, as pino, winston and console each take further arguments in a way of their own.
function line({ cache, key, result, level, latencyMs, ageMs }: LookupNote): string {
  const from = level === undefined ? '' : ` level=${level}`;
  const age = ageMs === undefined ? '' : ` ageMs=${Math.round(ageMs)}`;
  return `warmpath: ${result} cache=${cache} key=${key}${from} latencyMs=${latencyMs.toFixed(2)}${age}`;
}

function isDebugOn(log: Logger): boolean {
  if (log === warningsOnly) return false;
  const { isLevelEnabled } = log as { isLevelEnabled?: (level: string) => boolean };
  return typeof isLevelEnabled !== 'function' || isLevelEnabled.call(log, 'debug');
}
