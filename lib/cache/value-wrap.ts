import { WarmpathError } from '../common/errors.js';
import type { Lookup } from '../store/entry-store.js';
import { type Found, isPromise, type Level, type Maybe, whenReady } from '../store/stored-entry.js';
import { inBackground, recordUse } from './cache-core.js';
import { isTraced, traceLookup } from './lookup-trace.js';
import { readStoredValue, type StoredValue } from './stored-value.js';
import { takeTurn } from './turn.js';
import { fillAndKeep, fillOnly, type ValueRequest } from './value-fill.js';
import { isDue, type ValueRefreshes } from './value-refresh.js';

/** How many of a value's fills may be lost to invalidations before it is handed on without being stored. */
const MAX_ROUNDS = 50;

/** A request on its way to its value. */
export interface Visit extends ValueRequest {
  readonly refreshes: ValueRefreshes;
  readonly startedAt: number;
  /** Instant after which it waits for the fill of nobody else, once it does: what Redis took before is not their doing. */
  waitUntil: number | undefined;
  /** What may be served if the fill fails or takes too long. */
  standIn: StoredValue | undefined;
  /** Told when a stand-in was found. */
  onStandIn: () => unknown;
}

/** The value, made where there is none that may be used. Rejects with the error of the fill, or `ERR_TIMEOUT`. */
export function wrapValue(request: ValueRequest, refreshes: ValueRefreshes): Promise<unknown> {
  const { core } = request;
  if (!core.config.enabled || core.isClosed) return fillOnly(request);
  const visit = visitOf(request, refreshes);
  return inTime(visit, resolveVisit(visit));
}

/** A request for a value as it starts. */
export function visitOf(request: ValueRequest, refreshes: ValueRefreshes): Visit {
  const startedAt = request.core.store.now();
  return { ...request, refreshes, startedAt, waitUntil: undefined, standIn: undefined, onStandIn: () => {} };
}

async function resolveVisit(visit: Visit): Promise<unknown> {
  const { core, key, groups, policy } = visit;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    // In memory nothing may come in between: a fill that ended there would be made again.
    const asked = core.store.lookup(key, groups);
    const lookup = isPromise(asked) ? await asked : asked;
    const considered = consider(visit, lookup, round);
    const usable = isPromise(considered) ? await considered : considered;
    if (usable !== undefined && !policy.force) return usable.value;
    const turn = await turnFor(visit, lookup);
    if (turn.kind === 'again') continue;
    missed(visit);
    return turn.kind === 'fill'
      ? orStandIn(visit, async () => (await fillAndKeep(visit, turn.right)).value)
      : orStandIn(visit, () => fillOnly(visit));
  }
  missed(visit);
  return orStandIn(visit, () => fillOnly(visit));
}

/** The stored value, if it may be served as it is; starts what refreshes it. Else notes what it is good for. */
export function consider(visit: Visit, lookup: Lookup, round: number): Maybe<StoredValue | undefined> {
  const { core, counters, startedAt } = visit;
  const { found } = lookup;
  if (round === 0) counters.lookup.addMs(core.store.now() - startedAt);
  if (found === undefined) return undefined;
  return whenReady(readStoredValue(found, core.config.maxEntryBytes), (stored) =>
    stored === undefined ? undefined : judge(visit, found, stored),
  );
}

function judge(visit: Visit, found: Found, stored: StoredValue): StoredValue | undefined {
  const { core, policy, refreshes } = visit;
  const now = core.store.now();
  if (policy.force) return noteStandIn(visit, stored, now);
  if (now < stored.freshUntil) {
    if (isDue(stored, policy.refreshAhead, now)) refreshes.start(visit);
    return served(visit, found, stored, 'hit');
  }
  if (now < stored.freshUntil + stored.staleWhileRevalidateMs) {
    refreshes.start(visit);
    return served(visit, found, stored, 'stale');
  }
  return noteStandIn(visit, stored, now);
}

function noteStandIn(visit: Visit, stored: StoredValue, now: number): undefined {
  if (now >= stored.freshUntil + stored.staleIfErrorMs) return undefined;
  visit.standIn = stored;
  visit.onStandIn();
  return undefined;
}

function served(visit: Visit, found: Found, stored: StoredValue, result: 'hit' | 'stale'): StoredValue {
  const { counters } = visit;
  if (result === 'stale') counters.stale += 1;
  else if (found.level === 'redis') counters.redisHits += 1;
  else counters.memoryHits += 1;
  recordUse(visit.core, visit.key.label, found.entry.groups);
  trace(visit, result, found.level, stored);
  return stored;
}

/** Counts and tells of a lookup that found nothing to serve. */
export function missed(visit: Visit): void {
  visit.counters.misses += 1;
  trace(visit, 'miss', undefined, undefined);
}

function trace(visit: Visit, result: 'hit' | 'stale' | 'miss', level: Level | undefined, stored?: StoredValue): void {
  const { core, key, policy, startedAt } = visit;
  if (!isTraced(core.log)) return;
  const now = core.store.now();
  const ageMs = stored && now - stored.storedAt;
  traceLookup(core.log, key.text, { cache: policy.name, result, level, latencyMs: now - startedAt, ageMs });
}

function turnFor(visit: Visit, lookup: Lookup) {
  const { core, key, groups, counters, policy } = visit;
  const { store, flights, config } = core;
  visit.waitUntil ??= store.now() + config.waitLimitMs;
  const { waitUntil } = visit;
  const onCollapsed = (): void => {
    counters.collapsed += 1;
    core.events.emit({ type: 'collapsed', cache: policy.name });
  };
  return takeTurn({ store, flights, key, groups, leaseMs: config.leaseMs, waitUntil, onCollapsed }, lookup);
}

/** What `make` makes, or the stand-in when it fails. */
export async function orStandIn(visit: Visit, make: () => Promise<unknown>): Promise<unknown> {
  try {
    return await make();
  } catch (error) {
    const { standIn, core } = visit;
    if (standIn === undefined || core.store.now() >= standIn.freshUntil + standIn.staleIfErrorMs) throw error;
    visit.counters.stale += 1;
    return standIn.value;
  }
}

/** Waits for the work no longer than the policy says. The work goes on in any case, and what it makes is kept. */
export function inTime(visit: Visit, work: Promise<unknown>): Promise<unknown> {
  const { softTimeoutMs, hardTimeoutMs, name } = visit.policy;
  if (softTimeoutMs === undefined && hardTimeoutMs === undefined) return work;
  inBackground(visit.core, work);
  return new Promise((resolve, reject) => {
    const timers: NodeJS.Timeout[] = [];
    const clear = (): void => {
      for (const timer of timers) clearTimeout(timer);
    };
    const standIn = (): boolean => {
      if (visit.standIn === undefined) return false;
      clear();
      visit.counters.stale += 1;
      resolve(visit.standIn.value);
      return true;
    };
    const soft = (): void => {
      // Where it is not known yet whether there is one, it is served as soon as it is.
      if (!standIn()) visit.onStandIn = standIn;
    };
    const hard = (): void => {
      const limit = `${hardTimeoutMs} ms (hardTimeout)`;
      if (!standIn()) reject(new WarmpathError('ERR_TIMEOUT', `'${name}': no value within ${limit}`));
    };
    if (softTimeoutMs !== undefined) timers.push(setTimeout(soft, softTimeoutMs));
    if (hardTimeoutMs !== undefined) timers.push(setTimeout(hard, hardTimeoutMs));
    work.then(resolve, reject).finally(clear);
  });
}
