import type { ServerResponse } from 'node:http';
import type { CacheResult } from '../metrics/request-durations.js';

/** Who answered, for the request metrics: what the response cache did, or one of our own routers. */
export interface ServedByCache {
  readonly result?: CacheResult | undefined;
  /** The route pattern, for a response made before or without Express' routing. */
  readonly route?: string | undefined;
  /** The cache that fills from this request. */
  readonly filling?: object | undefined;
  /** What another cache further out noted. */
  readonly outer?: ServedByCache | undefined;
}

const MARK = Symbol('served by cache');
type Marked = ServerResponse & { [MARK]?: ServedByCache | undefined };

/** Notes who answered `res`. Pass the same frozen object for the same route: nothing is allocated. */
export function markServed(res: ServerResponse, served: ServedByCache | undefined): void {
  (res as Marked)[MARK] = served;
}

/** Whether a cache, by what it noted on `res`, fills from the request that is being answered. */
export function isFilling(res: ServerResponse, cache: object): boolean {
  for (let mark = (res as Marked)[MARK]; mark !== undefined; mark = mark.outer) if (mark.filling === cache) return true;
  return false;
}

/** What {@link markServed} noted. */
export function servedByCache(res: ServerResponse): ServedByCache | undefined {
  return (res as Marked)[MARK];
}
