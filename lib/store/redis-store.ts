import { createHash, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { EventBus } from '../common/events.js';
import { partsOf } from '../common/parts.js';
import type { RedisClient, RedisGuard } from '../redis/guard.js';
import type { Keyspace } from '../redis/keyspace.js';
import { scanKeys, unlinkMany } from '../redis/scan.js';
import { runScript } from '../redis/scripts.js';
import type { Subscriber } from '../redis/subscriber.js';
import { DecodedFrames } from './decoded-frames.js';
import { decodeFrame, encodeFrame, type FramedEntry, type GroupStamp } from './entry-frame.js';
import { standingOf } from './entry-standing.js';
import type { Fence, InvalidationOrder, LeaseAnswer, ListedEntry, Lookup, StoreOutcome } from './entry-store.js';
import {
  type GroupVersion,
  isCurrent,
  isVersionRecord,
  NAMESPACE,
  NAMESPACE_BYTES,
  namespaceToken,
  newNamespaceRecord,
  newVersionRecord,
  prefixSequenceOf,
  stampOf,
  VERSION_BYTES,
} from './group-versions.js';
import { PrefixList } from './prefix-list.js';
import { type HeldLease, LeaseKeeper } from './redis-lease.js';
import { type EntryNames, RedisNames } from './redis-names.js';
import { MARK_NAMESPACE, REMOVE_DAMAGED, SOFTEN_GROUP, STORE_ENTRY } from './redis-scripts.js';
import { type EntryKey, type Found, type Maybe, type StoredEntry, whenReady } from './stored-entry.js';

/** The fence of Redis: the versions of the groups as they were read before the handler ran. */
export interface RedisFence extends Fence {
  readonly level: 'redis';
  /** By group; `undefined` stands for a record that was missing when read. The namespace's has the empty name. */
  readonly versions: ReadonlyMap<string, GroupVersion | undefined>;
  /** Bytes that tell the entry read from any other; empty when there was none. */
  readonly seen: Buffer;
}

/** What a {@link RedisStore} is made of. */
export interface RedisStoreOptions {
  readonly guard: RedisGuard;
  readonly keyspace: Keyspace;
  readonly subscriber: Subscriber;
  readonly events: EventBus;
}

const NOTHING = Buffer.alloc(0);
const MAX_PREFIXES = 512;
const WRITE_DEADLINE_MS = 1000;
// More in one turn would hold up everybody else and outlast the deadlines: Redis would seem to be away.
const READS_AT_ONCE = 500;
const WRITES_AT_ONCE = 200;
const DAY_MS = 86_400_000;
// Records outlive what relies on them by this much, so that an entry never ends early for want of its version.
const VERSION_MARGIN_MS = 3_600_000;

/**
 * Entries in Redis, shared by every instance. Each read fetches the entry and the versions it relies on in one round
 * trip; invalidating replaces versions and touches no entry. Every method answers `undefined` when Redis cannot be asked.
 */
export class RedisStore {
  readonly #guard: RedisGuard;
  readonly #names: RedisNames;
  readonly #events: EventBus;
  readonly #leases: LeaseKeeper;
  readonly #prefixes: PrefixList;
  /** Groups an entry turned out to have beyond those known from its request, so that the next read asks for them at once. */
  readonly #learned = new LRUCache<string, readonly string[]>({ max: 10_000 });
  /** Until when the record of a group is known to live. */
  readonly #extendedTo = new LRUCache<string, number>({ max: 10_000 });
  readonly #decoded = new DecodedFrames();

  constructor(options: RedisStoreOptions) {
    this.#guard = options.guard;
    this.#events = options.events;
    this.#names = new RedisNames(options.keyspace);
    this.#leases = new LeaseKeeper(options.guard, options.subscriber);
    this.#prefixes = new PrefixList(options.guard, options.keyspace.prefixList);
  }

  now(): number {
    return this.#guard.now();
  }

  async lookup(key: EntryKey, known: readonly string[]): Promise<Lookup | undefined> {
    const names = this.#names.entry(key);
    const groups = withLearned(known, this.#learned.get(names.entry));
    const read = await this.#readVersions(groups, names.entry);
    if (read === undefined) return undefined;
    if (read.extra === undefined) return undefined;
    const fence: RedisFence = { level: 'redis', versions: read.versions, seen: read.extra?.subarray(4, 12) ?? NOTHING };
    const framed = read.extra === null ? undefined : this.#decode(read.extra, names);
    if (framed === undefined) return { found: undefined, fence };
    return this.#judge(key, names, framed, groups, fence);
  }

  async lookupMany(keys: readonly EntryKey[]): Promise<readonly (Found | undefined)[] | undefined> {
    const found: (Found | undefined)[] = [];
    for (const part of partsOf(keys, READS_AT_ONCE)) {
      const lookups = await Promise.all(part.map((key) => this.lookup(key, [`k:${key.label}`])));
      if (lookups.some((lookup) => lookup === undefined)) return undefined;
      found.push(...lookups.map((lookup) => lookup?.found));
    }
    return found;
  }

  /** Asks for the lease and, in the same round trip, makes the versions that are missing. */
  async acquire(
    key: EntryKey,
    fence: RedisFence,
    groups: readonly string[],
    leaseMs: number,
  ): Promise<LeaseAnswer | undefined> {
    const names = this.#names.entry(key);
    const wanted = withLearned(groups, this.#learned.get(names.entry));
    const [answer, complete] = await Promise.all([
      this.#leases.ask(names, fence.seen, leaseMs),
      this.#completeFence(fence, wanted),
    ]);
    if (answer === undefined || complete === undefined) {
      if (answer?.kind === 'held') answer.lease.release();
      return undefined;
    }
    return answer.kind === 'busy' || answer.kind === 'changed' ? answer : { ...answer, fence: complete };
  }

  async store(
    key: EntryKey,
    entry: StoredEntry,
    fence: RedisFence,
    lease: HeldLease | undefined,
    more = false,
  ): Promise<StoreOutcome | undefined> {
    const names = this.#names.entry(key);
    const stamps = await this.#stamps(entry.groups, fence);
    if (stamps === undefined) return 'overtaken';
    const namespace = fence.versions.get(NAMESPACE) as GroupVersion;
    const framed: FramedEntry = { entry, label: key.label, stamps, prefixSequence: prefixSequenceOf(namespace) };
    const retainMs = Math.floor(entry.retainUntil - this.now());
    if (retainMs <= 0) return 'refused';
    this.#rememberGroups(names.entry, entry.groups);
    const frame = encodeFrame(framed, names.digest);
    const [reply] = await Promise.all([
      this.#guard.run(
        'set',
        (client) =>
          runScript(
            client,
            STORE_ENTRY,
            [names.entry, lease?.key ?? names.lease],
            [lease?.token ?? '', frame, retainMs, lease?.channel ?? names.channel, more ? '1' : '0'],
          ),
        WRITE_DEADLINE_MS,
        names.entry,
      ),
      this.#extendVersions(['', ...entry.groups], retainMs),
    ]);
    if (!reply.ok) return this.#failed('set', reply);
    if (reply.value !== 1) return 'overtaken';
    if (!more) lease?.settled();
    return 'stored';
  }

  async remove(keys: readonly EntryKey[]): Promise<number | undefined> {
    const removed = await Promise.all(
      keys.map(async (key) => {
        const names = this.#names.entry(key);
        const reply = await this.#guard.run('delete', (client) => unlinkPair(client, names), undefined, names.entry);
        return reply.ok ? reply.value : this.#failed('delete', reply);
      }),
    );
    return removed.includes(undefined) ? undefined : removed.filter((count) => (count as number) > 0).length;
  }

  /** Tells Redis of an invalidation. `undefined` when it is not certain that Redis obeys it from now on. */
  async invalidate(order: InvalidationOrder, direct?: RedisClient): Promise<true | undefined> {
    // The namespace's token changes before any version does: a fill that takes a version late tells by it (#lateVersions).
    if (!(await this.#markNamespace(order, direct))) return undefined;
    for (const part of partsOf(order.groups, WRITES_AT_ONCE)) {
      const sent = await Promise.all(part.map((group) => this.#renewGroup(group, order.soft, direct)));
      if (!sent.every(Boolean)) return undefined;
    }
    return true;
  }

  /** Frees what a cleared namespace left behind. Nothing relies on it: the versions decided already. */
  async sweep(): Promise<void> {
    const { keyspace } = this.#names;
    const swept = await this.#guard.run(
      'sweep',
      async (client) => {
        for await (const batch of scanKeys(client, keyspace.entryPrefix, 500)) await unlinkMany(client, batch);
      },
      60_000,
    );
    if (!swept.ok) this.#failed('sweep', swept);
  }

  async list(prefix: string, limit: number): Promise<readonly ListedEntry[] | undefined> {
    const listed: ListedEntry[] = [];
    const reply = await this.#guard.run(
      'list',
      async (client) => {
        for await (const batch of scanKeys(client, this.#names.keyspace.entryPrefix, 200)) {
          for (const one of await this.#describe(batch, prefix)) {
            listed.push(one);
            if (listed.length >= limit) return;
          }
        }
      },
      5000,
    );
    if (!reply.ok) this.#failed('list', reply);
    return reply.ok || listed.length > 0 ? listed : undefined;
  }

  close(): void {
    this.#leases.close();
    this.#decoded.clear();
  }

  async #describe(keys: readonly string[], prefix: string): Promise<readonly ListedEntry[]> {
    const frames = (await this.#guard.readMany(keys)) ?? [];
    const now = this.now();
    const listed: ListedEntry[] = [];
    for (const frame of frames) {
      if (!frame || frame.length < 28) continue;
      // The listing has no text of its own to check the digest against, so a frame vouches for itself here.
      const decoded = decodeFrame(frame, frame.subarray(12, 28));
      if (!decoded.ok || decoded.framed.entry.kind === 'variants' || !decoded.framed.label.startsWith(prefix)) continue;
      const { entry, label } = decoded.framed;
      const current = await this.#stampsHold(decoded.framed);
      if (!current) continue;
      listed.push({
        label,
        kind: entry.kind,
        groups: entry.groups,
        ageMs: now - entry.storedAt,
        ttlMs: entry.retainUntil - now,
        bytes: frame.length,
      });
    }
    return listed;
  }

  async #stampsHold(framed: FramedEntry): Promise<boolean> {
    const read = await this.#readVersions(framed.entry.groups);
    if (read === undefined) return false;
    return framed.stamps.every((stamp, index) => {
      const version = read.versions.get(index === 0 ? NAMESPACE : stamp.group);
      return version !== undefined && isCurrent(stamp, version);
    });
  }

  #judge(
    key: EntryKey,
    names: EntryNames,
    framed: FramedEntry,
    asked: readonly string[],
    fence: RedisFence,
  ): Maybe<Lookup | undefined> {
    const missing = framed.entry.groups.filter((group) => !asked.includes(group));
    return missing.length === 0
      ? this.#judgeBy(key, framed, fence)
      : this.#judgeByMore(key, names, framed, missing, fence);
  }

  async #judgeByMore(
    key: EntryKey,
    names: EntryNames,
    framed: FramedEntry,
    missing: readonly string[],
    fence: RedisFence,
  ): Promise<Lookup | undefined> {
    this.#rememberGroups(names.entry, framed.entry.groups);
    const more = await this.#readVersions(missing);
    if (more === undefined) return undefined;
    return this.#judgeBy(key, framed, { ...fence, versions: new Map([...more.versions, ...fence.versions]) });
  }

  #judgeBy(key: EntryKey, framed: FramedEntry, fence: RedisFence): Maybe<Lookup> {
    return whenReady(standingOf(framed, key.label, fence.versions, this.#prefixes), (softAt) => {
      if (softAt === false || framed.entry.retainUntil <= this.now()) return { found: undefined, fence };
      return { found: { entry: framed.entry, level: 'redis' as const, softAt }, fence };
    });
  }

  /** Reads the namespace's and the groups' versions, and the value of one more key in the same round trip. */
  async #readVersions(groups: readonly string[], extraKey?: string) {
    const keys = [this.#names.keyspace.namespaceRecord, ...groups.map((group) => this.#names.group(group))];
    const values = await this.#guard.readMany(extraKey === undefined ? keys : [...keys, extraKey]);
    if (values === undefined) return undefined;
    const versions = new Map<string, GroupVersion | undefined>();
    for (let index = 0; index < keys.length; index++) {
      const record = values[index];
      if (record === undefined) return undefined;
      const reign = this.#guard.reign(keys[index] as string);
      const whole = isVersionRecord(record, index === 0 ? NAMESPACE_BYTES : VERSION_BYTES);
      versions.set(
        index === 0 ? NAMESPACE : (groups[index - 1] as string),
        whole && reign ? { record, reign } : undefined,
      );
    }
    return { versions, extra: extraKey === undefined ? undefined : values[keys.length] };
  }

  /** Makes the records that were missing when the fence was taken. One made meanwhile by somebody else is taken as it is. */
  async #completeFence(fence: RedisFence, groups: readonly string[]): Promise<RedisFence | undefined> {
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
      return this.#failed('version', reply);
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
  async #stamps(groups: readonly string[], fence: RedisFence): Promise<readonly GroupStamp[] | undefined> {
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
    const complete = await this.#completeFence(
      { level: 'redis', versions: new Map([[NAMESPACE, namespace]]), seen: NOTHING },
      groups,
    );
    const after = complete && (await this.#readVersions([]));
    const now = after?.versions.get(NAMESPACE);
    if (now === undefined || !namespaceToken(now).equals(namespaceToken(namespace))) return undefined;
    return complete?.versions;
  }

  async #extendVersions(groups: readonly string[], retainMs: number): Promise<void> {
    const until = this.now() + retainMs + VERSION_MARGIN_MS;
    const short = groups.filter((group) => (this.#extendedTo.get(group) ?? this.now() + DAY_MS / 2) < until);
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
        if (reply.ok) this.#extendedTo.set(group, this.now() + lifeMs);
      }),
    );
  }

  async #markNamespace(order: InvalidationOrder, direct: RedisClient | undefined): Promise<boolean> {
    const { namespaceRecord, prefixList } = this.#names.keyspace;
    const mode = order.everything ? (order.soft ? 'soft' : 'hard') : '';
    const kind = order.soft ? `s ${this.now()}` : 'h';
    const softPart = newSoftPart(this.now());
    const args = [
      mode,
      newNamespaceRecord(),
      softPart,
      randomBytes(8),
      MAX_PREFIXES,
      ...order.prefixes.flatMap((prefix) => [prefix, kind]),
    ];
    return this.#send('invalidate', namespaceRecord, direct, (client) =>
      runScript(client, MARK_NAMESPACE, [namespaceRecord, prefixList], args),
    );
  }

  // A record that is missing is not made: nothing valid relies on it, and writes must not fill Redis with versions.
  async #renewGroup(group: string, soft: boolean, direct: RedisClient | undefined): Promise<boolean> {
    const key = this.#names.group(group);
    if (soft)
      return this.#send('invalidate', key, direct, (client) =>
        runScript(client, SOFTEN_GROUP, [key], [newSoftPart(this.now())]),
      );
    return this.#send('invalidate', key, direct, (client) => client.set(key, newVersionRecord(), 'KEEPTTL', 'XX'));
  }

  async #send(
    op: string,
    key: string,
    direct: RedisClient | undefined,
    call: (client: RedisClient) => Promise<unknown>,
  ): Promise<boolean> {
    if (direct !== undefined) return call(direct).then(() => true);
    const reply = await this.#guard.run(op, call, undefined, key);
    if (!reply.ok) this.#failed(op, reply);
    return reply.ok;
  }

  #versionKey(group: string): string {
    return group === NAMESPACE ? this.#names.keyspace.namespaceRecord : this.#names.group(group);
  }

  #rememberGroups(entryKey: string, groups: readonly string[]): void {
    if (groups.length > 0) this.#learned.set(entryKey, groups);
  }

  // Requests of one tick share one read, so they share the decoding too.
  #decode(frame: Buffer, names: EntryNames): FramedEntry | undefined {
    const before = this.#decoded.get(names.entry, frame);
    if (before !== undefined) return before;
    const decoded = this.#decoded.remember(names.entry, frame, (own) => decodeFrame(own, names.digest));
    if (decoded.ok) return decoded.framed;
    this.#events.emit({ type: 'corrupt-entry', reason: decoded.fault });
    if (decoded.fault !== 'foreign-version') void this.#removeDamaged(names.entry, frame);
    return undefined;
  }

  async #removeDamaged(key: string, frame: Buffer): Promise<void> {
    const digest = createHash('sha1').update(frame).digest('hex');
    await this.#guard.run(
      'repair',
      (client) => runScript(client, REMOVE_DAMAGED, [key], [digest]),
      WRITE_DEADLINE_MS,
      key,
    );
  }

  #failed(op: string, reply: { readonly ok: false; readonly reason: string; readonly error?: string }): undefined {
    if (reply.reason !== 'down') this.#events.emit({ type: 'store-error', op, error: reply.error ?? reply.reason });
    return undefined;
  }
}

function newSoftPart(now: number): Buffer {
  const part = Buffer.alloc(16);
  randomBytes(8).copy(part);
  part.writeDoubleBE(now, 8);
  return part;
}

function withLearned(known: readonly string[], learned: readonly string[] | undefined): readonly string[] {
  if (learned === undefined) return known;
  const extra = learned.filter((group) => !known.includes(group));
  return extra.length === 0 ? known : [...known, ...extra];
}

function unlinkPair(client: RedisClient, names: EntryNames): Promise<number> {
  return client.unlink(names.entry, names.lease);
}
