import type { Cluster, Redis } from 'ioredis';
import { connectionFailureWord, failureOf } from './failure.js';
import { keySlot } from './key-slot.js';
import { type Links, PROBE_KEY, type ReadPart, type SharedSurroundings, UPKEEP_MS } from './links.js';
import { ServerLink } from './server-link.js';

const REFRESH_MS = 500;
const SLOTS = 16_384;
const REDIRECTIONS = /^(?:MOVED|ASK|TRYAGAIN|CLUSTERDOWN) /;

/** One link per master, found by the slot of a key. A master that hangs takes its own keys out of use, and no others. */
export class ClusterLinks implements Links {
  readonly #cluster: Cluster;
  readonly #around: SharedSurroundings;
  readonly #deadlineMs: number;
  readonly #byAddress = new Map<string, ServerLink>();
  /** Addresses whose link broke; what answers there next may not know yet that it was replaced. */
  readonly #lost = new Set<string>();
  readonly #listeners: readonly (readonly [string, (node: Redis) => void])[];
  #trouble = 'closed';
  #refreshTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(cluster: Cluster, around: SharedSurroundings, deadlineMs: number) {
    this.#cluster = cluster;
    this.#around = around;
    this.#deadlineMs = deadlineMs;
    this.#listeners = [
      ['+node', (node: Redis) => this.#add(node)],
      ['-node', (node: Redis) => this.#drop(node)],
      ['refresh', () => this.#follow()],
      ['ready', () => this.#follow()],
      ['close', () => this.#lose()],
      ['end', () => this.#lose()],
      ['error', (error: unknown) => this.#noteTrouble(error)],
    ];
    for (const [event, listener] of this.#listeners) cluster.on(event, listener);
    if (cluster.status === 'wait') cluster.connect().catch(() => {}); // told by its events
    this.#follow();
  }

  linkOf(key: string): ServerLink | undefined {
    const link = this.#byAddress.get(this.#ownerOf(key) ?? '');
    if (!link?.isUp) this.#refreshSoon();
    return link;
  }

  all(): Iterable<ServerLink> {
    return this.#byAddress.values();
  }

  partsOf(keys: readonly string[]): readonly ReadPart[] {
    const parts = new Map<ServerLink, string[]>();
    for (const key of keys) {
      const link = this.linkOf(key);
      if (!link?.isUp) continue;
      const part = parts.get(link);
      if (part) part.push(key);
      else parts.set(link, [key]);
    }
    return Array.from(parts, ([link, part]) => ({ link, keys: part }));
  }

  /**
   * Asks the master itself, in one write: the Cluster object would read from replicas where `scaleReads` says so, and
   * send each key alone. What is being moved to another node goes the Cluster object's way, which follows redirections.
   */
  async read(link: ServerLink, keys: readonly string[]): Promise<readonly (Buffer | null | undefined)[]> {
    const pipeline = link.redis.pipeline();
    const prefix = this.#prefixMissingOn(link.redis);
    for (const key of keys) pipeline.getBuffer(prefix + key);
    const replies = (await pipeline.exec()) ?? [];
    const failures = replies.map(([error]) => error).filter((error) => error && failureOf(error).kind !== 'refusal');
    const [failure] = failures;
    if (failure && failures.length === keys.length && !REDIRECTIONS.test(failure.message)) throw failure;
    return Promise.all(keys.map((key, index) => this.#valueOf(key, replies[index])));
  }

  suspectAll(): void {
    for (const link of this.#byAddress.values()) link.check();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#refreshTimer);
    for (const [event, listener] of this.#listeners) this.#cluster.removeListener(event, listener);
    for (const link of this.#byAddress.values()) link.close();
    this.#byAddress.clear();
  }

  async #valueOf(key: string, reply: readonly [Error | null, unknown] | undefined): Promise<Buffer | null | undefined> {
    if (!reply) return undefined;
    const [error, value] = reply;
    if (!error) return value instanceof Buffer ? value : null;
    if (error.message.startsWith('WRONGTYPE')) return null; // as MGET says it
    if (!REDIRECTIONS.test(error.message) || this.#cluster.options.scaleReads !== 'master') return undefined;
    return this.#cluster.getBuffer(key).catch(() => undefined); // unread, which the caller sees
  }

  #ownerOf(key: string): string | undefined {
    return this.#cluster.slots[keySlot((this.#cluster.options.keyPrefix ?? '') + key)]?.[0];
  }

  // Commands of the Cluster object carry its prefix; its nodes know one only if it was among redisOptions.
  #prefixMissingOn(node: Redis): string {
    return node.options.keyPrefix ? '' : (this.#cluster.options.keyPrefix ?? '');
  }

  #add(node: Redis): void {
    // Before it is ready the Cluster object knows its startup nodes only, whatever their role.
    if (node.options.readOnly || this.#isClosed || this.#cluster.status !== 'ready') return;
    const address = addressOf(node);
    const known = this.#byAddress.get(address);
    if (known?.redis === node) return;
    known?.close();
    const link = new ServerLink(node, {
      ...this.#around,
      deadlineMs: this.#deadlineMs,
      replicaAllowed: false,
      upkeepMs: UPKEEP_MS.replaceable,
      wasLost: this.#lost.delete(address),
      probeKey: () => this.#probeKeyOf(address),
      onChange: (reason, changed) => this.#changed(reason, changed),
    });
    this.#byAddress.set(address, link);
  }

  #drop(node: Redis): void {
    const address = addressOf(node);
    const link = this.#byAddress.get(address);
    if (link?.redis !== node) return;
    if (!link.isUp) this.#lost.add(address);
    link.close();
    this.#byAddress.delete(address);
    this.#changed('closed', link);
  }

  /** Follows the slot table: masters are watched, former ones dropped, and each is asked who it is by now. */
  #follow(): void {
    const masters = new Set(this.#cluster.nodes('master'));
    for (const link of [...this.#byAddress.values()]) {
      if (masters.has(link.redis)) link.check();
      else this.#drop(link.redis);
    }
    for (const node of masters) this.#add(node);
    if (!this.#isWhole()) this.#refreshSoon();
  }

  #changed(reason: string, link: ServerLink): void {
    if (!link.isUp) this.#refreshSoon();
    this.#around.onChange(reason, link);
  }

  #lose(): void {
    for (const link of [...this.#byAddress.values()]) this.#drop(link.redis);
    this.#around.onChange(this.#trouble);
  }

  // That all nodes failed says nothing: why the last one did is what helps.
  #noteTrouble(error: unknown): void {
    const last = error instanceof Error && 'lastNodeError' in error ? error.lastNodeError : error;
    this.#trouble = connectionFailureWord(last);
  }

  // While the owner of some slot is away, nobody sends it commands whose redirection would tell of its successor.
  #refreshSoon(): void {
    if (this.#refreshTimer || this.#isClosed) return;
    this.#refreshTimer = setTimeout(() => {
      this.#refreshTimer = undefined;
      if (this.#cluster.status === 'ready') this.#cluster.refreshSlotsCache();
    }, REFRESH_MS);
    this.#refreshTimer.unref();
  }

  #isWhole(): boolean {
    const owners = new Set<string | undefined>();
    for (let slot = 0; slot < SLOTS; slot++) owners.add(this.#cluster.slots[slot]?.[0]);
    for (const owner of owners) if (owner && !this.#byAddress.get(owner)?.isUp) return false;
    return true;
  }

  #probeKeyOf(address: string): string {
    for (let tag = 0; tag < SLOTS; tag++) {
      const key = `${PROBE_KEY}:${tag}`;
      if (this.#ownerOf(key) === address) return this.#prefixMissingOnAddress(address) + key;
    }
    return PROBE_KEY; // it owns nothing yet: its redirection is an answer, too
  }

  #prefixMissingOnAddress(address: string): string {
    const link = this.#byAddress.get(address);
    return link ? this.#prefixMissingOn(link.redis) : '';
  }
}

const addressOf = (node: Redis): string => `${node.options.host ?? '127.0.0.1'}:${node.options.port ?? 6379}`;
