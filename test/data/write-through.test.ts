import { expect, it } from 'vitest';
import { gate } from '../../lib/testing/index.js';
import { onEveryLevel, onRedis } from './levels.js';

onEveryLevel('writeThrough', ({ instance }) => {
  it('writes the source, then the cache, and hands on what the write made', async () => {
    const cache = await instance();
    const order: string[] = [];
    const written = await cache.writeThrough(
      'movie:7',
      async () => {
        order.push(`cache has ${String(await cache.get('movie:7'))}`);
        return { id: 7, title: 'New' };
      },
      { ttl: '1h', tags: (movie) => [`movie:${movie.id}`] },
    );
    expect(written).toEqual({ id: 7, title: 'New' });
    expect(order).toEqual(['cache has undefined']);
    expect(await cache.get('movie:7')).toEqual(written);
    await cache.invalidate({ tags: ['movie:7'] });
    expect(await cache.get('movie:7')).toBeUndefined();
  });

  it('ends what else the write made untrue', async () => {
    const cache = await instance();
    await cache.set('list', [1], { ttl: '1h', tags: ['movies'] });
    await cache.writeThrough('movie:7', () => 'new', { ttl: '1h', tags: ['movie:7'], invalidates: ['movies'] });
    expect(await cache.get('list')).toBeUndefined();
    expect(await cache.get('movie:7')).toBe('new');
  });

  it('hands on the error of a write, and then nothing is kept: it may have been carried out', async () => {
    const cache = await instance();
    await cache.set('k', 'old', { ttl: '1h' });
    const failing = cache.writeThrough('k', () => Promise.reject(new Error('lost reply')), { ttl: '1h' });
    await expect(failing).rejects.toThrow('lost reply');
    expect(await cache.get('k')).toBeUndefined();
  });

  it('does not let a fill from before or during the write replace what was written', async () => {
    const cache = await instance({ waitLimit: '20ms' });
    const [before, during, writing] = [gate(), gate(), gate()];
    const early = cache.wrap('k', () => before.wait().then(() => 'old'), { ttl: '1h' });
    await before.arrived();
    const write = cache.writeThrough('k', () => writing.wait().then(() => 'new'), { ttl: '1h' });
    await writing.arrived();
    const late = cache.wrap('k', () => during.wait().then(() => 'old'), { ttl: '1h' });
    await during.arrived();
    writing.open();
    await write;
    before.open();
    during.open();
    expect(await Promise.all([early, late])).toEqual(['old', 'old']);
    expect(await cache.get('k')).toBe('new');
  });

  it('keeps neither of two writes that overlap, as nobody here knows which came last', async () => {
    const cache = await instance();
    const [first, second] = [gate(), gate()];
    const one = cache.writeThrough('k', () => first.wait().then(() => 'first'), { ttl: '1h' });
    await first.arrived();
    const other = cache.writeThrough('k', () => second.wait().then(() => 'second'), { ttl: '1h' });
    await second.arrived();
    second.open();
    await other;
    first.open();
    await one;
    expect(await cache.get('k')).toBeUndefined();
    expect(await cache.writeThrough('k', () => 'third', { ttl: '1h' })).toBe('third');
    expect(await cache.get('k')).toBe('third');
  });

  it('does not keep what was invalidated while it was being written', async () => {
    const cache = await instance();
    for (const target of [{ keys: ['k'] }, { tags: ['t'] }, { prefix: 'k' }]) {
      const writing = gate();
      const write = cache.writeThrough('k', () => writing.wait().then(() => 'older'), { ttl: '1h', tags: ['t'] });
      await writing.arrived();
      await cache.invalidate(target);
      writing.open();
      await write;
      expect(await cache.get('k')).toBeUndefined();
    }
  });

  it('is no failed write when the value cannot be kept', async () => {
    const cache = await instance();
    const circular: { self?: unknown } = {};
    circular.self = circular;
    expect(await cache.writeThrough('k', () => circular, { ttl: '1h' })).toBe(circular);
    expect(await cache.writeThrough('k', () => 1, { ttl: '1h', tags: () => [''] })).toBe(1);
    expect(await cache.writeThrough('k', () => ({ api_key: 1 }), { ttl: '1h', redact: ['api_key'] })).toEqual({});
    expect(await cache.get('k')).toEqual({});
  });

  it('refuses bad options before anything is written', async () => {
    const cache = await instance();
    let writes = 0;
    const write = () => ++writes;
    await expect(cache.writeThrough('k', write, {} as never)).rejects.toThrow(/writeThrough.ttl/);
    await expect(cache.writeThrough('k', write, { ttl: '1h', tagz: [] } as never)).rejects.toThrow(/'tags'/);
    await expect(cache.writeThrough('', write, { ttl: '1h' })).rejects.toMatchObject({ code: 'ERR_KEY' });
    expect(writes).toBe(0);
  });
});

onRedis('writeThrough on several instances', ({ instance, server }) => {
  it('keeps neither of two writes that overlap', async () => {
    const [one, other] = [await instance(), await instance()];
    const [first, second] = [gate(), gate()];
    const early = one.writeThrough('k', () => first.wait().then(() => 'first'), { ttl: '1h' });
    await first.arrived();
    const late = other.writeThrough('k', () => second.wait().then(() => 'second'), { ttl: '1h' });
    await second.arrived();
    second.open();
    await late;
    first.open();
    await early;
    expect([await one.get('k'), await other.get('k')]).toEqual([undefined, undefined]);
  });

  it('does not bring back an older value after a write while Redis was away', async () => {
    const cache = await instance();
    await cache.set('k', 'old', { ttl: '1h' });
    server().pause();
    await cache.writeThrough('k', () => 'new', { ttl: '1h' });
    expect(await cache.get('k')).not.toBe('old');
    server().resume();
    await expect.poll(() => cache.stats().level, { timeout: 5000 }).toBe('redis');
    expect(await cache.get('k')).not.toBe('old');
  });

  it('does not bring back an older value after a set while Redis was away', async () => {
    const cache = await instance();
    await cache.set('k', 'old', { ttl: '1h' });
    server().pause();
    await cache.set('k', 'new', { ttl: '1h' });
    expect(await cache.get('k')).not.toBe('old');
    server().resume();
    await expect.poll(() => cache.stats().level, { timeout: 5000 }).toBe('redis');
    expect(await cache.get('k')).not.toBe('old');
  });
});
