import type { Request } from 'express';
import type { CacheCore } from '../cache/cache-core.js';

/** What stands for "this request has no identity, so it is not cached". */
export const NOT_CACHED = Symbol('not cached');

const warned = new WeakMap<CacheCore, Set<string>>();

/**
 * The identity of a request by the route's own function. Anything that could be the same for two people by mistake
 * (an object, `NaN`, an empty text, a promise) is no identity and is reported once.
 */
export function identityOf(
  core: CacheCore,
  name: string,
  identity: (req: Request) => unknown,
  req: Request,
): string | typeof NOT_CACHED {
  let value: unknown;
  try {
    value = identity(req);
  } catch {
    warnOnce(core, name, 'threw');
    return NOT_CACHED;
  }
  if (value === undefined) return NOT_CACHED;
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value))) return String(value);
  // Nobody waits for it, but its rejection must not end the process.
  if (value instanceof Promise) value.catch(() => {});
  warnOnce(core, name, 'returned neither a text nor undefined');
  return NOT_CACHED;
}

function warnOnce(core: CacheCore, name: string, what: string): void {
  const names = warned.get(core) ?? new Set();
  warned.set(core, names);
  if (names.has(name)) return;
  names.add(name);
  core.log.warn(`warmpath: 'identity' of '${name}' ${what}; the request is not cached`);
}
