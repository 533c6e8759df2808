import { expect, it } from 'vitest';
import { WarmpathError } from '../../lib/common/errors.js';
import { gate } from '../../lib/testing/index.js';
import { onEveryLevel, onRedis } from '../data/levels.js';

const code = (wanted: string) => (error: unknown) => error instanceof WarmpathError && error.code === wanted;

onEveryLevel('get, set and their relatives', ({ instance, clock }) => {
  it('give back what was stored: null, bytes, dates, maps, sets, big integers and odd numbers as what they are', async () => {
    const cache = await instance();
    const value = {
      none: null,
      at: new Date(0),
      map: new Map([[{ deep: 1n }, new Set([undefined, Number.NaN, -0])]]),
      $: 'a name of its own',
      bytes: Buffer.from([0, 255]),
      list: [undefined, { $: ['d', 0] }],
    };
    expect(await cache.set('rich', value, { ttl: '1m' })).toBe(true);
    expect(await cache.get('rich')).toEqual(value);
    await cache.set('null', null, { ttl: '1m' });
    await cache.set('bytes', Buffer.from('abc'), { ttl: '1m' });
    expect(await cache.getMany(['bytes', 'nothing', 'null'])).toEqual([Buffer.from('abc'), undefined, null]);
  });

  it('hand out a new object each time, so that what a caller does to it stays with the caller', async () => {
    const cache = await instance();
    await cache.set('list', { items: [1] }, { ttl: '1m' });
    (await cache.get<{ items: number[] }>('list'))?.items.push(2);
    expect(await cache.get('list')).toEqual({ items: [1] });
  });

  it('keep a long text as it is', async () => {
    const cache = await instance();
    const text = 'all work and no play '.repeat(3000);
    await cache.set('long', { text }, { ttl: '1m' });
    expect(await cache.get('long')).toEqual({ text });
  });

  it('refuse what has no stored form, and what is no key', async () => {
    const cache = await instance();
    const circular: { self?: unknown } = {};
    circular.self = circular;
    await expect(cache.set('a', circular, { ttl: '1m' })).rejects.toSatisfy(code('ERR_VALUE'));
    await expect(cache.set('a', undefined, { ttl: '1m' })).rejects.toSatisfy(code('ERR_VALUE'));
    await expect(cache.set('a', () => 1, { ttl: '1m' })).rejects.toSatisfy(code('ERR_VALUE'));
    await expect(cache.get('')).rejects.toSatisfy(code('ERR_KEY'));
    await expect(cache.getMany(['a', 7 as unknown as string])).rejects.toSatisfy(code('ERR_KEY'));
    await expect(cache.set('a', 1, { ttl: '1 week' as '1s' })).rejects.toSatisfy(code('ERR_OPTION'));
    await expect(cache.set('a', 1, undefined as never)).rejects.toThrow(/set.ttl/);
    await expect(cache.wrap('a', () => 1, undefined as never)).rejects.toThrow(/wrap.ttl/);
    await expect(cache.wrap('a', () => 1, { ttl: '1m', refreshAhead: 80 })).rejects.toThrow(/refreshAhead/);
    await expect(cache.wrap('a', () => 1, { ttl: '1m', staleIfErorr: '1m' } as never)).rejects.toThrow(/Did you mean/);
  });

  it('tell how long a value is fresh, and prolong it', async () => {
    const cache = await instance();
    await cache.set('k', 1, { ttl: '1m', tags: ['t'] });
    clock.advance(40_000);
    expect(await cache.ttl('k')).toBeCloseTo(20, 0);
    expect(await cache.touch('k', '1m')).toBe(true);
    clock.advance(40_000);
    expect(await cache.has('k')).toBe(true);
    await cache.invalidate({ tags: ['t'] });
    expect(await cache.has('k')).toBe(false);
    expect(await cache.touch('k', '1m')).toBe(false);
  });

  it('leave nothing behind when a value is too large to be stored: the older one would be wrong', async () => {
    const cache = await instance({ maxEntryBytes: 1000 });
    await cache.set('k', 'old', { ttl: '1m' });
    expect(await cache.set('k', 'x'.repeat(2000), { ttl: '1m' })).toBe(false);
    expect(await cache.get('k')).toBeUndefined();
  });

  it('keep the last of many writes of one key, in the order they were asked for', async () => {
    const cache = await instance();
    await Promise.all(Array.from({ length: 30 }, (_, n) => cache.set('k', n, { ttl: '1m' })));
    expect(await cache.get('k')).toBe(29);
  });

  it('do not let a fill that read before a write replace what was written', async () => {
    const cache = await instance();
    const reading = gate();
    const old = cache.wrap('k', () => reading.wait().then(() => 'old'), { ttl: '1m' });
    await reading.arrived();
    expect(await cache.set('k', 'new', { ttl: '1m' })).toBe(true);
    reading.open();
    expect(await old).toBe('old');
    expect(await cache.get('k')).toBe('new');
  });

  it('do not let a fill that read before a delete store what it read', async () => {
    const cache = await instance();
    const reading = gate();
    const old = cache.wrap('k', () => reading.wait().then(() => 'old'), { ttl: '1m' });
    await reading.arrived();
    await cache.delete('k');
    reading.open();
    await old;
    expect(await cache.get('k')).toBeUndefined();
  });

  it('do not let touch bring back what was invalidated or replaced meanwhile', async () => {
    const cache = await instance();
    for (let n = 0; n < 20; n++) {
      await cache.set('k', `old ${n}`, { ttl: '1m', tags: ['t'] });
      const touched = cache.touch('k', '1h');
      if (n % 2) await Promise.all([touched, cache.invalidate({ tags: ['t'] })]);
      else await Promise.all([touched, cache.set('k', `new ${n}`, { ttl: '1m', tags: ['t'] })]);
      expect(await cache.get('k')).toBe(n % 2 ? undefined : `new ${n}`);
    }
  });
});

