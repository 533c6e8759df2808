import type { QuotaLimiter } from './quota-limiter.js';

const limiters = new Set<WeakRef<QuotaLimiter>>();

/** The limiters of this process that are in use, oldest first: for metrics and admin pages. Holding none of them alive. */
export function liveLimiters(): QuotaLimiter[] {
  const live: QuotaLimiter[] = [];
  for (const reference of limiters) {
    const limiter = reference.deref();
    if (limiter) live.push(limiter);
    else limiters.delete(reference);
  }
  return live;
}

/** Lists a limiter until the returned function is called or the limiter is dropped. */
export function register(limiter: QuotaLimiter): () => void {
  const reference = new WeakRef(limiter);
  limiters.add(reference);
  return () => limiters.delete(reference);
}

const claims = new WeakMap<object, Map<string, Set<number>>>();
const dropped = new FinalizationRegistry<() => void>((release) => release());

/**
 * The lowest number not yet taken for `name` within `scope`, from 1, held until `holder` is dropped or the returned
 * function is called. Gives unnamed limiters on one client counters of their own, the same ones in every instance.
 */
export function claimNumber(scope: object, name: string, holder: object): { readonly number: number; release(): void } {
  const names = claims.get(scope) ?? new Map<string, Set<number>>();
  claims.set(scope, names);
  const taken = names.get(name) ?? new Set<number>();
  names.set(name, taken);
  let number = 1;
  while (taken.has(number)) number++;
  taken.add(number);
  const release = (): void => void taken.delete(number);
  dropped.register(holder, release);
  return { number, release };
}
