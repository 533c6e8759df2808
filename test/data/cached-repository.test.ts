import { describe, expect, it } from 'vitest';
import { createCache } from '../../lib/cache/cache.js';
import { cachedRepository } from '../../lib/data/cached-repository.js';
import { gate } from '../../lib/testing/index.js';
import { onEveryLevel, onRedis } from './levels.js';

interface Movie {
  readonly id: number;
  readonly title: string;
  readonly genre: string;
}
interface Filter {
  readonly genre?: string | undefined;
  readonly year?: number | undefined;
}

/** A table that counts what it is asked. */
function moviesTable() {
  const rows = new Map<number, Movie>([1, 2, 3, 4].map((id) => [id, { id, title: `Film ${id}`, genre: 'Drama' }]));
  const asked: string[] = [];
  const views = new Map<number, number>();
  return {
    rows,
    asked,
    views,
    findById: async (id: number) => {
      asked.push(`one ${id}`);
      return rows.get(Number(id));
    },
    // As a database does: in an order of its own, without those that do not exist.
    findMany: async (ids: readonly number[]) => {
      asked.push(`many ${ids.join(',')}`);
      return [...rows.values()].filter(({ id }) => ids.map(Number).includes(id)).reverse();
    },
    findAll: async ({ genre }: Filter) => {
      asked.push(`all ${genre}`);
      return [...rows.values()].filter((row) => genre === undefined || row.genre === genre);
    },
    findViews: async (ids: readonly number[]) => {
      asked.push(`views ${ids.join(',')}`);
      return new Map(ids.map((id) => [id, views.get(id) ?? 0]));
    },
  };
}

onEveryLevel('cachedRepository', ({ instance, clock }) => {
  async function setUp(options: object = {}) {
    const cache = await instance();
    const table = moviesTable();
    const { findById, findMany, findAll, findViews } = table;
    const movies = cachedRepository<Movie, number, Filter, readonly Movie[], number>(cache, {
      name: 'movie',
      findById,
      findMany,
      findAll,
      ttl: '1h',
      tags: ['movies', 'film:{id}'],
      statistics: { find: findViews, ttl: '1m' },
      ...options,
    });
    return { cache, table, movies };
  }

  it('finds many in the order of the ids, with one query for all that are missing', async () => {
    const { table, movies } = await setUp();
    await movies.findById(2);
    table.asked.length = 0;
    const found = await movies.findMany([4, 2, 99, 1, 4]);
    expect(found.map((movie) => movie?.id)).toEqual([4, 2, undefined, 1, 4]);
    expect(table.asked).toEqual(['many 4,99,1']);
    await movies.findMany([1, 2, 4, 99]);
    expect(await movies.findById(1)).toEqual(table.rows.get(1));
    expect(table.asked).toHaveLength(1);
    expect(await movies.findMany([])).toEqual([]);
  });

  it('asks once for what several callers need at the same time', async () => {
    const filling = gate();
    const asked: number[] = [];
    const { movies } = await setUp({
      findById: async (id: number) => {
        await filling.wait();
        asked.push(id);
        return { id };
      },
      findMany: async (ids: readonly number[]) => {
        await filling.wait();
        asked.push(...ids);
        return ids.map((id) => ({ id }));
      },
    });
    const all = [movies.findMany([1, 2]), movies.findById(2), movies.findMany([2, 3]), movies.findById(3)];
    await filling.arrived();
    filling.open();
    await Promise.all(all);
    expect(asked.sort()).toEqual([1, 2, 3]);
  });

  it('shares a list among filters that mean the same', async () => {
    const { table, movies } = await setUp();
    await movies.findAll({ genre: 'Drama', year: 1999 });
    await movies.findAll({ year: 1999, genre: 'Drama' });
    await movies.findAll({ year: 1999, genre: 'Drama' });
    expect(table.asked).toEqual(['all Drama']);
    await movies.findAll({ genre: 'Drama' });
    expect(table.asked).toHaveLength(2);
  });

  it('ends an entity, its figures and the lists it is in, and no others, by its id of either type', async () => {
    const { table, movies } = await setUp();
    table.rows.set(4, { id: 4, title: 'Film 4', genre: 'Comedy' });
    await movies.findMany([1, 4]);
    await movies.findAll({ genre: 'Drama' });
    await movies.findAll({ genre: 'Comedy' });
    table.rows.set(1, { id: 1, title: 'New', genre: 'Drama' });
    await movies.invalidate('1' as unknown as number);
    table.asked.length = 0;
    expect((await movies.findById(1))?.title).toBe('New');
    expect((await movies.findAll({ genre: 'Drama' }))[0]?.title).toBe('New');
    await movies.findById(4);
    await movies.findAll({ genre: 'Comedy' });
    expect(table.asked).toEqual(['one 1', 'all Drama']);
  });

  it('ends lists for what is new', async () => {
    const { table, movies } = await setUp();
    expect(await movies.findAll({ genre: 'Drama' })).toHaveLength(4);
    table.rows.set(5, { id: 5, title: 'Film 5', genre: 'Drama' });
    await movies.invalidateLists();
    expect(await movies.findAll({ genre: 'Drama' })).toHaveLength(5);
  });

  it('is reached by the tags it was given, and by bump', async () => {
    const { cache, table, movies } = await setUp();
    const ends: [() => Promise<void>, number][] = [
      [() => cache.invalidate({ tags: ['movies'] }), 1],
      [() => cache.invalidate({ tags: ['film:1'] }), 1],
      [() => cache.bump('movie', 1), 1],
      [() => cache.invalidate({ tags: ['film:2'] }), 0],
    ];
    for (const [end, queries] of ends) {
      await movies.findById(1);
      await end();
      table.asked.length = 0;
      await movies.findById(1);
      expect(table.asked).toHaveLength(queries);
    }
  });

  it('remembers for a short time that there is no such entity', async () => {
    const { table, movies } = await setUp();
    expect(await movies.findById(99)).toBeUndefined();
    expect(await movies.findById(99)).toBeUndefined();
    expect(table.asked).toEqual(['one 99']);
    clock.advance(11_000);
    await movies.findById(99);
    expect(table.asked).toEqual(['one 99', 'one 99']);
  });

  it('joins statistics with a lifetime of their own', async () => {
    const { table, movies } = await setUp();
    table.views.set(1, 10);
    const page = await movies.findAll({ genre: 'Drama' });
    expect((await movies.withStatistics(page)).map(({ id, statistics }) => [id, statistics])).toEqual([
      [1, 10],
      [2, 0],
      [3, 0],
      [4, 0],
    ]);
    table.views.set(1, 11);
    table.asked.length = 0;
    expect((await movies.withStatistics(page))[0]?.statistics).toBe(10);
    expect(table.asked).toEqual([]);
    clock.advance(61_000);
    expect((await movies.withStatistics(await movies.findAll({ genre: 'Drama' })))[0]?.statistics).toBe(11);
    expect(table.asked).toEqual(['views 1,2,3,4']);
    table.views.set(2, 5);
    await movies.invalidateStatistics(2);
    expect((await movies.withStatistics(page))[1]?.statistics).toBe(5);
  });

  it('refreshes ahead and serves stale as any value', async () => {
    const { table, movies } = await setUp({ ttl: '10s', listTtl: '1h', staleWhileRevalidate: '1h' });
    await movies.findMany([1, 2, 3]);
    table.rows.set(1, { id: 1, title: 'New', genre: 'Drama' });
    clock.advance(11_000);
    table.asked.length = 0;
    expect((await movies.findMany([1, 2, 3]))[0]?.title).toBe('Film 1');
    await expect.poll(async () => (await movies.findMany([1]))[0]?.title).toBe('New');
    // Refreshes in one turn of the event loop are one query; on a busy machine their leases may come in two.
    const ids = table.asked.flatMap((asked) => asked.replace('many ', '').split(','));
    expect(ids.sort()).toEqual(['1', '2', '3']);
    table.rows.set(1, { id: 1, title: 'Newer', genre: 'Drama' });
    await movies.refresh(1);
    expect((await movies.findById(1))?.title).toBe('Newer');
  });

  it('works without findMany, and removes fields before anything is stored', async () => {
    const cache = await instance();
    const users = cachedRepository({
      cache,
      name: 'user',
      findById: async (id: string) => ({ id, profile: { password_hash: 'x', name: id } }),
      ttl: '1h',
      redact: ['password_hash'],
    });
    expect(await users.findMany(['ann', 'bob'])).toEqual([
      { id: 'ann', profile: { name: 'ann' } },
      { id: 'bob', profile: { name: 'bob' } },
    ]);
    expect(await users.findById('ann')).toEqual({ id: 'ann', profile: { name: 'ann' } });
  });
});