onEveryLevel('wrap', ({ instance, clock, level }) => {
  it('fills once for many callers at once', async () => {
    const cache = await instance();
    const filling = gate();
    let fills = 0;
    const ask = () => cache.wrap('k', () => filling.wait().then(() => ++fills), { ttl: '1m' });
    const all = Array.from({ length: 50 }, ask);
    await filling.arrived();
    filling.open();
    expect(new Set(await Promise.all(all))).toEqual(new Set([1]));
  });

  it('hands errors of the fill to its caller, stores nothing, and lets the next caller try', async () => {
    const cache = await instance();
    await expect(cache.wrap('k', () => Promise.reject(new Error('source')), { ttl: '1m' })).rejects.toThrow('source');
    expect(await cache.wrap('k', () => 'second', { ttl: '1m' })).toBe('second');
  });

  it('serves stale while it refreshes, and then the new value', async () => {
    const cache = await instance();
    let n = 0;
    const ask = () => cache.wrap('k', () => ++n, { ttl: '10s', staleWhileRevalidate: '1m' });
    await ask();
    clock.advance(11_000);
    expect(await ask()).toBe(1);
    await expect.poll(ask).toBe(2);
    expect(n).toBe(2);
    expect(cache.stats().caches.data?.refreshes).toEqual({ stored: 1 });
  });

  it('refreshes ahead on a hit in the last part of the lifetime, once', async () => {
    const cache = await instance();
    let n = 0;
    const ask = () => cache.wrap('k', () => ++n, { ttl: '10s', refreshAhead: 0.8 });
    await ask();
    clock.advance(7000);
    expect(await ask()).toBe(1);
    clock.advance(1500);
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([1, 1, 1]);
    await expect.poll(() => cache.stats().caches.data?.refreshes).toEqual({ stored: 1 });
    expect(await ask()).toBe(2);
    expect(n).toBe(2);
  });

  it('lets a stale value stand in when the fill fails, for as long as staleIfError says', async () => {
    const cache = await instance();
    let fail = false;
    const ask = () =>
      cache.wrap('k', () => (fail ? Promise.reject(new Error('source')) : 'good'), { ttl: '10s', staleIfError: '1m' });
    await ask();
    fail = true;
    clock.advance(30_000);
    expect(await ask()).toBe('good');
    clock.advance(60_000);
    await expect(ask()).rejects.toThrow('source');
  });

  it('serves stale after the soft timeout; the fill goes on and is stored', async () => {
    const cache = await instance();
    const filling = gate();
    const ask = (fill: () => unknown) => cache.wrap('k', fill, { ttl: '10s', staleIfError: '1h', softTimeout: '20ms' });
    await ask(() => 'old');
    clock.advance(11_000);
    expect(await ask(() => filling.wait().then(() => 'new'))).toBe('old');
    filling.open();
    await expect.poll(() => cache.get('k')).toBe('new');
  });

  it('rejects with ERR_TIMEOUT after the hard timeout when nothing can stand in; the fill goes on and is stored', async () => {
    const cache = await instance();
    const filling = gate();
    const slow = cache.wrap('k', () => filling.wait().then(() => 'late'), { ttl: '10s', hardTimeout: '20ms' });
    await expect(slow).rejects.toSatisfy(code('ERR_TIMEOUT'));
    filling.open();
    await expect.poll(() => cache.get('k')).toBe('late');
  });

  it('gives its key back when a fill outlives the lease, and does not store what comes late', async () => {
    const cache = await instance({ lease: '50ms', waitLimit: '10s' });
    const never = gate();
    const first = cache.wrap('k', () => never.wait().then(() => 'late'), { ttl: '1m' });
    await never.arrived();
    expect(await cache.wrap('k', () => 'second', { ttl: '1m' })).toBe('second');
    never.open();
    expect(await first).toBe('late');
    expect(await cache.get('k')).toBe('second');
  });

  it('does not queue for a key whose value is too large, cannot be stored or is not to be kept', async () => {
    const cache = await instance({ maxEntryBytes: 100 });
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const values: [string, unknown, string][] = [
      ['large', 'x'.repeat(200), 'too-large'],
      ['circular', circular, 'unstorable'],
      ['undefined', undefined, 'no-lifetime'],
    ];
    for (const [key, value, reason] of values) {
      const filling = gate();
      expect(await cache.wrap(key, () => value, { ttl: '1m', name: key })).toBe(value);
      const together = Array.from({ length: 5 }, () =>
        cache.wrap(key, () => filling.wait().then(() => value), { ttl: '1m', name: key }),
      );
      await filling.arrived(5);
      filling.open();
      await Promise.all(together);
      expect(Object.keys(cache.stats().caches[key]?.notStored ?? {})).toContain(reason);
    }
  });

  it('fills by force, and stores what it got', async () => {
    const cache = await instance();
    let n = 0;
    const ask = (force: boolean) => cache.wrap('k', () => ++n, { ttl: '1m', force });
    expect([await ask(false), await ask(false), await ask(true), await ask(false)]).toEqual([1, 1, 2, 2]);
  });

  it('keeps negative results for their own lifetime, and undefined only then', async () => {
    const cache = await instance();
    let n = 0;
    const ask = (value: unknown, options: object) =>
      cache.wrap(
        `k${String(value)}`,
        () => {
          n += 1;
          return value;
        },
        { ttl: '1h', ...options },
      );
    await ask(undefined, {});
    await ask(undefined, {});
    expect(n).toBe(2);
    for (const value of [null, undefined]) {
      n = 0;
      await cache.delete(`k${String(value)}`);
      clock.advance(20_000);
      await ask(value, { negativeTtl: '10s' });
      await ask(value, { negativeTtl: '10s' });
      expect(n).toBe(1);
      clock.advance(11_000);
      await ask(value, { negativeTtl: '10s' });
      expect(n).toBe(2);
    }
  });

  it('takes the lifetime and the tags from the value', async () => {
    const cache = await instance();
    const movie = { id: 7, views: 5000 };
    const ask = () =>
      cache.wrap('k', () => movie, {
        ttl: ({ views }) => (views > 1000 ? '6h' : '10m'),
        tags: ({ id }) => [`movie:${id}`],
      });
    await ask();
    expect(await cache.ttl('k')).toBeCloseTo(6 * 3600, 0);
    await cache.invalidate({ tags: ['movie:7'] });
    expect(await cache.get('k')).toBeUndefined();
  });

  it('hands out on a miss what a hit would give: instances of classes as plain objects, without redacted fields', async () => {
    const cache = await instance();
    class Person {
      password_hash = 'secret';
      name = 'Ann';
      greet() {
        return 'hello';
      }
    }
    const ask = () => cache.wrap('k', () => [new Person()], { ttl: '1m', redact: ['PASSWORD_HASH'] });
    const miss = await ask();
    expect(miss).toEqual([{ name: 'Ann' }]);
    expect(await ask()).toEqual(miss);
  });

  it('does not serve what was filled before an invalidation, and stores again after it', async () => {
    const cache = await instance();
    const reading = gate();
    const old = cache.wrap('k', () => reading.wait().then(() => 'old'), { ttl: '1m', tags: ['t'] });
    await reading.arrived();
    await cache.invalidate({ tags: ['t'] });
    reading.open();
    await old;
    expect(await cache.wrap('k', () => 'new', { ttl: '1m', tags: ['t'] })).toBe('new');
    expect(await cache.get('k')).toBe('new');
  });

  it('serves a softly invalidated value once more while it is refreshed', async () => {
    const cache = await instance();
    let n = 0;
    const ask = () => cache.wrap('k', () => ++n, { ttl: '1h', staleWhileRevalidate: '1m', tags: ['t'] });
    await ask();
    await cache.invalidate({ tags: ['t'] }, { soft: true });
    expect(await ask()).toBe(1);
    await expect.poll(ask).toBe(2);
  });

  it('runs the fill each time when the cache is switched off or closed', async () => {
    const off = await instance({ enabled: false });
    let n = 0;
    const fill = () => ++n;
    expect([await off.wrap('k', fill, { ttl: '1m' }), await off.wrap('k', fill, { ttl: '1m' })]).toEqual([1, 2]);
    expect(await off.set('k', 1, { ttl: '1m' })).toBe(false);
    const closed = await instance();
    await closed.close();
    expect(await closed.wrap('k', fill, { ttl: '1m' })).toBe(3);
  });

  it(`counts hits at the level ${level}`, async () => {
    const cache = await instance();
    await cache.wrap('k', () => 1, { ttl: '1m', name: 'films' });
    await cache.wrap('k', () => 1, { ttl: '1m', name: 'films' });
    const { memoryHits, redisHits, misses, fills } = cache.stats().caches.films ?? {};
    expect({ memoryHits, redisHits, misses, fills }).toEqual({
      memoryHits: level === 'memory' ? 1 : 0,
      redisHits: level === 'redis' ? 1 : 0,
      misses: 1,
      fills: 1,
    });
  });
});

