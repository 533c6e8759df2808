import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Cache } from '../../lib/cache/cache.js';
import { onEveryLevel, onRedis } from './levels.js';

// The one rule: a read that begins after a write was acknowledged sees that write or a later one.

const KEYS = ['a', 'b', 'c'];
const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;
const now = () => delay(Math.random() * 3);

class Source {
  readonly written = new Map<string, number>();
  readonly acknowledged = new Map<string, number>();

  read(key: string): number {
    return this.written.get(key) ?? 0;
  }

  write(key: string): number {
    const version = this.read(key) + 1;
    this.written.set(key, version);
    return version;
  }

  acknowledge(key: string, version: number): void {
    this.acknowledged.set(key, Math.max(version, this.acknowledged.get(key) ?? 0));
  }
}

async function reader(caches: readonly Cache[], source: Source, isOver: () => boolean): Promise<string[]> {
  const wrong: string[] = [];
  const options = { ttl: '1m', refreshAhead: 0, tags: ['all'] } as const;
  while (!isOver()) {
    const key = pick(KEYS);
    const floor = source.acknowledged.get(key) ?? 0;
    const fill = async () => {
      await now();
      const version = source.read(key);
      await now();
      return version;
    };
    const how = Math.random();
    const cache = pick(caches);
    const seen = how < 0.8 ? await cache.wrap(key, fill, options) : ((await cache.get<number>(key)) ?? floor);
    if (seen < floor) wrong.push(`${key}: ${seen} after ${floor}`);
    if (how > 0.97) await cache.touch(key, '1m');
  }
  return wrong;
}

/** How often an instance acknowledged an invalidation for itself only, as Redis did not answer it in time. */
function pendingOf(caches: readonly Cache[]): ReadonlyMap<Cache, () => number> {
  return new Map(
    caches.map((cache) => {
      let pending = 0;
      cache.events.on('invalidation', ({ acknowledged }) => {
        if (acknowledged === 'pending') pending += 1;
      });
      return [cache, () => pending];
    }),
  );
}

async function writer(caches: readonly Cache[], source: Source, isOver: () => boolean): Promise<void> {
  const pending = pendingOf(caches);
  while (!isOver()) {
    await delay(Math.random() * 20);
    const key = pick(KEYS);
    const cache = pick(caches);
    const before = pending.get(cache)?.();
    const write = async () => {
      await now();
      const version = source.write(key);
      await now();
      return version;
    };
    const how = Math.random();
    const version = how < 0.5 ? await cache.writeThrough(key, write, { ttl: '1m', tags: ['all'] }) : await write();
    if (how >= 0.5 && how < 0.75) await cache.invalidate({ keys: [key] });
    if (how >= 0.75 && how < 0.9) await cache.delete(key);
    if (how >= 0.9) await cache.invalidate({ tags: ['all'] });
    // A machine that is too busy to hear Redis in time cannot tell the others.
    if (caches.length === 1 || pending.get(cache)?.() === before) source.acknowledge(key, version);
  }
}

async function race(caches: readonly Cache[], ms: number): Promise<string[]> {
  const source = new Source();
  const endsAt = performance.now() + ms;
  const isOver = () => performance.now() > endsAt;
  const writers = Array.from({ length: 4 }, () => writer(caches, source, isOver));
  const readers = Array.from({ length: 24 }, () => reader(caches, source, isOver));
  const [wrong] = await Promise.all([Promise.all(readers), Promise.all(writers)]);
  return wrong.flat();
}

onEveryLevel('reads among writes', ({ instance, level }) => {
  it('never see less than what was acknowledged before they began', async () => {
    const memory = { outageMaxAge: 0 };
    const caches = await Promise.all(
      Array.from({ length: level === 'memory' ? 1 : 3 }, () => instance(level === 'memory' ? {} : { memory })),
    );
    expect(await race(caches, 1500)).toEqual([]);
  });
});

onRedis('reads among writes while Redis hangs and loses connections', ({ instance, server }) => {
  it('never see less than what was acknowledged before they began, on the instance that wrote', async () => {
    const cache = await instance();
    const racing = race([cache], 4000);
    for (let n = 0; n < 4; n++) {
      await delay(400);
      server().pause();
      await delay(250);
      server().resume();
      await delay(200);
      await server().cli('CLIENT', 'KILL', 'TYPE', 'normal');
    }
    expect(await racing).toEqual([]);
  });
});
