import type { LimiterSource } from '../../metrics/metric-sources.js';
import type { RedisGuard } from '../../redis/guard.js';
import type { Check, HealthStatus } from './check.js';
import type { CheckResult } from './check-runner.js';

/** What the app falls back on just now. */
export interface Policy {
  readonly cache?: 'redis' | 'process memory';
  /** Since when Redis is out of use. ISO 8601. */
  readonly since?: string;
  readonly limits?: 'shared' | 'local';
}

/** The body of a health response. */
export interface HealthReport {
  readonly status: HealthStatus;
  readonly draining?: true;
  readonly checks: Readonly<Record<string, { status: HealthStatus; latencyMs: number; reason?: string }>>;
  readonly policy?: Policy;
  readonly process?: { readonly uptimeSeconds: number; readonly node: string };
}

/** The worst that critical checks say; anything else that is not healthy is degraded. */
export function overallStatus(results: readonly (readonly [Check, CheckResult])[]): HealthStatus {
  if (results.some(([check, { status }]) => check.critical && status === 'down')) return 'down';
  return results.every(([, { status }]) => status === 'healthy') ? 'healthy' : 'degraded';
}

/** The policy in force: where entries and counters are now, not where they were configured to be. */
export function policyInForce(
  hasCache: boolean,
  guard: RedisGuard | undefined,
  limiters: readonly LimiterSource[],
): Policy | undefined {
  if (!hasCache && !guard && limiters.length === 0) return undefined;
  const away = guard?.state === 'down';
  return {
    ...((hasCache || guard) && { cache: guard && !away ? 'redis' : 'process memory' }),
    ...(away && guard.downSince !== undefined && { since: new Date(guard.downSince).toISOString() }),
    ...(limiters.length > 0 && {
      limits: limiters.every((limiter) => limiter.stats().store === 'redis') ? 'shared' : 'local',
    }),
  };
}

/** Composes the body. Reasons, versions and times only with `detailed`. */
export function healthReport(
  results: readonly (readonly [Check, CheckResult])[],
  { draining, policy, detailed }: { draining: boolean; policy?: Policy | undefined; detailed: boolean },
): HealthReport {
  const checks = results.map(([{ name }, { status, latencyMs, reason }]) => {
    return [name, { status, latencyMs, ...(detailed && reason !== undefined && { reason }) }] as const;
  });
  return {
    status: draining ? 'down' : overallStatus(results),
    ...(draining && { draining }),
    checks: Object.fromEntries(checks),
    ...(policy && { policy }),
    ...(detailed && { process: { uptimeSeconds: Math.floor(process.uptime()), node: process.version } }),
  };
}
