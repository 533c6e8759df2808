import { STATUS_CODES } from 'node:http';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY', 'TRACE', 'CONNECT']);

/** A client that left before an answer began. Not a registered status; what proxies have long called this. */
export const CLIENT_LEFT = 499;

/** The method when it is a known one, else `OTHER`: clients choose methods, so the set must be closed. */
export function methodLabel(method: string): string {
  return METHODS.has(method) ? method : 'OTHER';
}

/** The status code when it is a registered one, else `other`. */
export function statusLabel(status: number): string {
  return STATUS_CODES[status] !== undefined || status === CLIENT_LEFT ? String(status) : 'other';
}
