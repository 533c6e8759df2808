import type { EntryKey } from '../store/stored-entry.js';
import type { CacheCore } from './cache-core.js';
import { keyGroup } from './group-names.js';
import { invalidateGroups } from './invalidation.js';
import type { KeyTask, KeyWork } from './key-work.js';
import { bothRedactors } from './redact.js';
import { smaller, valueBytes, valueEntry } from './stored-value.js';
import { shortened, warnOnce } from './value-fill.js';
import { valueKey } from './value-key.js';
import type { WriteThroughConfig } from './value-options.js';
import { deleteValues, isAway, MAX_ROUNDS, seize, type WriteRight } from './value-write.js';

/**
 * Writes the source, then the cache. What was stored or being made before is unusable once this resolves. The value is
 * kept only if its key was neither written nor invalidated by anybody else meanwhile: then nobody here knows who was last.
 */
export async function writeThroughValue(
  core: CacheCore,
  work: KeyWork,
  key: string,
  write: () => unknown,
  config: WriteThroughConfig,
): Promise<unknown> {
  const name = valueKey(key);
  const task = work.begin(name.text);
  work.overtake(name.text, task);
  const groups = [keyGroup(key), ...config.groups];
  const right = await rightToWrite(core, name, groups);
  try {
    const written = await writeSource(core, work, key, write);
    const isAlone = !task.isOvertaken;
    work.overtake(name.text, task);
    await invalidateGroups(core, 'tags', config.invalidates, false);
    const job: WrittenValue = { core, name, task, right: isAlone ? right : undefined, groups, config };
    const { value, isKept } = await keepWritten(job, written);
    if (!isKept) await deleteValues(core, work, [key]);
    return value;
  } finally {
    right?.lease?.release();
    task.end();
  }
}

/** The lease, and the fence from before the write: what is invalidated after it takes this value along. */
async function rightToWrite(
  core: CacheCore,
  name: EntryKey,
  groups: readonly string[],
): Promise<WriteRight | undefined> {
  if (!core.config.enabled || core.isClosed) return undefined;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const right = await seize(core, name, groups, round);
    // A lease of this process alone tells nothing of the others'.
    if (right !== undefined) return core.guard !== undefined && right.fence.level === 'memory' ? undefined : right;
  }
  return undefined;
}

async function writeSource(core: CacheCore, work: KeyWork, key: string, write: () => unknown): Promise<unknown> {
  try {
    return await write();
  } catch (error) {
    // It may have been carried out all the same (a lost reply), so what is stored is no longer known to be true.
    await deleteValues(core, work, [key]);
    throw error;
  }
}

interface WrittenValue {
  readonly core: CacheCore;
  readonly name: EntryKey;
  readonly task: KeyTask;
  readonly right: WriteRight | undefined;
  readonly groups: readonly string[];
  readonly config: WriteThroughConfig;
}

interface Written {
  /** What the caller gets. */
  readonly value: unknown;
  /** Whether it took the place of what was stored before, for certain. */
  readonly isKept: boolean;
}

/** Keeps what was written, if it may. The source has it, so whatever goes wrong here is no error of the write. */
async function keepWritten({ core, name, task, right, groups, config }: WrittenValue, made: unknown): Promise<Written> {
  const redact = bothRedactors(core.config.redact, config.redact);
  const shown = redact === undefined ? made : redact(made);
  try {
    const bytes = valueBytes(shown);
    const value = bytes.readBack === undefined ? shown : bytes.readBack.value;
    const ttlMs = config.ttlMs(value);
    const fits = bytes.body.length <= core.config.maxEntryBytes;
    if (right === undefined || ttlMs === undefined || !fits) return { value, isKept: false };
    const all = [...new Set([...groups, ...config.lateGroups(value)])];
    const coded = core.guard === undefined ? undefined : await smaller(bytes, core.config.compressOver);
    const lifetimes = { ttlMs: shortened(core, ttlMs), staleWhileRevalidateMs: 0, staleIfErrorMs: 0 };
    const entry = valueEntry(bytes, coded, lifetimes, all, core.store.now());
    if (task.isOvertaken) return { value, isKept: false };
    const outcome = await core.store.store(name, entry, right.fence, right.lease);
    return { value, isKept: outcome === 'stored' && !task.isOvertaken && !isAway(core) };
  } catch (error) {
    warnOnce(core, 'writeThrough', error);
    return { value: shown, isKept: false };
  }
}
