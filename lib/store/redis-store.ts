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
import { decodeFrame, encodeFrame, type FramedEntry } from './entry-frame.js';
import { standingOf } from './entry-standing.js';
import type { InvalidationOrder, LeaseAnswer, ListedEntry, Lookup, Sight, StoreOutcome } from './entry-store.js';
import {
  type GroupVersion,
  isCurrent,
  NAMESPACE,
  newNamespaceRecord,
  newVersionRecord,
  prefixSequenceOf,
} from './group-versions.js';
import { PrefixList } from './prefix-list.js';
import { type HeldLease, LeaseKeeper } from './redis-lease.js';
import { type EntryNames, RedisNames } from './redis-names.js';
import { MARK_NAMESPACE, REMOVE_DAMAGED, SOFTEN_GROUP, STORE_ENTRY } from './redis-scripts.js';
import {
  type FailedReply,
  NOTHING,
  type ReadVersions,
  type RedisFence,
  RedisVersions,
  WRITE_DEADLINE_MS,
} from './redis-versions.js';
import { SeenEntry } from './seen-entry.js';
import { type EntryKey, type Found, isPromise, type Maybe, type StoredEntry, whenReady } from './stored-entry.js';

/** What a {@link RedisStore} is made of. */
export interface RedisStoreOptions {
  readonly guard: RedisGuard;
  readonly keyspace: Keyspace;
  readonly subscriber: Subscriber;
  readonly events: EventBus;
}

const MAX_PREFIXES = 512;
// More in one turn would hold up everybody else and outlast the deadlines: Redis would seem to be away.
const READS_AT_ONCE = 500;
const WRITES_AT_ONCE = 200;

/**
 * Entries in Redis, shared by every instance. Each read fetches the entry and the versions it relies on in one round
 * trip; invalidating replaces versions and touches no entry. Every method answers `undefined` when Redis cannot be asked.
 */
export class RedisStore {
  readonly #guard: RedisGuard;
  readonly #names: RedisNames;
  readonly #versions: RedisVersions;
  readonly #events: EventBus;
  readonly #leases: LeaseKeeper;
  readonly #prefixes: PrefixList;
  /** Groups an entry turned out to have beyond those known from its request, so that the next read asks for them at once. */
  readonly #learned = new LRUCache<string, readonly string[]>({ max: 10_000 });
  readonly #decoded = new DecodedFrames();

  constructor(options: RedisStoreOptions) {
    this.#guard = options.guard;
    this.#events = options.events;
    this.#names = new RedisNames(options.keyspace);
    this.#versions = new RedisVersions(options.guard, this.#names, (op, reply) => this.#failed(op, reply));
    this.#leases = new LeaseKeeper(options.guard, options.subscriber);
    this.#prefixes = new PrefixList(options.guard, options.keyspace.prefixList);
  }

  now(): number {
    return this.#guard.now();
  }

  async lookup(key: EntryKey, known: readonly string[]): Promise<Lookup | undefined> {
    const names = this.#names.entry(key);
    const groups = withLearned(known, this.#learned.get(names.entry));
    const read = await this.#versions.read(groups, names.entry);
    const frame = read?.values[read.keys.length - 1];
    if (read === undefined || frame === undefined) return undefined;
    const fence: RedisFence = { level: 'redis', versions: read.versions, seen: frame?.subarray(4, 12) ?? NOTHING };
    const framed = frame === null ? undefined : this.#decode(frame, names);
    if (framed === undefined) return { found: undefined, fence };
    const lookup = this.#judge(key, names, framed, groups, fence);
    // What took another read would take one again.
    return isPromise(lookup) || lookup === undefined ? lookup : this.#noteSeen(lookup, names.entry, read);
  }

  /** As {@link EntryStore.lookAgain}. */
  lookAgain(sight: Sight, done: (found: Found | undefined) => void): boolean {
    return this.#guard.readThen(sight.keys, (values) => done(values && this.#seenAgain(sight, values)));
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
      this.#versions.complete(fence, wanted),
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
    const stamps = await this.#versions.stamps(entry.groups, fence);
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
      this.#versions.extend(['', ...entry.groups], retainMs),
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
    // The namespace's token changes before any version does: a fill that takes a version late tells by it ({@link RedisVersions.stamps}).
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
    const read = await this.#versions.read(framed.entry.groups);
    if (read === undefined) return false;
    return framed.stamps.every((stamp, index) => {
      const version = read.versions.get(index === 0 ? NAMESPACE : stamp.group);
      return version !== undefined && isCurrent(stamp, version);
    });
  }

  // The same bytes under the same versions stand as they stood, and can be told by comparing.
  #noteSeen(lookup: Lookup, entryKey: string, { keys, values, versions }: ReadVersions): Lookup {
    const { found } = lookup;
    if (found === undefined || found.softAt !== undefined) return lookup;
    this.#decoded.noteSeen(entryKey, values.at(-1) as Buffer, new SeenEntry(keys, versions, found));
    return { ...lookup, sight: { keys } };
  }

  #seenAgain({ keys }: Sight, values: readonly (Buffer | null | undefined)[]): Found | undefined {
    const last = keys.length - 1;
    const frame = values[last];
    const seen = frame ? this.#decoded.seen(keys[last] as string, frame) : undefined;
    if (seen === undefined || seen.found.entry.retainUntil <= this.now()) return undefined;
    return seen.stands(keys, values, this.#guard) ? seen.found : undefined;
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
    const more = await this.#versions.read(missing);
    if (more === undefined) return undefined;
    return this.#judgeBy(key, framed, { ...fence, versions: new Map([...more.versions, ...fence.versions]) });
  }

  #judgeBy(key: EntryKey, framed: FramedEntry, fence: RedisFence): Maybe<Lookup> {
    return whenReady(standingOf(framed, key.label, fence.versions, this.#prefixes), (softAt) => {
      if (softAt === false || framed.entry.retainUntil <= this.now()) return { found: undefined, fence };
      return { found: { entry: framed.entry, level: 'redis' as const, softAt }, fence };
    });
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

  #failed(op: string, reply: FailedReply): undefined {
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
