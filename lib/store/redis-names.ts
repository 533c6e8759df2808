import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Keyspace } from '../redis/keyspace.js';
import type { EntryKey } from './stored-entry.js';

/** The Redis keys of one entry, all in one slot. */
export interface EntryNames {
  readonly entry: string;
  readonly lease: string;
  readonly channel: string;
  /** 16 bytes that tie a frame to its key. */
  readonly digest: Buffer;
}

const MEMO = 4096;

/** Spells entries and groups as Redis keys. Digests are remembered for the busiest names, since hashing is most of the cost. */
export class RedisNames {
  readonly #keyspace: Keyspace;
  readonly #entries = new LRUCache<string, EntryNames>({ max: MEMO });
  readonly #groups = new LRUCache<string, string>({ max: MEMO });

  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
  }

  get keyspace(): Keyspace {
    return this.#keyspace;
  }

  entry(key: EntryKey): EntryNames {
    const memo = key.variant === '' ? key.text : `${key.text.length}:${key.text}${key.variant}`;
    let names = this.#entries.get(memo);
    if (names === undefined) {
      names = this.#spell(key, memo);
      this.#entries.set(memo, names);
    }
    return names;
  }

  group(group: string): string {
    let name = this.#groups.get(group);
    if (name === undefined) {
      name = this.#keyspace.version(group);
      this.#groups.set(group, name);
    }
    return name;
  }

  #spell(key: EntryKey, whole: string): EntryNames {
    const variant = key.variant === '' ? undefined : key.variant;
    return {
      entry: this.#keyspace.entry(key.text, variant),
      lease: this.#keyspace.lease(key.text, variant),
      channel: this.#keyspace.fillChannel(key.text, variant),
      digest: createHash('sha256').update(whole).digest().subarray(0, 16),
    };
  }
}
