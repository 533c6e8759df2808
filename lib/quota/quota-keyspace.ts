import { createHash } from 'node:crypto';
import type { CensusKeys } from './instance-census.js';

// The digest stands in braces: whatever else may once be kept per client will live in the same slot.

/** Spells the Redis key of a partition for one limiter. The limiter's id is hashed, so no two ids meet. */
export function quotaKeys(namespace: string, limiterId: string, kind: 'quota' | 'window'): (digest: string) => string {
  const limiter = createHash('sha256').update(limiterId).digest('base64url').slice(0, 12);
  const head = `${namespace}:${kind}:${limiter}:{`;
  return (digest) => `${head}${digest}}`;
}

/** Spells the keys of the heartbeat. */
export function censusKeys(namespace: string): CensusKeys {
  const head = `${namespace}:{instances}`;
  return { instances: `${head}:beats`, resets: `${head}:resets` };
}