onRedis('values of several instances', ({ instance, client }) => {
  it('are filled once', async () => {
    const caches = await Promise.all([instance(), instance(), instance()]);
    const filling = gate();
    let fills = 0;
    const all = caches.flatMap((cache) =>
      Array.from({ length: 10 }, () => cache.wrap('k', () => filling.wait().then(() => ++fills), { ttl: '1m' })),
    );
    await filling.arrived();
    filling.open();
    expect(new Set(await Promise.all(all))).toEqual(new Set([1]));
  });

  it('are written over a fill that another instance began before', async () => {
    const [one, other] = [await instance(), await instance()];
    const reading = gate();
    const old = one.wrap('k', () => reading.wait().then(() => 'old'), { ttl: '1m' });
    await reading.arrived();
    expect(await other.set('k', 'new', { ttl: '1m' })).toBe(true);
    reading.open();
    await old;
    expect([await one.get('k'), await other.get('k')]).toEqual(['new', 'new']);
  });

  it('take one round trip for many keys', async () => {
    const redis = client();
    const cache = await instance({ redis });
    const keys = Array.from({ length: 40 }, (_, n) => `k${n}`);
    for (const key of keys) await cache.set(key, key, { ttl: '1m', tags: ['all'] });
    const other = await instance();
    await other.getMany(keys);
    const before = await commands(redis);
    expect(await cache.getMany(keys)).toEqual(keys);
    const after = await commands(redis);
    expect(after.mget - before.mget).toBe(1);
    expect(after.get - before.get).toBe(0);
  });

  it('are compressed over the threshold', async () => {
    const cache = await instance({ compress: { threshold: 500 } });
    const redis = client();
    await cache.set('long', 'x'.repeat(100_000), { ttl: '1m' });
    const sizes = await Promise.all((await redis.keys('*:e:*')).map((key) => redis.strlen(key)));
    expect(Math.max(...sizes)).toBeLessThan(2000);
    expect(await cache.get('long')).toBe('x'.repeat(100_000));
  });
});

async function commands(redis: { info(section: string): Promise<string> }) {
  const info = await redis.info('commandstats');
  const calls = (name: string) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(info)?.[1] ?? 0);
  return { mget: calls('mget'), get: calls('get') };
}
