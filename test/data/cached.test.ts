import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argumentKey } from '../../lib/cache/argument-key.js';
import { createCache } from '../../lib/cache/cache.js';
import { gate } from '../../lib/testing/index.js';
import { onEveryLevel } from './levels.js';

interface Movie {
  readonly id: number;
  readonly title: string;
  readonly genre: string;
}

onEveryLevel('cached', ({ instance, clock }) => {
  it('calls the function once for the same arguments, whatever the order of their properties', async () => {
    const cache = await instance();
    const calls: unknown[] = [];
    const search = cache.cached(
      async function search(filter: { genre?: string; year?: number | string | undefined }, page = 1) {
        calls.push([filter, page]);
        return `${filter.genre} ${page}`;
      },
      { ttl: '1m' },
    );
    expect(await search({ genre: 'Drama', year: 1999 })).toBe('Drama 1');
    expect(await search({ year: 1999, genre: 'Drama' })).toBe('Drama 1');
    expect(calls).toHaveLength(1);
    await search({ genre: 'Drama', year: '1999' });
    await search({ genre: 'Drama', year: 1999 }, 2);
    expect(calls).toHaveLength(3);
    expect(search.name).toBe('search');
  });

  it('fills once for callers of several instances, and hands errors on without keeping them', async () => {
    const caches = [await instance(), await instance()];
    let calls = 0;
    const filling = gate();
    const find = async (id: number) => {
      calls += 1;
      await filling.wait();
      if (id === 13) throw new RangeError('unlucky');
      return { id };
    };
    const perCache = caches.map((cache) => cache.cached(find, { ttl: '1m' }));
    const asked = perCache.flatMap((cached) => [cached(1), cached(1), cached(1)]);
    await filling.arrived();
    filling.open();
    await Promise.all(asked);
    expect(calls).toBeLessThanOrEqual(caches.length);
    const [first] = perCache;
    await expect(first?.(13)).rejects.toThrow('unlucky');
    await expect(first?.(13)).rejects.toThrow('unlucky');
  });

  it('invalidates and refreshes what is kept for arguments', async () => {
    const cache = await instance();
    let title = 'old';
    const find = cache.cached(async (id: number) => ({ id, title }), { name: 'movie', ttl: '1h' });
    await find(7);
    title = 'new';
    expect((await find(7)).title).toBe('old');
    expect((await find.refresh(7)).title).toBe('new');
    expect((await find(7)).title).toBe('new');
    title = 'newest';
    await find.invalidate(7);
    expect((await find(7)).title).toBe('newest');
    expect(find.keyOf(7)).toBe('movie(7)');
    expect(await cache.get('movie(7)')).toEqual({ id: 7, title: 'newest' });
  });

  it('tells tags from the arguments and from the result', async () => {
    const cache = await instance();
    let calls = 0;
    const find = cache.cached(
      async (id: number): Promise<Movie> => {
        calls += 1;
        return { id, title: 'x', genre: 'Drama' };
      },
      {
        name: 'movie',
        ttl: '1h',
        tags: (id) => ['movies', `movie:${id}`],
        resultTags: (movie) => [`genre:${movie.genre}`],
      },
    );
    for (const tag of ['movies', 'movie:7', 'genre:Drama']) {
      await find(7);
      await cache.invalidate({ tags: ['movie:8', 'genre:Comedy'] });
      await find(7);
      await cache.invalidate({ tags: [tag] });
    }
    await find(7);
    expect(calls).toBe(4);
  });

  it('keeps negative results shorter, and popular ones longer', async () => {
    const cache = await instance();
    let calls = 0;
    const find = cache.cached(
      async (id: number): Promise<{ views: number } | undefined> => {
        calls += 1;
        return id === 404 ? undefined : { views: id };
      },
      { name: 'movie', ttl: (movie) => ((movie?.views ?? 0) > 100 ? '1h' : '1m'), negativeTtl: '10s' },
    );
    const callsFor = async (id: number, afterMs: number) => {
      await find(id);
      calls = 0;
      clock.advance(afterMs);
      await find(id);
      return calls;
    };
    expect(await callsFor(404, 5000)).toBe(0);
    expect(await callsFor(405, 70_000)).toBe(0);
    expect(await callsFor(5, 70_000)).toBe(1);
    expect(await callsFor(404, 11_000)).toBe(1);
  });

  it('does not keep what has no key of its own', async () => {
    const cache = await instance();
    let calls = 0;
    const mine = cache.cached(async (user: { id?: string }) => `${user.id} ${++calls}`, {
      name: 'mine',
      ttl: '1h',
      key: (user) => user.id,
    });
    await mine({});
    await mine({});
    expect(calls).toBe(2);
    expect(await mine({ id: 'ann' })).toBe(await mine({ id: 'ann' }));
    await expect(cache.cached(async (_: unknown) => 1, { name: 'any', ttl: '1h' })(() => 1)).rejects.toMatchObject({
      code: 'ERR_KEY',
    });
  });

  it('is reached by bump, through the version of an entity that a value carries', async () => {
    const { entityTag } = await import('../../lib/cache/entity-tag.js');
    const cache = await instance();
    let calls = 0;
    const credits = cache.cached(async (_movie: number) => ++calls, {
      name: 'credits',
      ttl: '1h',
      tags: (movie) => [entityTag('movie', movie)],
    });
    expect([await credits(7), await credits(8)]).toEqual([1, 2]);
    await cache.bump('movie', 7);
    expect([await credits(7), await credits(8)]).toEqual([3, 2]);
    await expect(cache.bump('a movie', 7)).rejects.toMatchObject({ code: 'ERR_TARGET' });
    await expect(cache.bump('movie', '')).rejects.toMatchObject({ code: 'ERR_TARGET' });
  });

  it('takes fields out of what is kept and handed out, also by what the cache says for all', async () => {
    const cache = await instance({ redact: ['api_key'] });
    const find = cache.cached(
      async () => ({ users: [{ name: 'Ann', password_hash: 'x', keys: new Map([['API_KEY', 'y']]) }] }),
      { name: 'users', ttl: '1h', redact: ['password_hash'] },
    );
    const expected = { users: [{ name: 'Ann', keys: new Map() }] };
    expect(await find()).toEqual(expected);
    expect(await find()).toEqual(expected);
    await cache.set('user', { api_key: 'y', name: 'Ann' }, { ttl: '1m' });
    expect(await cache.get('user')).toEqual({ name: 'Ann' });
  });
});

