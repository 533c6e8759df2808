import { createHash } from 'node:crypto';
import { WarmpathError } from '../common/errors.js';

/** Every Redis key of one namespace and version. Keys are digests: no text of a user is in them, and none is longer than another. */
export interface Keyspace {
  /** The stored response or value. Shares its slot with `lease`. */
  entry(key: string, variant?: string): string;
  /** Who fills the entry now. */
  lease(key: string, variant?: string): string;
  /** Where the end of a fill is announced. */
  fillChannel(key: string, variant?: string): string;
  /** The version record of a group. */
  version(group: string): string;
  /** The version record of the whole namespace. Shares its slot with `prefixList`. */
  readonly namespaceRecord: string;
  readonly prefixList: string;
  /** Where invalidations are announced to other instances. */
  readonly invalidationChannel: string;
  /** What every entry's key begins with, and no other key of any namespace. */
  readonly entryPrefix: string;
}

/**
 * Spells the keys of a namespace. Two different pairs of namespace and version never share a key: a version holds no
 * colon, so a key can be read back from its end. Throws `ERR_OPTION` for names that would not be literal in a pattern.
 */
export function keyspace(namespace: string, version: string): Keyspace {
  checkName('namespace', namespace, /^[\w.:/@+~-]{1,64}$/, 'letters, digits and . _ : / @ + ~ -, up to 64');
  checkName('version', version, /^[\w.@+~-]{1,64}$/, 'letters, digits and . _ @ + ~ -, up to 64');
  const root = `${namespace}:${version}`;
  const whole = digest(root);
  return Object.freeze({
    // The braces make Redis Cluster hash the key's digest alone, so an entry, its variants and their leases share a slot.
    entry: (key: string, variant = '') => `${root}:e:${variantName(key, variant)}`,
    lease: (key: string, variant = '') => `${root}:l:${variantName(key, variant)}`,
    fillChannel: (key: string, variant = '') => `${root}:f:${variantName(key, variant)}`,
    version: (group: string) => `${root}:v:${digest(group)}`,
    namespaceRecord: `${root}:n:{${whole}}`,
    prefixList: `${root}:p:{${whole}}`,
    invalidationChannel: `${root}:i:${whole}`,
    entryPrefix: `${root}:e:{`,
  });
}

/** SHA-256 cut to 128 bits, as 22 characters of base64url. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest().toString('base64url', 0, 16);
}

// Two digests of fixed length: no choice of key and variant can spell another pair.
const variantName = (key: string, variant: string): string =>
  variant === '' ? `{${digest(key)}}` : `{${digest(key)}}${digest(variant)}`;

function checkName(option: string, name: unknown, pattern: RegExp, accepted: string): void {
  if (typeof name === 'string' && pattern.test(name)) return;
  throw new WarmpathError('ERR_OPTION', `${option}: expected ${accepted} characters`);
}
