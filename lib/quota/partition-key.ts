import { createHash } from 'node:crypto';
import { isIP, isIPv6 } from 'node:net';
import { RecentMap } from '../common/recent-map.js';
import { expressRateLimit } from './express-rate-limit.js';

/** Who a request is counted for, as hashes of constant size: neither addresses nor keys are kept or shown. */
export interface Partition {
  /** 22 characters naming the client in stores, sketches and admin pages. */
  readonly digest: string;
  /** The `pk` parameter of `RateLimit-Policy` (draft-8 §3.1.4), as express-rate-limit writes it. */
  readonly label: string;
}

/** Bits of an IPv6 address that name one customer; `false` takes the whole address. */
export type Ipv6Subnet = number | false;

// RFC 6052 §2.1: the well-known prefix. Every IPv4 client behind a NAT64 shares its first 96 bits.
const NAT64_HEAD = /^(?:0*64:0*ff9b)(?::|$)/i;

/**
 * The text an address is counted under: IPv4 as it is, IPv4-mapped IPv6 folded to it, other IPv6 by its subnet.
 * With `nat64`, `64:ff9b::/96` is taken for the IPv4 address inside it (RFC 6052) instead of one bucket for all.
 */
export function addressKey(address: string, subnet: Ipv6Subnet, nat64: boolean): string {
  if (!isIPv6(address)) return address;
  if (nat64 && NAT64_HEAD.test(address)) {
    const embedded = lastIpv4(address);
    if (embedded) return embedded;
  }
  return expressRateLimit().ipKeyGenerator(address, subnet);
}

// Some proxies append the client's port, which would give every connection a quota of its own; a zone is no one's address.
function bareAddress(text: string): string | undefined {
  const match = /^\[(.+)\](?::\d+)?$/.exec(text) ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text);
  const bare = (match?.[1] ?? text).split('%')[0] ?? '';
  return isIP(bare) === 0 ? undefined : bare;
}

// Only the /96 itself: anything between prefix and the last 32 bits must be zero.
function lastIpv4(address: string): string | undefined {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const hex = dotted ? `${dotted[1]}${group(dotted[2], dotted[3])}:${group(dotted[4], dotted[5])}` : address;
  const [head = '', tail] = hex.split('::');
  const left = head.split(':').filter(Boolean);
  const right = (tail ?? '').split(':').filter(Boolean);
  const groups =
    tail === undefined ? left : [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  const numbers = groups.map((text) => Number.parseInt(text, 16));
  if (numbers.length !== 8 || numbers.slice(2, 6).some((part) => part !== 0)) return undefined;
  const [high = 0, low = 0] = numbers.slice(6);
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

const group = (high: string | undefined, low: string | undefined): string =>
  (Number(high) * 256 + Number(low)).toString(16);

/** Turns addresses and keys into partitions, remembering recent ones so that a busy client is hashed once. */
export class Partitions {
  readonly #subnet: Ipv6Subnet;
  readonly #nat64: boolean;
  readonly #byAddress: RecentMap<Partition>;
  readonly #byKey: RecentMap<Partition>;
  readonly #nobody = partitionOf('address', '');

  constructor(options: { readonly ipv6Subnet: Ipv6Subnet; readonly nat64: boolean; readonly remember: number }) {
    this.#subnet = options.ipv6Subnet;
    this.#nat64 = options.nat64;
    this.#byAddress = new RecentMap(options.remember);
    this.#byKey = new RecentMap(options.remember);
  }

  /** `undefined` when the text is no address. */
  ofAddress(address: string): Partition | undefined {
    const known = this.#byAddress.get(address);
    if (known) return known;
    const bare = bareAddress(address);
    if (bare === undefined) return undefined;
    const partition = partitionOf('address', addressKey(bare, this.#subnet, this.#nat64));
    this.#byAddress.set(address, partition);
    return partition;
  }

  /** The one partition of all requests whose address is unknown. */
  ofNobody(): Partition {
    return this.#nobody;
  }

  ofKey(key: string): Partition {
    // Long keys (an 8 kB header, say) are hashed every time rather than kept.
    if (key.length > 256) return partitionOf('key', key);
    const known = this.#byKey.get(key);
    if (known) return known;
    const partition = partitionOf('key', key);
    this.#byKey.set(key, partition);
    return partition;
  }
}

// The kind is part of what is hashed: a user who calls himself 192.0.2.1 is not that address.
function partitionOf(kind: 'address' | 'key', text: string): Partition {
  const digest = createHash('sha256').update(`${kind}\n`).update(text, 'utf16le').digest('base64url').slice(0, 22);
  return Object.freeze({ digest, label: partitionLabel(digest) });
}

function partitionLabel(key: string): string {
  const head = createHash('sha256').update(key).digest('hex').slice(0, 12);
  return Buffer.from(head).toString('base64');
}
