import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeldEntries } from '../../lib/store/held-entries.js';
import { MAX_PACKED_BODY } from '../../lib/store/packed-entry.js';
import type { StoredEntry } from '../../lib/store/stored-entry.js';

const entry = (body: Uint8Array | string, more: Partial<StoredEntry> = {}): StoredEntry => ({
  kind: 'value',
  meta: { t: 'j' },
  body: Buffer.from(body as string),
  groups: [],
  storedAt: 1000.5,
  retainUntil: 61_000,
  ...more,
});

function put(held: HeldEntries, name: string, one: StoredEntry, label = name): boolean {
  return held.put(name, { entry: one, label, retainUntil: one.retainUntil, sequence: 1 });
}

describe('held entries', () => {
  it('give back any entry as it was, whatever its name, label, groups and bytes', () => {
    const text = fc.string({ unit: 'grapheme' });
    const arbitrary = fc.record({
      name: text,
      label: text,
      groups: fc.array(text),
      meta: fc.jsonValue(),
      body: fc.uint8Array({ maxLength: 200 }),
      storedAt: fc.nat(),
      kept: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(arbitrary, { maxLength: 20 }), (all) => {
        const held = new HeldEntries(10_000_000, undefined);
        const last = new Map(all.map((one) => [one.name, one]));
        for (const { name, label, groups, meta, body, storedAt, kept } of all)
          put(held, name, entry(body, { groups, meta, storedAt, retainUntil: storedAt + kept }), label);
        for (const [name, { label, groups, meta, body, storedAt, kept }] of last) {
          const slot = held.use(name);
          expect(slot?.label).toBe(label);
          expect([slot?.entry.groups, slot?.entry.storedAt, slot?.retainUntil]).toEqual([
            groups,
            storedAt,
            storedAt + kept,
          ]);
          expect(JSON.stringify(slot?.entry.meta)).toBe(JSON.stringify(meta));
          expect(slot?.entry.body).toEqual(Buffer.from(body));
        }
      }),
    );
  });

  it('behave like a Map, whatever is put, read and deleted, packed or not', () => {
    const step = fc.tuple(fc.constantFrom('put', 'use', 'use', 'delete'), fc.nat(90), fc.constantFrom(5, 500, 9000));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const held = new HeldEntries(100_000_000, undefined);
        const map = new Map<string, string>();
        for (const [at, [what, id, size]] of steps.entries()) {
          const name = `č${id}`;
          const body = String(at).padEnd(size, 'x');
          if (what === 'put') put(held, name, entry(body), `label of ${name}`);
          if (what === 'put') map.set(name, body);
          if (what === 'use') expect(held.use(name)?.entry.body.toString()).toBe(map.get(name));
          if (what === 'delete') expect(held.delete(name)).toBe(map.delete(name));
        }
        const all = [...held.all()].map(({ label, entry: { body } }) => [label, body.toString()]);
        const expected = [...map].map(([name, body]) => [`label of ${name}`, body]);
        expect(all.sort()).toEqual(expected.sort());
        for (const name of map.keys()) held.delete(name);
        expect([held.size, held.bytes]).toEqual([0, 0]);
      }),
      { numRuns: 50 },
    );
  });

  it('count nothing any more when all of them are gone', () => {
    const held = new HeldEntries(10_000_000, undefined);
    for (const [name, size] of [
      ['a', 10],
      ['b', MAX_PACKED_BODY],
      ['c', MAX_PACKED_BODY + 1],
    ] as const) {
      put(held, name, entry('x'.repeat(size)));
      held.use(name);
    }
    expect(held.bytes).toBeGreaterThan(MAX_PACKED_BODY * 2);
    for (const name of ['a', 'b', 'c']) expect(held.delete(name)).toBe(true);
    expect([held.size, held.bytes]).toEqual([0, 0]);
  });

  it('stay within their bound, and let go of what nobody reads before what is read', () => {
    const held = new HeldEntries(20_000, undefined);
    for (let id = 0; id < 100; id++) {
      put(held, `n${id}`, entry('x'.repeat(900)));
      expect(held.use('n0')).toBeDefined();
      expect(held.bytes).toBeLessThanOrEqual(20_000);
    }
    expect(held.size).toBeGreaterThan(10);
    const labels = [...held.all()].map(({ label }) => label);
    expect([labels.includes('n0'), labels[0], labels.includes('n1')]).toEqual([true, 'n99', false]);
    expect(held.use('n1')).toBeUndefined();
  });

  it('refuse what is larger than all may be, and forget what was there before', () => {
    const held = new HeldEntries(2000, undefined);
    put(held, 'a', entry('small'));
    expect(put(held, 'a', entry('x'.repeat(3000)))).toBe(false);
    expect([held.use('a'), held.size, held.bytes]).toEqual([undefined, 0, 0]);
  });

  it('serve one object to all readers of an entry while it is read, however many others there are', () => {
    const held = new HeldEntries(1_000_000, undefined);
    for (let id = 0; id < 500; id++) put(held, `n${id}`, entry('x'));
    const first = held.use('n7');
    for (let id = 0; id < 500; id++) {
      held.use(`n${id}`);
      expect(held.use('n7')).toBe(first);
    }
  });

  it('keep nothing of the memory that a body was cut from', () => {
    const held = new HeldEntries(10_000_000, undefined);
    const reply = Buffer.alloc(5_000_000);
    put(held, 'a', entry('', { body: reply.subarray(100, 100 + MAX_PACKED_BODY + 1) }));
    expect(held.use('a')?.entry.body.buffer.byteLength).toBe(MAX_PACKED_BODY + 1);
  });
});
