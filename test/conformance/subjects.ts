import type { RequestHandler } from 'express';

/** A cache under test, and how to let go of it. */
export interface Subject {
  readonly name: string;
  readonly layer: RequestHandler;
  close(): Promise<void>;
}

export type SubjectName = 'warmpath' | 'warmpath-heuristic' | 'none';

/** Builds a subject. `observe` is off in all: the suite's handler reads bookkeeping fields of every request. */
export async function createSubject(name: SubjectName): Promise<Subject> {
  if (name === 'none') return { name: 'no cache', layer: (_req, _res, next) => next(), close: async () => {} };
  const { createCache } = await import('../../lib/cache/cache.js');
  const { responseCache } = await import('../../lib/middleware/response-cache.js');
  const heuristicFreshness = name === 'warmpath-heuristic';
  const cache = createCache();
  return {
    name: heuristicFreshness ? 'warmpath with heuristicFreshness' : 'warmpath',
    layer: responseCache(cache, { observe: 'off', heuristicFreshness }),
    close: async () => {
      await cache.close();
    },
  };
}
