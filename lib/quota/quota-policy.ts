import type { Duration } from '../common/duration.js';
import { durationMs, positiveDurationMs } from '../common/duration.js';
import { optionError, WarmpathError } from '../common/errors.js';
import { checkKnownKeys, nearest, textOption, wholeNumber } from '../common/options.js';

/** A token bucket: `burst` requests at once, then `rate` requests every `per`. */
export interface BucketPolicyOptions {
  /** Requests that come back every `per`. */
  readonly rate: number;
  /** @default '1s' */
  readonly per?: Duration | undefined;
  /** Requests admitted at once by a client that was quiet. @default `rate`, at least 1 */
  readonly burst?: number | undefined;
  /** Name in `RateLimit-Policy`. @default e.g. `10-burst-5-per-1sec` */
  readonly name?: string | undefined;
}

/** A fixed window: `limit` requests in `window`, which starts with a client's first request. */
export interface WindowPolicyOptions {
  readonly limit: number;
  readonly window: Duration;
  /** Name in `RateLimit-Policy`. @default e.g. `100-in-1min` */
  readonly name?: string | undefined;
}

/** One quota policy as a user writes it. */
export type QuotaPolicyOptions = BucketPolicyOptions | WindowPolicyOptions;

/**
 * A checked quota policy. Times are whole microseconds, so that sums of them are exact in a double.
 * `sizeUs` is what one request adds to a bucket, or the length of a window; `windowUs` the time in which `limit` comes back.
 */
export interface QuotaPolicy {
  readonly kind: 'bucket' | 'window';
  readonly name: string;
  readonly limit: number;
  readonly sizeUs: number;
  readonly windowUs: number;
}

const MAX_LIMIT = 1_000_000_000;
// A bucket's whole span must stay exact when added to microseconds since 1970 in a double.
const MAX_SPAN_US = 2 ** 50;

/** Checks one policy and works out its times. */
export function resolveQuotaPolicy(option: string, policy: unknown): QuotaPolicy {
  if (policy !== null && typeof policy === 'object' && !Array.isArray(policy)) {
    if ('rate' in policy || 'burst' in policy) return resolveBucket(option, policy as BucketPolicyOptions);
    if ('limit' in policy || 'window' in policy) return resolveWindow(option, policy as WindowPolicyOptions);
    refuseMisspelling(option, policy);
  }
  throw optionError(option, '{ rate, per?, burst? } or { limit, window }', policy);
}

function refuseMisspelling(option: string, policy: object): void {
  for (const key of Object.keys(policy)) {
    const near = nearest(key, ['rate', 'burst', 'limit', 'window']);
    if (near)
      throw new WarmpathError(
        'ERR_UNKNOWN_OPTION',
        `${option}: unknown option '${key.slice(0, 40)}'. Did you mean '${near}'?`,
      );
  }
}

function resolveBucket(option: string, policy: BucketPolicyOptions): QuotaPolicy {
  checkKnownKeys(option, policy, ['rate', 'per', 'burst', 'name']);
  const { rate, per = '1s' } = policy;
  if (typeof rate !== 'number' || !(rate > 0) || !Number.isFinite(rate)) {
    throw optionError(`${option}.rate`, 'a number above 0', rate);
  }
  const perUs = positiveDurationMs(`${option}.per`, per) * 1000;
  const limit = bounded(`${option}.burst`, policy.burst ?? Math.max(1, Math.floor(rate)), 1);
  const sizeUs = Math.round(perUs / rate);
  if (sizeUs < 1) throw optionError(`${option}.rate`, 'at most 1,000,000 requests a second', rate);
  if (sizeUs * limit > MAX_SPAN_US)
    throw optionError(`${option}.burst`, 'a bucket that refills within 35 years', limit);
  const name = policyName(option, policy.name, `${limit}-burst-${rate}-per-${spanName(perUs)}`);
  return Object.freeze({ kind: 'bucket', name, limit, sizeUs, windowUs: sizeUs * limit });
}

function resolveWindow(option: string, policy: WindowPolicyOptions): QuotaPolicy {
  checkKnownKeys(option, policy, ['limit', 'window', 'name']);
  const limit = bounded(`${option}.limit`, policy.limit, 0);
  const windowMs = Math.round(durationMs(`${option}.window`, policy.window));
  if (windowMs < 1) throw optionError(`${option}.window`, 'a duration of at least 1ms', policy.window);
  const windowUs = Math.min(windowMs * 1000, MAX_SPAN_US);
  const name = policyName(option, policy.name, `${limit}-in-${spanName(windowUs)}`);
  return Object.freeze({ kind: 'window', name, limit, sizeUs: windowUs, windowUs });
}

function bounded(option: string, value: unknown, min: number): number {
  const whole = wholeNumber(option, value, min);
  if (whole > MAX_LIMIT) throw optionError(option, `at most ${MAX_LIMIT}`, value);
  return whole;
}

// The name becomes an sf-string (RFC 8941 §3.3.3): printable ASCII, and nothing that would need escaping.
function policyName(option: string, given: unknown, fallback: string): string {
  if (given === undefined) return fallback;
  const name = textOption(`${option}.name`, given);
  if (!/^[\x20-\x7e]{1,64}$/.test(name) || /["\\]/.test(name)) {
    throw optionError(`${option}.name`, 'up to 64 printable ASCII characters without quotes or backslashes', given);
  }
  return name;
}

function spanName(us: number): string {
  const seconds = us / 1e6;
  if (seconds < 60) return `${seconds}sec`;
  if (seconds < 3600) return `${seconds / 60}min`;
  if (seconds < 86_400) return `${seconds / 3600}hr`;
  return `${seconds / 86_400}day`;
}
