import { safeErrorText } from '../common/errors.js';

/**
 * What a failed call says about the server.
 * `outage`: it cannot serve, or is not there. `denied`: this user may not do that. `refusal`: it serves, but not this.
 */
export interface Failure {
  readonly kind: 'outage' | 'denied' | 'refusal' | 'timeout';
  /** Safe to log: the first word of an error reply, or a short name. */
  readonly word: string;
}

const OUTAGE_REPLIES = new Set(['LOADING', 'MASTERDOWN', 'BUSY', 'NOAUTH', 'CLUSTERDOWN', 'WRONGPASS']);
const CLIENT_TIMEOUT = 'Command timed out';
// What ioredis says when it could not deliver a command or lost the connection before the reply.
const CONNECTION_TROUBLE =
  /^(?:Connection is closed|Stream isn't writeable|Cluster isn't ready|Socket timeout|None of startup nodes|Too many Cluster redirections|Cluster is ended|Command aborted|Failed to refresh slots)/;

/** Judges what a call to Redis rejected with. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { kind: 'refusal', word: 'unknown' };
  if (error.name === 'ReplyError') return replyFailure(error.message);
  if (error.message === CLIENT_TIMEOUT) return { kind: 'timeout', word: 'timeout' };
  const lost =
    CONNECTION_TROUBLE.test(error.message) || error.name === 'MaxRetriesPerRequestError' || 'syscall' in error;
  return lost ? { kind: 'outage', word: 'closed' } : { kind: 'refusal', word: safeErrorText(error) };
}

function replyFailure(message: string): Failure {
  const word = /^[A-Z]+\b/.exec(message)?.[0] ?? 'ERR';
  if (word === 'NOPERM') return { kind: 'denied', word };
  return { kind: OUTAGE_REPLIES.has(word) ? 'outage' : 'refusal', word };
}

/** Why a connection could not be made or was lost, as a short word safe to log. */
export function connectionFailureWord(error: unknown): string {
  if (!(error instanceof Error)) return 'closed';
  if ('code' in error && typeof error.code === 'string') return error.code;
  const word = /^[A-Z]{4,}\b/.exec(error.message)?.[0];
  return (
    word ?? (error.message.startsWith('Socket timeout') || error.message === CLIENT_TIMEOUT ? 'timeout' : 'closed')
  );
}
