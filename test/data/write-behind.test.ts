import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { WarmpathEvent } from '../../lib/common/events.js';
import { gate } from '../../lib/testing/index.js';
import { onEveryLevel, onRedis } from './levels.js';

interface View {
  readonly film: number;
  readonly user: string;
}
const view = (film: number, user = 'ann'): View => ({ film, user });
const films = (views: readonly View[]) => views.map(({ film }) => film);
const range = (count: number) => Array.from({ length: count }, (_, n) => n);

onEveryLevel('writeBehind', ({ instance }) => {
  it('hands on what was pushed in order, in batches of at most maxBatch', async () => {
    const cache = await instance();
    const batches: View[][] = [];
    const push = cache.writeBehind<View>('views', {
      flush: (items) => void batches.push([...items]),
      maxBatch: 10,
      maxDelay: '20ms',
    });
    await Promise.all(range(35).map((film) => push(view(film))));
    await expect.poll(() => batches.flat().length).toBe(35);
    expect(films(batches.flat())).toEqual(range(35));
    expect(Math.max(...batches.map(({ length }) => length))).toBe(10);
    expect(await push.stats()).toMatchObject({ waiting: 0, poisoned: 0, pushed: 35, flushed: 35 });
  });

  it('gives dates and maps back as what they are, and each item an id of its own that stays', async () => {
    const cache = await instance();
    const item = { at: new Date(7), tags: new Map([['a', 1n]]) };
    const seen: [readonly unknown[], readonly string[]][] = [];
    const push = cache.writeBehind('things', {
      maxDelay: '10ms',
      flush(items, { ids }) {
        seen.push([items, ids]);
        if (seen.length === 1) throw new Error('not yet');
      },
    });
    await push(item);
    await expect.poll(() => seen.length).toBe(2);
    expect(seen[1]?.[0]).toEqual([item]);
    expect(seen[1]?.[1]).toEqual(seen[0]?.[1]);
  });

  it('flushes a full batch at once, long before maxDelay is over', async () => {
    const cache = await instance();
    const flushed: View[] = [];
    const push = cache.writeBehind<View>('views', {
      flush: (items) => void flushed.push(...items),
      maxBatch: 5,
      maxDelay: '1h',
    });
    await Promise.all(range(12).map((film) => push(view(film))));
    await expect.poll(() => flushed.length).toBeGreaterThanOrEqual(10);
    await push.close();
    expect(films(flushed)).toEqual(range(12));
  });

  it('is drained by the close of the cache, and takes nothing after it', async () => {
    const cache = await instance();
    const flushed: View[] = [];
    const push = cache.writeBehind<View>('views', { flush: (items) => void flushed.push(...items), maxDelay: '1h' });
    const pushes = range(250).map((film) => push(view(film)));
    await cache.close();
    await Promise.all(pushes);
    expect(films(flushed)).toEqual(range(250));
    await expect(push(view(1))).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  });

  it('tries again what fails, without losing or reordering anything', async () => {
    const cache = await instance();
    const flushed: View[] = [];
    let failures = 3;
    const push = cache.writeBehind<View>('views', {
      maxDelay: '10ms',
      flush(items) {
        if (failures-- > 0) throw new Error('busy');
        flushed.push(...items);
      },
    });
    await Promise.all(range(20).map((film) => push(view(film))));
    await expect.poll(() => flushed.length).toBe(20);
    expect(films(flushed)).toEqual(range(20));
  });

  it('sets a poison item aside after some tries, counts it, shows it and puts it back when asked', async () => {
    const cache = await instance();
    const events: WarmpathEvent[] = [];
    cache.events.on('write-behind', (event) => events.push(event));
    const flushed: View[] = [];
    let isCured = false;
    const push = cache.writeBehind<View>('views', {
      maxDelay: '10ms',
      maxTries: 2,
      flush(items) {
        if (!isCured && items.some(({ film }) => film === 13)) throw new TypeError('unlucky');
        flushed.push(...items);
      },
    });
    await Promise.all(range(20).map((film) => push(view(film))));
    await expect.poll(() => flushed.length, { timeout: 5000 }).toBe(19);
    expect(films(flushed)).toEqual(range(20).filter((film) => film !== 13));
    expect(await push.stats()).toMatchObject({ waiting: 0, poisoned: 1, setAside: 1 });
    expect(await push.poisoned()).toEqual([{ id: expect.any(String), item: view(13), reason: 'TypeError' }]);
    expect(events).toContainEqual({ type: 'write-behind', queue: 'views', outcome: 'poisoned', items: 1 });
    isCured = true;
    expect(await push.requeue()).toBe(1);
    await expect.poll(() => flushed.length).toBe(20);
    expect(await push.stats()).toMatchObject({ waiting: 0, poisoned: 0 });
  });

  it('sets nothing aside while nothing at all can be flushed, before poisonAfter is over', async () => {
    const cache = await instance();
    let calls = 0;
    let isDown = true;
    const flushed: View[] = [];
    const push = cache.writeBehind<View>('views', {
      maxDelay: '10ms',
      maxTries: 1,
      flush(items) {
        calls += 1;
        if (isDown) throw new Error('database is away');
        flushed.push(...items);
      },
    });
    await Promise.all(range(4).map((film) => push(view(film))));
    await expect.poll(() => calls, { timeout: 5000 }).toBeGreaterThan(4);
    expect(await push.stats()).toMatchObject({ waiting: 4, poisoned: 0 });
    isDown = false;
    await expect.poll(() => flushed.length, { timeout: 5000 }).toBe(4);
    expect(films(flushed)).toEqual(range(4));
  });

  it('sets a lone failing item aside once poisonAfter is over', async () => {
    const cache = await instance();
    const push = cache.writeBehind<View>('views', {
      maxDelay: '10ms',
      maxTries: 2,
      poisonAfter: 0,
      flush: () => Promise.reject(new Error('no')),
    });
    await push(view(1));
    await expect.poll(async () => (await push.stats()).poisoned, { timeout: 5000 }).toBe(1);
  });

  it('makes pushes wait for room when it is full, and refuses them with ERR_QUEUE_FULL when there is none in time', async () => {
    const cache = await instance();
    const flushing = gate();
    const flushed: View[] = [];
    const push = cache.writeBehind<View>('views', {
      maxDelay: '10ms',
      maxLength: 5,
      pushTimeout: '300ms',
      flush: (items) => flushing.wait().then(() => void flushed.push(...items)),
    });
    const settled = await Promise.allSettled(range(8).map((film) => push(view(film))));
    expect(settled.map(({ status }) => status)).toEqual([
      ...Array.from({ length: 5 }, () => 'fulfilled'),
      ...Array.from({ length: 3 }, () => 'rejected'),
    ]);
    expect(settled[7]).toMatchObject({ reason: { code: 'ERR_QUEUE_FULL' } });
    const waiting = push(view(8));
    flushing.open();
    await waiting;
    await expect.poll(() => films(flushed)).toEqual([0, 1, 2, 3, 4, 8]);
  });

  it('takes ids of the app, and refuses bad input with a clear error', async () => {
    const cache = await instance();
    const ids: string[] = [];
    const push = cache.writeBehind<View>('views', {
      maxDelay: '10ms',
      id: ({ user, film }) => (user === '' ? '' : `${user}/${film}`),
      flush: (_items, context) => void ids.push(...context.ids),
    });
    await push(view(1));
    await expect.poll(() => ids).toEqual(['ann/1']);
    await expect(push(view(1, ''))).rejects.toMatchObject({ code: 'ERR_VALUE' });
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const other = cache.writeBehind('any', { flush: () => {} });
    await expect(other(circular)).rejects.toMatchObject({ code: 'ERR_VALUE' });
    expect(() => cache.writeBehind('views', { flush: () => {} })).toThrow(/no other queue/);
    expect(() => cache.writeBehind('a b', { flush: () => {} })).toThrow(/writeBehind.name/);
    expect(() => cache.writeBehind('b', { flush: 1 as never })).toThrow(/writeBehind.flush/);
    expect(() => cache.writeBehind('b', { flush: () => {}, maxBach: 1 } as never)).toThrow(/maxBatch/);
  });
});

