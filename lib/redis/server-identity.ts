import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Clock } from '../common/clock.js';

/** Who answers on a connection, and what time it is there. */
export interface ServerIdentity {
  /** 16 bytes: this process, in this reign. `isKnown` is false where the server does not tell. */
  readonly reign: Buffer;
  readonly isKnown: boolean;
  readonly role: 'master' | 'replica';
  /** Redis' clock minus ours, in milliseconds; off by half the round trip at most. */
  readonly offsetMs: number;
}

// Where INFO is denied (ACL -@dangerous) or tells no run_id, all servers share one reign: failovers go unnoticed.
const UNKNOWN_REIGN = reignOf('', '');

/** Asks a server who it is. Rejects when it does not answer; what the user may not ask is left open. */
export async function identify(redis: Redis, clock: Clock): Promise<ServerIdentity> {
  const sentAt = clock.now();
  const [time, server, replication] = await Promise.all([
    allowed(redis.time()),
    allowed(redis.info('server')),
    allowed(redis.info('replication')),
  ]);
  const halfTripMs = (clock.now() - sentAt) / 2;
  const runId = field(server, 'run_id');
  return {
    reign: runId === undefined ? UNKNOWN_REIGN : reignOf(runId, field(replication, 'master_replid') ?? ''),
    isKnown: runId !== undefined,
    role: field(replication, 'role') === 'slave' ? 'replica' : 'master',
    offsetMs: time ? Number(time[0]) * 1000 + Number(time[1]) / 1000 - sentAt - halfTripMs : 0,
  };
}

// The process alone would not do: a master that lost its place and got it back is the same process, and may lack what
// was written in between. The replication id changes with every promotion.
function reignOf(runId: string, replicationId: string): Buffer {
  return createHash('sha256').update(`${runId}:${replicationId}`).digest().subarray(0, 16);
}

function field(info: string | undefined, name: string): string | undefined {
  return info === undefined ? undefined : new RegExp(`^${name}:(\\w+)`, 'm').exec(info)?.[1];
}

async function allowed<T>(reply: Promise<T>): Promise<T | undefined> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof Error && /^(?:NOPERM|ERR unknown command)/.test(error.message)) return undefined;
    throw error;
  }
}
