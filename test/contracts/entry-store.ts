import { describe, expect, it } from 'vitest';
import type { EntryStore, Lease, LeaseAnswer } from '../../lib/store/entry-store.js';
import type { EntryKey, StoredEntry } from '../../lib/store/stored-entry.js';

/** What a store is tested with: a fresh one, and one more instance of the same where instances share. */
export interface StoreUnderTest {
  readonly store: EntryStore;
  /** Another instance over the same entries; the same store where there is no other. */
  readonly other: EntryStore;
}

const key = (text: string, variant = '', label = text): EntryKey => ({ text: `d:${text}`, variant, label });

function entry(store: EntryStore, body: string, groups: readonly string[] = [], retainMs = 60_000): StoredEntry {
  const now = store.now();
  return {
    kind: 'value',
    meta: { of: body },
    body: Buffer.from(body),
    groups,
    storedAt: now,
    retainUntil: now + retainMs,
  };
}

type Held = Extract<LeaseAnswer, { kind: 'held' }>;

async function hold(store: EntryStore, name: EntryKey, groups: readonly string[] = []): Promise<Held> {
  const { fence } = await store.lookup(name, groups);
  const answer = await store.acquire(name, fence, groups, 30_000);
  expect(answer.kind).toBe('held');
  return answer as Held;
}

async function put(store: EntryStore, name: EntryKey, value: StoredEntry): Promise<string> {
  const { fence, lease } = await hold(store, name, value.groups);
  const outcome = await store.store(name, value, fence, lease);
  lease.release();
  return outcome;
}

const read = async (store: EntryStore, name: EntryKey, groups: readonly string[] = []): Promise<string | undefined> =>
  (await store.lookup(name, groups)).found?.entry.body.toString();

const order = (what: Partial<Parameters<EntryStore['invalidate']>[0]>) => ({
  groups: [],
  prefixes: [],
  everything: false,
  soft: false,
  ...what,
});