onRedis('writeBehind of several instances', ({ instance, client, server }) => {
  const options = (flushed: View[]) =>
    ({ maxDelay: '20ms', flush: (items: readonly View[]) => void flushed.push(...items) }) as const;

  it('is flushed by one of them, in the order of the pushes of each', async () => {
    const caches = [await instance(), await instance(), await instance()];
    const flushed: View[] = [];
    const queues = caches.map((cache) => cache.writeBehind<View>('views', options(flushed)));
    await Promise.all(queues.flatMap((push, n) => range(100).map((film) => push(view(film, `u${n}`)))));
    await expect.poll(() => flushed.length).toBe(300);
    for (const n of range(3)) expect(films(flushed.filter(({ user }) => user === `u${n}`))).toEqual(range(100));
  });

  it('goes on in another when the one that flushed is gone, with what that one took', async () => {
    const redis = client();
    const dead = await instance({ redis });
    const taken = gate();
    const flushed: View[] = [];
    const push = dead.writeBehind<View>('views', { maxDelay: '10ms', flush: () => taken.wait() });
    await Promise.all(range(10).map((film) => push(view(film))));
    await taken.arrived();
    const heir = await instance();
    heir.writeBehind<View>('views', options(flushed));
    redis.disconnect(); // as if its process had ended: the lease is not renewed any more
    await expect.poll(() => flushed.length, { timeout: 10_000 }).toBe(10);
    expect(films(flushed)).toEqual(range(10));
    taken.open();
  });

  it('keeps pushes waiting while Redis is away, and acknowledges them when it is back', async () => {
    const cache = await instance();
    const flushed: View[] = [];
    const push = cache.writeBehind<View>('views', { ...options(flushed), pushTimeout: '10s' });
    await push(view(0));
    server().pause();
    const waiting = range(5).map((film) => push(view(film + 1)));
    await expect.poll(() => cache.stats().level).toBe('memory');
    server().resume();
    await Promise.all(waiting);
    await expect.poll(() => new Set(films(flushed)).size, { timeout: 5000 }).toBe(6);
  });

  it('refuses a push with ERR_UNAVAILABLE when Redis does not come back in time', async () => {
    const cache = await instance();
    const push = cache.writeBehind<View>('views', { flush: () => {}, pushTimeout: '50ms' });
    server().pause();
    await expect(push(view(0))).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' });
    server().resume();
  });

  it('is not touched by clear(), nor by a new version of the app', async () => {
    const old = await instance();
    const flushed: View[] = [];
    const idle = old.writeBehind<View>('views', { flush: () => Promise.reject(new Error('away')), maxDelay: '1h' });
    await idle(view(1));
    await old.clear();
    await idle.close({ grace: '10ms' });
    const next = await instance({ version: '2' });
    next.writeBehind<View>('views', options(flushed));
    await expect.poll(() => films(flushed), { timeout: 10_000 }).toEqual([1]);
  });

  it('starts anew when the stream is lost with its server', async () => {
    const cache = await instance();
    const flushed: View[] = [];
    const push = cache.writeBehind<View>('views', options(flushed));
    await push(view(1));
    await expect.poll(() => flushed.length).toBe(1);
    await server().cli('FLUSHALL');
    await push(view(2));
    await expect.poll(() => films(flushed), { timeout: 5000 }).toEqual([1, 2]);
  });

  it('loses nothing and keeps the order while Redis hangs and connections are cut', async () => {
    const caches = [await instance(), await instance()];
    const flushed: string[] = [];
    const queues = caches.map((cache) =>
      cache.writeBehind<View>('views', {
        maxBatch: 20,
        maxDelay: '5ms',
        pushTimeout: '20s',
        id: ({ user, film }) => `${user} ${film}`,
        flush: async (_items, { ids }) => {
          await delay(2);
          flushed.push(...ids);
        },
      }),
    );
    const acknowledged: string[] = [];
    const pushing = queues.map(async (push, n) => {
      for (const film of range(600)) {
        await push(view(film, `u${n}`));
        acknowledged.push(`u${n} ${film}`);
      }
    });
    for (let n = 0; n < 3; n++) {
      await delay(200);
      server().pause();
      await delay(300);
      server().resume();
      await delay(200);
      await server().cli('CLIENT', 'KILL', 'TYPE', 'normal');
    }
    await Promise.all(pushing);
    await expect.poll(() => new Set(flushed).size, { timeout: 15_000 }).toBe(1200);
    expect(acknowledged).toHaveLength(1200);
    const first = [...new Set(flushed)];
    for (const n of range(2)) {
      expect(first.filter((id) => id.startsWith(`u${n} `))).toEqual(range(600).map((film) => `u${n} ${film}`));
    }
  });
});
