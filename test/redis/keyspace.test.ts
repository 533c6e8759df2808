import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keySlot } from '../../lib/redis/key-slot.js';
import { digest, keyspace } from '../../lib/redis/keyspace.js';

const NAME = /^[\w.:/@+~{}-]+$/;

describe('keyspace', () => {
  const keys = keyspace('shop:eu', '1');

  it('spells keys of constant length that hold no text of a user', () => {
    const secret = 'GET http://h/?token=SECRET\r\n{x}';
    for (const key of [
      keys.entry(secret),
      keys.lease(secret, secret),
      keys.version(secret),
      keys.fillChannel(secret),
    ]) {
      expect(key).toMatch(NAME);
      expect(key).not.toContain('SECRET');
      expect(key.length).toBeLessThan(60);
    }
    expect(keys.entry('x')).toHaveLength(keys.entry('x'.repeat(100_000)).length);
    expect(digest('x')).toMatch(/^[\w-]{22}$/);
  });

  it('puts what a script touches together into one slot', () => {
    expect(keySlot(keys.entry('a', 'b'))).toBe(keySlot(keys.entry('a')));
    expect(keySlot(keys.entry('a', 'b'))).toBe(keySlot(keys.lease('a', 'b')));
    expect(keySlot(keys.namespaceRecord)).toBe(keySlot(keys.prefixList));
    expect(keySlot(keys.entry('a'))).not.toBe(keySlot(keys.entry('b')));
  });

  it('A1.17: two pairs of key and variant never share an entry', () => {
    const pair = fc.tuple(
      fc.string({ unit: fc.constantFrom('a', ':', '1', '2', '{', '|') }),
      fc.string({ unit: fc.constantFrom('a', ':', '1', '{') }),
    );
    fc.assert(
      fc.property(pair, pair, (one, two) => {
        const same = one[0] === two[0] && one[1] === two[1];
        expect(keys.entry(...one) === keys.entry(...two)).toBe(same);
      }),
    );
    expect(keys.entry('a')).toBe(keys.entry('a', ''));
  });

  it('B42: two namespaces or versions never share a key, nor does a prefix of one cover keys of another', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'e', 'v', ':', '1'), minLength: 1, maxLength: 6 });
    const version = fc.string({ unit: fc.constantFrom('a', 'e', 'v', '1'), minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(name, version, name, version, (ns1, v1, ns2, v2) => {
        fc.pre(ns1 !== ns2 || v1 !== v2);
        const [one, two] = [keyspace(ns1, v1), keyspace(ns2, v2)];
        const all = [two.entry('k'), two.lease('k'), two.version('k'), two.namespaceRecord, two.prefixList];
        expect(all.some((key) => key.startsWith(one.entryPrefix))).toBe(false);
        expect(
          [one.entry('k'), one.lease('k'), one.version('k'), one.namespaceRecord, one.prefixList].filter((key) =>
            all.includes(key),
          ),
        ).toEqual([]);
        expect(two.invalidationChannel).not.toBe(one.invalidationChannel);
      }),
    );
    expect(keys.entry('k').startsWith(keys.entryPrefix)).toBe(true);
  });

  it.each(['', 'a b', 'a*', 'a?', 'a[1]', 'a{1}', 'a\\b', 'a\nb', 'ü', 'x'.repeat(65), undefined, 7])(
    'refuses the namespace %j',
    (namespace) => {
      expect(() => keyspace(namespace as string, '1')).toThrow(/^namespace: expected/);
    },
  );

  it('refuses a version with a colon, which could pass for a part of a namespace', () => {
    expect(() => keyspace('a', 'b:c')).toThrow(/^version: expected/);
  });
});
