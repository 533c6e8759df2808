import type { ServerResponse } from 'node:http';
import type { CacheResult } from '../metrics/request-durations.js';

/** Who answered, for the request metrics: what the response cache did, or one of our own routers. */
export interface ServedByCache {
  readonly result?: CacheResult | undefined;
  /** The route pattern, for a response made before or without Express' routing. */
  readonly route?: string | undefined;
}

const MARK = Symbol('served by cache');
type Marked = ServerResponse & { [MARK]?: ServedByCache | undefined };

/** Notes who answered `res`. Pass the same frozen object for the same route: nothing is allocated. */
export function markServed(res: ServerResponse, served: ServedByCache | undefined): void {
  (res as Marked)[MARK] = served;
}

/** What {@link markServed} noted. */
export function servedByCache(res: ServerResponse): ServedByCache | undefined {
  return (res as Marked)[MARK];
}