onRedis('cachedRepository with very many ids', ({ instance }) => {
  it('does not overwhelm Redis: everything is found, kept, and found again', async () => {
    const cache = await instance();
    const states: string[] = [];
    cache.events.on('redis-state', ({ state }) => states.push(state));
    const ids = Array.from({ length: 1500 }, (_, id) => id);
    let queries = 0;
    const movies = cachedRepository({
      cache,
      name: 'movie',
      ttl: '1h',
      tags: ['movies', 'movie:{id}'],
      findById: async (id: number) => ({ id }),
      findMany: async (some: readonly number[]) => {
        queries += 1;
        return some.map((id) => ({ id }));
      },
    });
    expect((await movies.findMany(ids)).map((movie) => movie?.id)).toEqual(ids);
    await expect.poll(() => cache.stats().caches.movie?.ttl.count, { timeout: 10_000 }).toBe(1500);
    expect((await movies.findMany(ids)).map((movie) => movie?.id)).toEqual(ids);
    expect(queries).toBe(1);
    expect(states).toEqual([]);
  });
});

describe('cachedRepository, what it refuses', () => {
  const cache = createCache();
  const findById = async (id: number) => ({ id });

  it('refuses bad options and ids with a clear error', async () => {
    const make = (options: object) => () => cachedRepository({ cache, name: 'movie', findById, ttl: '1h', ...options });
    expect(make({ name: 'a movie' })).toThrow(/cachedRepository.name/);
    expect(make({ findById: 1 })).toThrow(/cachedRepository.findById/);
    expect(make({ ttl: 'soon' })).toThrow(/cachedRepository.ttl/);
    expect(make({ findal: 1 })).toThrow(/Did you mean 'findAll'/);
    expect(make({ ttl: () => '1h', findAll: async () => [] })).toThrow(/listTtl/);
    expect(make({ statistics: { find: 1, ttl: '1m' } })).toThrow(/statistics.find/);
    expect(make({ cache: {} })).toThrow(/createCache/);
    const movies = make({})();
    await expect(movies.findById('' as never)).rejects.toMatchObject({ code: 'ERR_KEY' });
    await expect(movies.findMany([Number.NaN])).rejects.toMatchObject({ code: 'ERR_KEY' });
    await expect(movies.findAll()).rejects.toThrow(/no findAll/);
  });

  it('says when the rows of findMany do not tell their ids', async () => {
    const movies = cachedRepository(cache, {
      name: 'film',
      findById: async (_id: number) => ({ film_id: 7 }),
      findMany: async (_ids: readonly number[]) => [{ film_id: 7 }],
      ttl: '1h',
    });
    await expect(movies.findMany([7])).rejects.toThrow(/idOf/);
  });
});