describe('cached, what it refuses', () => {
  const cache = createCache();

  it('refuses bad options where they are written', () => {
    const find = async (id: number) => id;
    expect(() => cache.cached(find, {} as never)).toThrow(/cached.ttl/);
    expect(() => cache.cached(find, { ttl: '1 hour' as never })).toThrow(/cached.ttl/);
    expect(() => cache.cached(find, { ttl: '1h', tag: [] } as never)).toThrow(/Did you mean 'tags'/);
    expect(() =>
      cache.cached(
        (
          () => async (id: number) =>
            id
        )(),
        { ttl: '1h' },
      ),
    ).toThrow(/cached.name/);
    expect(() => cache.cached(find, { ttl: '1h', name: 'a(b)' })).toThrow(/cached.name/);
    expect(() => cache.cached(find, { ttl: '1h', refreshAhead: 80 })).toThrow(/refreshAhead/);
    expect(() => cache.cached(7 as never, { ttl: '1h' })).toThrow(/a function/);
  });

  it('refuses a second function of the same name that was not given it on purpose', () => {
    const first = { load: async () => 1 };
    const second = { load: async () => 2 };
    cache.cached(first.load, { ttl: '1h' });
    cache.cached(first.load, { ttl: '1h' });
    expect(() => cache.cached(second.load, { ttl: '1h' })).toThrow(/'load'/);
    cache.cached(second.load, { ttl: '1h', name: 'loadSecond' });
  });
});

describe('argument keys', () => {
  const key = (...args: unknown[]) => argumentKey('f', args);

  it('tell values apart by type', () => {
    const values = [
      7,
      '7',
      7n,
      [7],
      { 0: 7 },
      null,
      'null',
      true,
      'true',
      Number.NaN,
      0,
      -0,
      new Date(7),
      new Set([7]),
      new Map([[7, 7]]),
      Buffer.from('7'),
      /7/,
      new URL('http://7.test'),
      '',
      {},
      [],
      [undefined],
    ];
    expect(new Set(values.map((value) => key(value))).size).toBe(values.length);
  });

  it('are the same whatever the order of properties, and for what is undefined or not there', () => {
    expect(key({ a: 1, b: { c: 2, d: 3 } })).toBe(key({ b: { d: 3, c: 2 }, a: 1 }));
    expect(key({ a: 1, b: undefined })).toBe(key({ a: 1 }));
    expect(key(1, undefined)).toBe(key(1));
    expect(key(new Set([1, 2]))).toBe(key(new Set([2, 1])));
  });

  it('are equal only for equal arguments (property)', () => {
    const arg = fc.anything({ withBigInt: true, withDate: true, withMap: false, withSet: false, maxDepth: 3 });
    fc.assert(
      fc.property(fc.array(arg, { maxLength: 3 }), fc.array(arg, { maxLength: 3 }), (a, b) => {
        if (key(...a) === key(...b)) expect(plain(a)).toEqual(plain(b));
      }),
      { numRuns: 2000 },
    );
  });

  it('stay short, and refuse what cannot be told apart', () => {
    expect(key('x'.repeat(100_000)).length).toBeLessThan(100);
    expect(key('x'.repeat(100_000))).not.toBe(key(`${'x'.repeat(99_999)}y`));
    class Film {}
    for (const value of [() => 1, Symbol('s'), new Film(), new WeakMap()]) {
      expect(() => key(1, value)).toThrow(/argument 2/);
    }
    const circular: unknown[] = [];
    circular.push(circular);
    expect(() => key(circular)).toThrow(/nested deeper/);
  });
});

// What the key leaves out on purpose.
function plain(args: readonly unknown[]): unknown {
  const list = [...args];
  while (list.length > 0 && list.at(-1) === undefined) list.pop();
  return list;
}

describe('the @cached decorator', () => {
  it('keeps the results of methods, of instances told apart and of static ones', () => {
    const script = fileURLToPath(new URL('fixtures/decorated.ts', import.meta.url));
    // The test runner does not translate decorators; the compiler and tsx do.
    const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', script], { encoding: 'utf8' });
    expect(stderr).toMatch(/instances/);
    expect(JSON.parse(stdout)).toEqual({
      same: [1, 1, 2],
      invalidated: 3,
      tenants: ['a 1', 'b 2', 'a 1'],
      fixed: ['fixed 7', 'fixed 7'],
      names: ['Films.find', 'Fixed.find', 'Tenant.find'],
      calls: 4,
      clash: 'ERR_OPTION',
    });
  });
});
