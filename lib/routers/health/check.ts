import { type Duration, positiveDurationMs } from '../../common/duration.js';
import { optionError } from '../../common/errors.js';
import { booleanOption, checkKnownKeys, functionOption } from '../../common/options.js';

/** The three states of a check and of the whole. */
export type HealthStatus = 'healthy' | 'degraded' | 'down';

/** What a check says: a status, or with a word of explanation that only `details` shows. */
export type CheckAnswer = HealthStatus | boolean | { readonly status: HealthStatus; readonly reason?: string };

/**
 * Looks at one thing the app depends on. Fulfilled is healthy, `false` or rejected is down; `'degraded'` may be said, too.
 * `signal` is aborted when the time limit is over.
 */
export type CheckFunction = (context: { readonly signal: AbortSignal }) => unknown;

/** A check with its own limits. */
export interface CheckOptions {
  run: CheckFunction;
  /** @default '1s' */
  timeout?: Duration;
  /** Down makes the whole app down, and not ready. Otherwise it is degraded. @default false */
  critical?: boolean;
}

/** A check, resolved. */
export interface Check {
  readonly name: string;
  readonly run: CheckFunction;
  readonly timeoutMs: number;
  readonly critical: boolean;
}

const MAX_CHECKS = 50;

/** Resolves the `checks` option. */
export function resolveChecks(option: string, checks: unknown): readonly Check[] {
  if (checks === undefined) return [];
  if (checks === null || typeof checks !== 'object' || Array.isArray(checks)) {
    throw optionError(option, 'an object of checks by name', checks);
  }
  const entries = Object.entries(checks);
  if (entries.length > MAX_CHECKS) throw optionError(option, `at most ${MAX_CHECKS} checks`, entries.length);
  return entries.map(([name, check]) => resolveCheck(`${option}.${name}`, name, check));
}

function resolveCheck(option: string, name: string, check: unknown): Check {
  if (typeof check === 'function') return { name, run: check as CheckFunction, timeoutMs: 1000, critical: false };
  checkKnownKeys(option, check ?? null, ['run', 'timeout', 'critical']);
  const { run, timeout = '1s', critical = false } = check as CheckOptions;
  return Object.freeze({
    name,
    run: functionOption<CheckFunction>(`${option}.run`, run),
    timeoutMs: positiveDurationMs(`${option}.timeout`, timeout),
    critical: booleanOption(`${option}.critical`, critical),
  });
}
