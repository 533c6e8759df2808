import { describe, expect, it } from 'vitest';
import { addressKey, Partitions } from '../../lib/quota/partition-key.js';

const partitions = new Partitions({ ipv6Subnet: 56, nat64: false, remember: 100 });
const digestOf = (address: string): string | undefined => partitions.ofAddress(address)?.digest;

describe('an address', () => {
  it('counts IPv6 by its /56 (A5.2)', () => {
    const inOne64 = Array.from({ length: 1000 }, (_, index) => digestOf(`2001:db8:1:2::${index.toString(16)}`));
    expect(new Set(inOne64).size).toBe(1);
    const inOne56 = Array.from({ length: 256 }, (_, index) =>
      digestOf(`2001:db8:1:${(0x200 + index).toString(16)}::1`),
    );
    expect(new Set(inOne56).size).toBe(1);
    expect(digestOf('2001:db8:1:300::1')).not.toBe(digestOf('2001:db8:1:2ff::1'));
  });

  it('folds IPv4-mapped IPv6 to IPv4, dotted and hexadecimal (A5.3)', () => {
    expect(digestOf('::ffff:1.2.3.4')).toBe(digestOf('1.2.3.4'));
    expect(digestOf('::ffff:102:304')).toBe(digestOf('1.2.3.4'));
    expect(digestOf('::ffff:5.6.7.8')).not.toBe(digestOf('::ffff:1.2.3.4'));
  });

  it('takes the whole address when the subnet is false', () => {
    expect(addressKey('2001:db8::1', false, false)).toBe('2001:db8::1');
  });

  it('tells clients behind a NAT64 apart only when asked to (RFC 6052)', () => {
    expect(addressKey('64:ff9b::102:304', 56, false)).toBe(addressKey('64:ff9b::506:708', 56, false));
    expect(addressKey('64:ff9b::102:304', 56, true)).toBe('1.2.3.4');
    expect(addressKey('64:ff9b::5.6.7.8', 56, true)).toBe('5.6.7.8');
    expect(addressKey('0064:FF9B:0:0:0:0:0102:0304', 56, true)).toBe('1.2.3.4');
    expect(addressKey('64:ff9b:1::102:304', 56, true)).not.toBe('1.2.3.4');
    expect(addressKey('64:ff9b::1:102:304', 56, true)).not.toBe('1.2.3.4');
  });

  it('loses its port, brackets and zone', () => {
    expect(digestOf('1.2.3.4:5678')).toBe(digestOf('1.2.3.4'));
    expect(digestOf('[2001:db8::1]:443')).toBe(digestOf('2001:db8::1'));
    expect(digestOf('fe80::1%eth0')).toBe(digestOf('fe80::1%eth1'));
  });

  it('is nobody when the text is none', () => {
    for (const text of ['', 'garbage', '1.2.3', '1.2.3.4.5', 'unknown', '_hidden'])
      expect(digestOf(text)).toBeUndefined();
  });
});

describe('a key', () => {
  it('has constant size, whatever its length (A5.13)', () => {
    const long = 'x'.repeat(8192);
    expect(partitions.ofKey(long).digest).toHaveLength(22);
    expect(partitions.ofKey(long).digest).not.toBe(partitions.ofKey(`${long}y`).digest);
  });

  it('is never the address of the same spelling', () => {
    expect(partitions.ofKey('1.2.3.4').digest).not.toBe(digestOf('1.2.3.4'));
  });

  it('differs where texts differ, in lone surrogates too (A1.17)', () => {
    const keys = ['a', 'a ', 'A', '', 'a\n', '\ud800', '\ud801', 'key\na', '__proto__', 'toString'];
    expect(new Set(keys.map((key) => partitions.ofKey(key).digest)).size).toBe(keys.length);
  });
});
