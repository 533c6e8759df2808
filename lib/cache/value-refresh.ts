import { isPromise } from '../store/stored-entry.js';
import { type CacheCore, inBackground } from './cache-core.js';
import { tally } from './cache-stats.js';
import { readStoredValue, type StoredValue } from './stored-value.js';
import { type FillRight, takeTurn } from './turn.js';
import { fillAndKeep, type KeepOutcome, type ValueRequest } from './value-fill.js';

const MAX_RUNNING = 64;
const MAX_PAUSES = 1000;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/** How a refresh ended. */
export type RefreshOutcome = 'stored' | 'not-stored' | 'failed' | 'skipped';

/** What is being refreshed in the background by this process, and what is left alone for a while because that failed. */
export class ValueRefreshes {
  readonly #running = new Set<string>();
  readonly #pauses = new Map<string, { readonly until: number; readonly ms: number }>();

  /** Whether a refresh of this key may begin now. */
  mayStart({ core, key }: ValueRequest): boolean {
    if (core.isClosed || this.#running.has(key.text) || this.#running.size >= MAX_RUNNING) return false;
    const pause = this.#pauses.get(key.text);
    return pause === undefined || pause.until <= core.store.now();
  }

  /** Refreshes a value in the background. Nothing of it reaches the caller. */
  start(request: ValueRequest): void {
    if (!this.mayStart(request)) return;
    inBackground(request.core, this.#run(request));
  }

  async #run(request: ValueRequest): Promise<void> {
    const { core, key, counters, policy } = request;
    this.#running.add(key.text);
    try {
      const outcome = await refresh(request);
      this.#note(core, key.text, outcome);
      tally(counters.refreshes, outcome);
      core.events.emit({ type: 'refresh', cache: policy.name, outcome });
    } finally {
      this.#running.delete(key.text);
    }
  }

  #note(core: CacheCore, key: string, outcome: RefreshOutcome): void {
    if (outcome !== 'failed') {
      this.#pauses.delete(key);
      return;
    }
    const ms = Math.min(LONGEST_PAUSE_MS, (this.#pauses.get(key)?.ms ?? FIRST_PAUSE_MS / 2) * 2);
    if (this.#pauses.size >= MAX_PAUSES) this.#pauses.clear();
    this.#pauses.set(key, { until: core.store.now() + ms, ms });
  }
}

/** Whether so much of its lifetime is over that a hit should renew it. */
export function isDue(stored: StoredValue, refreshAhead: number | undefined, now: number): boolean {
  return refreshAhead !== undefined && now >= stored.storedAt + stored.ttlMs * refreshAhead;
}

async function refresh(request: ValueRequest): Promise<RefreshOutcome> {
  const { core, key, groups, policy } = request;
  const { store, flights, config } = core;
  const lookup = await store.lookup(key, groups);
  const stored = lookup.found && (await readStoredValue(lookup.found, config.maxEntryBytes));
  const now = store.now();
  // Somebody else was faster.
  if (stored !== undefined && now < stored.freshUntil && !isDue(stored, policy.refreshAhead, now)) return 'skipped';
  const turn = takeTurn(
    { store, flights, key, groups, leaseMs: config.leaseMs, waitUntil: 0, onCollapsed: () => {} },
    lookup,
  );
  const taken = isPromise(turn) ? await turn : turn;
  return taken.kind === 'fill' ? renew(request, taken.right) : 'skipped';
}

async function renew(request: ValueRequest, right: FillRight): Promise<RefreshOutcome> {
  const { core, key } = request;
  try {
    const { outcome } = await fillAndKeep(request, right);
    // The source answered, and not with something to keep: what it said before no longer holds.
    if (NOT_TO_KEEP.has(outcome)) await core.store.remove([key]);
    if (outcome === 'stored' || outcome === 'pending') return 'stored';
    return outcome === 'overtaken' ? 'skipped' : 'not-stored';
  } catch {
    // The stale value stays for as long as its window; the next reader tries again.
    return 'failed';
  }
}

const NOT_TO_KEEP: ReadonlySet<KeepOutcome> = new Set(['too-large', 'no-lifetime', 'unstorable'] as const);