/** What every store promises, whatever it keeps entries in. */
export function entryStoreContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps the contract of entry stores`, () => {
    it('gives back what was stored, bytes, description and groups, to every instance', async () => {
      const { store, other } = await open();
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
      expect(await put(store, key('a'), { ...entry(store, '', ['t:x']), body: bytes })).toBe('stored');
      const found = (await other.lookup(key('a'), [])).found;
      expect(found?.entry.body.equals(bytes)).toBe(true);
      expect([found?.entry.kind, found?.entry.meta, found?.entry.groups]).toEqual(['value', { of: '' }, ['t:x']]);
    });

    it('keeps keys and variants apart', async () => {
      const { store } = await open();
      await put(store, key('a'), entry(store, 'base'));
      await put(store, key('a', 'de'), entry(store, 'de'));
      await put(store, key('ad', 'e'), entry(store, 'other'));
      expect([
        await read(store, key('a')),
        await read(store, key('a', 'de')),
        await read(store, key('ad', 'e')),
      ]).toEqual(['base', 'de', 'other']);
      expect(await read(store, key('ade'))).toBeUndefined();
    });

    it('finds many at once, in order', async () => {
      const { store } = await open();
      await put(store, key('a'), entry(store, 'A', ['k:a']));
      await put(store, key('c'), entry(store, 'C', ['k:c']));
      const found = await store.lookupMany([key('a'), key('b'), key('c')]);
      expect(found.map((one) => one?.entry.body.toString())).toEqual(['A', undefined, 'C']);
    });

    it('obeys and finds thousands at once, without taking the server for lost', async () => {
      const { store, other } = await open();
      const names = Array.from({ length: 10_000 }, (_, n) => `many-${n}`);
      await put(store, key('first'), entry(store, 'first', ['t:many-0']));
      await put(store, key('last'), entry(store, 'last', ['t:many-9999']));
      const found = await store.lookupMany([...names.map((name) => key(name)), key('last')]);
      expect(found.map((one) => one?.entry.body.toString()).filter(Boolean)).toEqual(['last']);
      const acknowledged = await store.invalidate(order({ groups: names.map((name) => `t:${name}`) }));
      expect(acknowledged).not.toBe('pending');
      expect([await read(other, key('first')), await read(other, key('last'))]).toEqual([undefined, undefined]);
    });

    it('gives the right to fill to one at a time where instances share, and back when it is released', async () => {
      const { store, other } = await open();
      const first = await hold(store, key('a'));
      if (other !== store) {
        const { fence } = await other.lookup(key('a'), []);
        expect((await other.acquire(key('a'), fence, [], 30_000)).kind).toBe('busy');
      }
      first.lease.release();
      await expect
        .poll(async () => (await other.acquire(key('a'), (await other.lookup(key('a'), [])).fence, [], 30_000)).kind)
        .toBe('held');
    });

    it('remembers a key as uncacheable for as long as told', async () => {
      const { store } = await open();
      const { lease } = await hold(store, key('a'));
      lease.release(10_000);
      await expect
        .poll(async () => (await store.acquire(key('a'), (await store.lookup(key('a'), [])).fence, [], 30_000)).kind)
        .toBe('open');
    });

    it.each([
      ['one of its groups', { groups: ['t:x'] }],
      ['a prefix of its label', { prefixes: ['lab'] }],
      ['everything', { everything: true }],
    ])('does not store what was overtaken by an invalidation of %s', async (_what, what) => {
      const { store, other } = await open();
      const name = key('a', '', 'label');
      const { fence, lease } = await hold(store, name, ['t:x']);
      await other.invalidate(order(what));
      await store.store(name, entry(store, 'old', ['t:x']), fence, lease);
      expect(await read(store, name, ['t:x'])).toBeUndefined();
      expect(await read(other, name, ['t:x'])).toBeUndefined();
    });

    it('judges groups that are named only when the entry is stored', async () => {
      const { store, other } = await open();
      const { fence, lease } = await hold(store, key('a'));
      expect(await store.store(key('a'), entry(store, 'new', ['t:late']), fence, lease)).toBe('stored');
      expect(await read(other, key('a'))).toBe('new');
      await other.invalidate(order({ groups: ['t:late'] }));
      expect(await read(store, key('a'))).toBeUndefined();
      const again = await hold(store, key('b'));
      await other.invalidate(order({ groups: ['t:unrelated', 't:later'] }));
      await store.store(key('b'), entry(store, 'old', ['t:later']), again.fence, again.lease);
      expect(await read(store, key('b'))).toBeUndefined();
    });

    it('tells since when an entry is softly invalidated, and forgets it with the next one', async () => {
      const { store, other } = await open();
      await put(store, key('a'), entry(store, 'A', ['t:x']));
      const before = store.now();
      await other.invalidate(order({ groups: ['t:x'], soft: true }));
      const found = (await store.lookup(key('a'), ['t:x'])).found;
      expect(found?.softAt).toBeGreaterThanOrEqual(before - 1000);
      await put(store, key('a'), entry(store, 'B', ['t:x']));
      expect((await store.lookup(key('a'), ['t:x'])).found?.softAt).toBeUndefined();
    });

    it('leaves everything else alone', async () => {
      const { store } = await open();
      await put(store, key('a', '', 'films:1'), entry(store, 'A', ['t:x']));
      await put(store, key('b', '', 'shows:1'), entry(store, 'B', ['t:y']));
      await store.invalidate(order({ groups: ['t:x'] }));
      await store.invalidate(order({ prefixes: ['films:'] }));
      expect([await read(store, key('a', '', 'films:1')), await read(store, key('b', '', 'shows:1'))]).toEqual([
        undefined,
        'B',
      ]);
    });

    it('removes entries and ends their fills', async () => {
      const { store, other } = await open();
      await put(store, key('a'), entry(store, 'A'));
      expect(await other.remove([key('a'), key('none')])).toBe(1);
      expect(await read(store, key('a'))).toBeUndefined();
    });

    it('does not give out what is past its retention', async () => {
      const { store } = await open();
      await put(store, key('a'), entry(store, 'A', [], 40));
      await expect.poll(() => read(store, key('a'))).toBeUndefined();
    });

    it('lists what is there, by literal prefix', async () => {
      const { store } = await open();
      for (const name of ['a*', 'ab', 'b']) await put(store, key(name), entry(store, name, ['t:x']));
      expect((await store.list('a*', 10)).map(({ label }) => label)).toEqual(['a*']);
      expect((await store.list('', 2)).length).toBe(2);
    });

    it('lets a lease be released twice', async () => {
      const { store } = await open();
      const { lease }: { lease: Lease } = await hold(store, key('a'));
      lease.release();
      lease.release();
    });
  });
}
