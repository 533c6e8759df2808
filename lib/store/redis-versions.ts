import { LRUCache } from 'lru-cache';
import type { RedisGuard } from '../redis/guard.js';
import type { GroupStamp } from './entry-frame.js';
import type { Fence } from './entry-store.js';
import {
  type GroupVersion,
  isVersionRecord,
  NAMESPACE,
  NAMESPACE_BYTES,
  namespaceToken,
  newNamespaceRecord,
  newVersionRecord,
  stampOf,
  VERSION_BYTES,
} from './group-versions.js';
import type { RedisNames } from './redis-names.js';

/** The fence of Redis: the versions of the groups as they were read before the handler ran. */
export interface RedisFence extends Fence {
  readonly level: 'redis';
  /** By group; `undefined` stands for a record that was missing when read. The namespace's has the empty name. */
  readonly versions: ReadonlyMap<string, GroupVersion | undefined>;
  /** Bytes that tell the entry read from any other; empty when there was none. */
  readonly seen: Buffer;
}

/** Versions as one read found them. */
export interface ReadVersions {
  /** The Redis keys that were read, in that order. */
  readonly keys: readonly string[];
  readonly values: readonly (Buffer | null | undefined)[];
  readonly versions: ReadonlyMap<string, GroupVersion | undefined>;
}

/** A call that Redis did not answer. */
export interface FailedReply {
  readonly ok: false;
  readonly reason: string;
  readonly error?: string;
}

/** Bytes that stand for an entry that was not there. */
export const NOTHING = Buffer.alloc(0);
/** How long a write may take: whoever writes is not waited for. */
export const WRITE_DEADLINE_MS = 1000;
const DAY_MS = 86_400_000;
// Records outlive what relies on them by this much, so that an entry never ends early for want of its version.
const VERSION_MARGIN_MS = 3_600_000;

/** The version records of groups in Redis: reading, making and keeping them. */
export class RedisVersions {
  readonly #guard: RedisGuard;
  readonly #names: RedisNames;
  readonly #onFailure: (op: string, reply: FailedReply) => void;
  /** Until when the record of a group is known to live. */
  readonly #extendedTo = new LRUCache<string, number>({ max: 10_000 });

  constructor(guard: RedisGuard, names: RedisNames, onFailure: (op: string, reply: FailedReply) => void) {
    this.#guard = guard;
    this.#names = names;
    this.#onFailure = onFailure;
  }

  /** Reads the namespace's and the groups' versions, and the value of one more key, the last, in the same round trip. */
  async read(groups: readonly string[], extraKey?: string): Promise<ReadVersions | undefined> {
    const keys = [this.#names.keyspace.namespaceRecord];
    for (const group of groups) keys.push(this.#names.group(group));
    if (extraKey !== undefined) keys.push(extraKey);
    const values = await this.#guard.readMany(keys);
    if (values === undefined) return undefined;
    const versions = new Map<string, GroupVersion | undefined>();
    for (let index = 0; index <= groups.length; index++) {
      const record = values[index];
      if (record === undefined) return undefined;
      const reign = this.#guard.reign(keys[index] as string);
      const whole = isVersionRecord(record, index === 0 ? NAMESPACE_BYTES : VERSION_BYTES);
      const group = index === 0 ? NAMESPACE : (groups[index - 1] as string);
      versions.set(group, whole && reign ? { record, reign } : undefined);
    }
    return { keys, values, versions };
  }

  /** Makes the records that were missing when the fence was taken. One made meanwhile by somebody else is taken as it is. */
  async complete(fence: RedisFence, groups: readonly string[]): Promise<RedisFence | undefined> {
    const missing = [NAMESPACE, ...groups].filter((group) => fence.versions.get(group) === undefined);
    if (missing.length === 0) return fence;
    const made = await Promise.all(missing.map((group) => this.#createVersion(group)));
    const versions = new Map(fence.versions);
    for (const [index, version] of made.entries()) {
      if (version === undefined) return undefined;
      versions.set(missing[index] as string, version);
    }
    return { ...fence, versions };
  }

  async #createVersion(group: string): Promise<GroupVersion | undefined> {
    const key = this.#versionKey(group);
    const fresh = group === NAMESPACE ? newNamespaceRecord() : newVersionRecord();
    const reply = await this.#guard.run(
      'version',
      (client) => client.setBuffer(key, fresh, 'PX', DAY_MS, 'NX', 'GET'),
      undefined,
      key,
    );
    if (!reply.ok) {
      if (reply.reason === 'error' && reply.error === 'WRONGTYPE') await this.#clearForeign(key);
      this.#onFailure('version', reply);
      return undefined;
    }
    const record = reply.value ?? fresh;
    const reign = this.#guard.reign(key);
    if (!isVersionRecord(record, fresh.length)) {
      await this.#clearForeign(key);
      return undefined;
    }
    return reign && { record, reign };
  }

  // Somebody else's value under a key of ours: nothing relies on it, and it would be in the way for ever.
  async #clearForeign(key: string): Promise<void> {
    await this.#guard.run('repair', (client) => client.unlink(key), undefined, key);
  }

  /** The stamps to store under, the namespace's first; `undefined` when the fence no longer tells. */
  async stamps(groups: readonly string[], fence: RedisFence): Promise<readonly GroupStamp[] | undefined> {
    const late = groups.filter((group) => fence.versions.get(group) === undefined);
    const namespace = fence.versions.get(NAMESPACE);
    if (namespace === undefined) return undefined;
    const added = late.length > 0 ? await this.#lateVersions(late, namespace) : undefined;
    if (late.length > 0 && added === undefined) return undefined;
    const stamps = [stampOf(NAMESPACE, namespace)];
    for (const group of groups) {
      const version = fence.versions.get(group) ?? added?.get(group);
      if (version === undefined) return undefined;
      stamps.push(stampOf(group, version));
    }
    return stamps;
  }

  /**
   * Versions of groups that the handler named while it ran. They were not read before it, so they count only if nothing
   * at all was invalidated in the namespace since. The token is read after the versions: an invalidation changes it first.
   */
  async #lateVersions(
    groups: readonly string[],
    namespace: GroupVersion,
  ): Promise<ReadonlyMap<string, GroupVersion | undefined> | undefined> {
    const complete = await this.complete(
      { level: 'redis', versions: new Map([[NAMESPACE, namespace]]), seen: NOTHING },
      groups,
    );
    const after = complete && (await this.read([]));
    const now = after?.versions.get(NAMESPACE);
    if (now === undefined || !namespaceToken(now).equals(namespaceToken(namespace))) return undefined;
    return complete?.versions;
  }

  /** Sees to it that the records of these groups live longer than an entry that is kept so long. */
  async extend(groups: readonly string[], retainMs: number): Promise<void> {
    const until = this.#guard.now() + retainMs + VERSION_MARGIN_MS;
    const short = groups.filter((group) => (this.#extendedTo.get(group) ?? this.#guard.now() + DAY_MS / 2) < until);
    await Promise.all(
      short.map(async (group) => {
        const key = this.#versionKey(group);
        const lifeMs = Math.ceil(2 * retainMs + DAY_MS);
        const reply = await this.#guard.run(
          'extend',
          (client) => client.pexpire(key, lifeMs, 'GT'),
          WRITE_DEADLINE_MS,
          key,
        );
        if (reply.ok) this.#extendedTo.set(group, this.#guard.now() + lifeMs);
      }),
    );
  }

  #versionKey(group: string): string {
    return group === NAMESPACE ? this.#names.keyspace.namespaceRecord : this.#names.group(group);
  }
}
