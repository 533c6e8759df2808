import { safeErrorText, WarmpathError } from '../common/errors.js';
import type { EntryKey, StoredEntry } from '../store/stored-entry.js';
import { type CacheCore, inBackground } from './cache-core.js';
import { type CacheCounters, tally } from './cache-stats.js';
import type { KeyTask, KeyWork } from './key-work.js';
import { bothRedactors } from './redact.js';
import { smaller, type ValueMeta, valueBytes, valueEntry } from './stored-value.js';
import type { FillRight } from './turn.js';
import type { ValuePolicy } from './value-options.js';
import type { WorkLimit } from './work-limit.js';

/** A value that is asked for, and how to make it. */
export interface ValueRequest {
  readonly core: CacheCore;
  readonly work: KeyWork;
  readonly key: EntryKey;
  /** Groups known before the value is made. */
  readonly groups: readonly string[];
  readonly policy: ValuePolicy;
  readonly counters: CacheCounters;
  readonly fill: () => unknown;
  /** How many of the requests that this one belongs to may be at the store at a time. */
  readonly limit?: WorkLimit | undefined;
}

/** What became of a value that was made: `stored`, or why not; `pending`: not known yet, and not waited for. */
export type KeepOutcome = 'stored' | 'overtaken' | 'refused' | 'too-large' | 'no-lifetime' | 'unstorable' | 'pending';

/** A value that was made. */
export interface Filled {
  readonly value: unknown;
  readonly outcome: KeepOutcome;
}

/** How long nobody queues for a key whose value turned out not to be for keeping. */
const UNCACHEABLE_MS = 10_000;

/** Makes the value for this caller alone. */
export async function fillOnly({ core, policy, fill }: ValueRequest): Promise<unknown> {
  return redacted(core, policy, await fill());
}

/**
 * Makes the value and keeps it, if nothing came in between. Gives the right back in any case, also when the fill goes on
 * for longer than the lease. Rejects with the error of the fill.
 */
export async function fillAndKeep(request: ValueRequest, right: FillRight): Promise<Filled> {
  const { core, work, key, policy, counters } = request;
  const task = work.begin(key.text);
  const giveUp = (): void => {
    task.overtake();
    right.end('failed');
  };
  const limit = setTimeout(giveUp, core.config.leaseMs).unref();
  const finish = (): void => {
    clearTimeout(limit);
    task.end();
    right.end('failed');
  };
  try {
    const startedAt = core.store.now();
    const made = redacted(core, policy, await request.fill());
    const durationMs = core.store.now() - startedAt;
    counters.fills += 1;
    counters.fill.addMs(durationMs);
    const prepared = await entryOf(request, made);
    const keeping = keep(request, prepared.entry, task, right).finally(finish);
    inBackground(core, keeping);
    void keeping.then((kept) => tell(request, kept, durationMs));
    const outcome = await atMost(PATIENCE_MS, keeping);
    return { value: prepared.value, outcome };
  } catch (error) {
    tally(counters.notStored, 'error');
    finish();
    throw error;
  }
}

/** How long a caller who has its value waits for it to be stored; a hung Redis is not its affair. */
const PATIENCE_MS = 100;

async function keep(
  { core, key, counters, limit }: ValueRequest,
  entry: Prepared['entry'],
  task: KeyTask,
  right: FillRight,
): Promise<KeepOutcome> {
  if (task.isOvertaken) return 'overtaken';
  if (typeof entry === 'string') {
    right.end('uncacheable', UNCACHEABLE_MS);
    return entry;
  }
  const store = () => core.store.store(key, entry, right.fence, right.lease);
  const outcome = await (limit === undefined ? store() : limit.run(store));
  // Written meanwhile on another level than this ended on: in doubt, nobody's.
  if (outcome === 'stored' && task.isOvertaken) await core.store.remove([key]);
  if (outcome === 'stored') {
    counters.ttl.addMs((entry.meta as ValueMeta).l);
    right.end('stored');
  } else if (outcome !== 'overtaken') right.end('uncacheable', UNCACHEABLE_MS);
  return outcome;
}

function atMost(ms: number, work: Promise<KeepOutcome>): Promise<KeepOutcome> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms, 'pending');
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

interface Prepared {
  /** What the caller gets: the same that later readers will get. */
  readonly value: unknown;
  readonly entry: StoredEntry | 'too-large' | 'no-lifetime' | 'unstorable';
}

async function entryOf({ core, policy, groups }: ValueRequest, made: unknown): Promise<Prepared> {
  const { config, store } = core;
  let value = made;
  try {
    const ttlMs = policy.ttlMs(made);
    if (ttlMs === undefined) return { value, entry: 'no-lifetime' };
    const all = policy.lateGroups === undefined ? groups : [...new Set([...groups, ...policy.lateGroups(made)])];
    const bytes = valueBytes(made);
    value = bytes.readBack === undefined ? made : bytes.readBack.value;
    if (bytes.body.length > config.maxEntryBytes) return { value, entry: 'too-large' };
    const coded = core.guard === undefined ? undefined : await smaller(bytes, config.compressOver);
    const { staleWhileRevalidateMs, staleIfErrorMs } = policy;
    const lifetimes = { ttlMs: shortened(core, ttlMs), staleWhileRevalidateMs, staleIfErrorMs };
    return { value, entry: valueEntry(bytes, coded, lifetimes, all, store.now()) };
  } catch (error) {
    // The value was made and is good: whoever asked gets it, and who runs the app hears why it is not kept.
    warnOnce(core, policy.name, error);
    return { value, entry: 'unstorable' };
  }
}

/** A lifetime made shorter at random, against synchronised expiry. */
export function shortened({ config }: CacheCore, ms: number): number {
  return ms * (1 - config.jitter * Math.random());
}

function redacted(core: CacheCore, policy: ValuePolicy, value: unknown): unknown {
  const redact = bothRedactors(core.config.redact, policy.redact);
  return redact === undefined ? value : redact(value);
}

function tell({ core, policy, counters }: ValueRequest, outcome: KeepOutcome, durationMs: number): void {
  const cache = policy.name;
  if (outcome !== 'stored') {
    tally(counters.notStored, outcome);
    core.events.emit({ type: 'not-stored', cache, reason: outcome });
  }
  core.events.emit({ type: 'fill', cache, durationMs, stored: outcome === 'stored' });
}

const warned = new WeakMap<CacheCore, Set<string>>();
const MAX_WARNINGS = 200;

/** Says once that a value of this name cannot be kept, and why. */
export function warnOnce(core: CacheCore, name: string, error: unknown): void {
  const text = error instanceof WarmpathError ? `${error.code} ${error.message}` : safeErrorText(error);
  const known = warned.get(core) ?? new Set<string>();
  warned.set(core, known);
  const what = `${name} ${text}`;
  if (known.has(what) || known.size >= MAX_WARNINGS) return;
  known.add(what);
  core.log.warn(`warmpath: '${name}': a value is not stored: ${text}`);
}
