/** Statuses whose caching requirements this cache knows (RFC 9110 §15); what `must-understand` asks for. */
const UNDERSTOOD: ReadonlySet<number> = new Set([
  200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410,
  411, 412, 413, 414, 415, 416, 417, 421, 422, 425, 426, 428, 429, 431, 451, 500, 501, 502, 503, 504, 505, 511,
]);

/** RFC 9110 §15.1, without 206, which this cache never stores. */
const HEURISTICALLY_CACHEABLE: ReadonlySet<number> = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]);

/** Statuses an explicit ttl applies to unless the route lists its own. */
export const DEFAULT_TTL_STATUSES: readonly number[] = Object.freeze([200, 203, 301, 308]);

/** Whether this cache implements what the status asks of caches (RFC 9111 §3 and §5.2.2.3). */
export function isUnderstood(status: number): boolean {
  return UNDERSTOOD.has(status);
}

/** Whether a status may get a lifetime by heuristic (RFC 9110 §15.1, RFC 9111 §4.2.2). */
export function isHeuristicallyCacheable(status: number): boolean {
  return HEURISTICALLY_CACHEABLE.has(status);
}

/**
 * Whether an explicit ttl applies to a status. An error has a lifetime only when the handler itself gave it one;
 * listing 404 or 410, which describe the resource and not a failure, is the exception.
 */
export function ttlApplies(status: number, statuses: readonly number[] = DEFAULT_TTL_STATUSES): boolean {
  if (status >= 400 && status !== 404 && status !== 410) return false;
  return statuses.includes(status);
}

/**
 * Whether a response of this status can be stored at all: final, complete by itself, and an answer to the URL.
 * 206 and 304 describe another representation, 416 a range of it; 1xx are not final.
 */
export function isStorableStatus(status: number): boolean {
  return (
    Number.isInteger(status) && status >= 200 && status <= 599 && status !== 206 && status !== 304 && status !== 416
  );
}
