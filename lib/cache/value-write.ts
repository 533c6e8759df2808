import { WarmpathError } from '../common/errors.js';
import type { Fence, Lease } from '../store/entry-store.js';
import type { EntryKey, StoredEntry } from '../store/stored-entry.js';
import type { CacheCore } from './cache-core.js';
import { keyGroup } from './group-names.js';
import { invalidateGroups } from './invalidation.js';
import type { KeyWork } from './key-work.js';
import {
  readStoredValue,
  smaller,
  type ValueBytes,
  type ValueLifetimes,
  valueBytes,
  valueEntry,
} from './stored-value.js';
import { shortened } from './value-fill.js';
import { valueKey } from './value-key.js';

/** How often a write starts again because something changed under it. */
export const MAX_ROUNDS = 20;

/** Puts a value in the place of whatever is there or is being made. `false` when it is not kept; then nothing is. */
export async function replaceValue(
  core: CacheCore,
  work: KeyWork,
  key: string,
  value: unknown,
  ttlMs: number,
  tags: readonly string[],
): Promise<boolean> {
  if (value === undefined)
    throw new WarmpathError('ERR_VALUE', 'set: `undefined` stands for no value; delete the key instead');
  const redact = core.config.redact;
  const bytes = valueBytes(redact === undefined ? value : redact(value));
  if (!core.config.enabled || core.isClosed) return false;
  const groups = [keyGroup(key), ...tags];
  const lifetimes = { ttlMs: shortened(core, ttlMs), staleWhileRevalidateMs: 0, staleIfErrorMs: 0 };
  const coded = core.guard === undefined ? undefined : await smaller(bytes, core.config.compressOver);
  const fits = bytes.body.length <= core.config.maxEntryBytes;
  return work.inOrder(key, async () => {
    work.overtake(valueKey(key).text);
    if (fits && (await place(core, key, groups, { bytes, coded, lifetimes }))) return true;
    await end(core, key);
    return false;
  });
}

interface NewValue {
  readonly bytes: ValueBytes;
  readonly coded: Buffer | undefined;
  readonly lifetimes: ValueLifetimes;
}

async function place(core: CacheCore, key: string, groups: readonly string[], value: NewValue): Promise<boolean> {
  const { store } = core;
  const name = valueKey(key);
  let isOwed = false;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (isAway(core) && !isOwed) {
      // Redis may hold an older value, which must not come back with it.
      isOwed = true;
      await invalidateGroups(core, 'keys', [keyGroup(key)], false);
    }
    const right = await seize(core, name, groups, round);
    if (right === undefined) continue;
    const entry = valueEntry(value.bytes, value.coded, value.lifetimes, groups, store.now());
    const outcome = await store.store(name, entry, right.fence, right.lease);
    right.lease?.release();
    if (outcome === 'stored' && isAway(core) && !isOwed) continue;
    if (outcome !== 'overtaken') return outcome === 'stored';
  }
  return false;
}

/** The right to put a value in the place of what is there. */
export interface WriteRight {
  readonly fence: Fence;
  readonly lease: Lease | undefined;
}

/**
 * The lease of a key, taken from whoever holds it: what a fill began before a write has no value after it. `undefined`:
 * something changed, try again. A store that comes late, of whomever, finds its lease gone and does nothing.
 */
export async function seize(
  core: CacheCore,
  name: EntryKey,
  groups: readonly string[],
  round: number,
): Promise<WriteRight | undefined> {
  const { store, config } = core;
  const { fence } = await store.lookup(name, groups);
  const answer = await store.acquire(name, fence, groups, config.leaseMs);
  if (answer.kind === 'held') return { fence: answer.fence, lease: answer.lease };
  if (answer.kind === 'open' && (round > 0 || answer.fence.level === 'memory'))
    return { fence: answer.fence, lease: undefined };
  if (answer.kind !== 'changed') await store.remove([name]);
  return undefined;
}

/** Gives a fresh value a new lifetime. It is the same value under the same fence, so an invalidation still ends it. */
export async function touchValue(core: CacheCore, work: KeyWork, key: string, ttlMs: number): Promise<boolean> {
  const { store, config } = core;
  const name = valueKey(key);
  if (!config.enabled || core.isClosed) return false;
  return work.inOrder(key, async () => {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const { found, fence } = await store.lookup(name, [keyGroup(key)]);
      const stored = found && (await readStoredValue(found, config.maxEntryBytes));
      if (found === undefined || stored === undefined || store.now() >= stored.freshUntil) return false;
      const answer = await store.acquire(name, fence, found.entry.groups, config.leaseMs);
      if (answer.kind === 'busy') await answer.settled(config.waitLimitMs);
      if (answer.kind !== 'held') continue;
      const outcome = await store.store(name, prolonged(found.entry, ttlMs, store.now()), answer.fence, answer.lease);
      answer.lease.release();
      if (outcome !== 'overtaken') return outcome === 'stored';
    }
    return false;
  });
}

function prolonged(entry: StoredEntry, ttlMs: number, now: number): StoredEntry {
  const meta = entry.meta as { readonly w: number; readonly e: number };
  const retainUntil = now + ttlMs + Math.max(meta.w, meta.e);
  const { kind, groups } = entry;
  return { kind, groups, body: Buffer.from(entry.body), meta: { ...meta, l: ttlMs }, storedAt: now, retainUntil };
}

/** Removes values and ends what is being made for their keys, everywhere. Resolves to how many there were. */
export async function deleteValues(core: CacheCore, work: KeyWork, keys: readonly string[]): Promise<number> {
  for (const key of keys) work.overtake(valueKey(key).text);
  const removed = await core.store.remove(keys.map(valueKey));
  await endEverywhere(core, keys);
  return removed;
}

// In one process alone, what is removed is gone and what is being made was told; marks for each key would only pile up.
async function endEverywhere(core: CacheCore, keys: readonly string[]): Promise<void> {
  if (core.guard !== undefined) return invalidateGroups(core, 'keys', keys.map(keyGroup), false);
  const targets = keys.slice(0, 20).map((key) => key.slice(0, 200));
  core.events.emit({ type: 'invalidation', kind: 'keys', soft: false, targets, acknowledged: 'memory' });
}

/** Makes sure that nothing is left of a value that could not be replaced. */
async function end(core: CacheCore, key: string): Promise<void> {
  const name = valueKey(key);
  await core.store.remove([name]);
  const { found, fence } = await core.store.lookup(name, [keyGroup(key)]);
  const isCertain = found === undefined && (core.guard === undefined || fence.level === 'redis');
  if (!isCertain) await invalidateGroups(core, 'keys', [keyGroup(key)], false);
}

/** Whether there is a Redis that cannot be told anything now. */
export function isAway({ guard }: CacheCore): boolean {
  return guard !== undefined && guard.state !== 'up';
}
