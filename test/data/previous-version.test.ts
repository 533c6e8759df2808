import { expect, it } from 'vitest';
import { onEveryLevel, onRedis } from './levels.js';

const wrap = { ttl: '1h', staleWhileRevalidate: '1h', tags: ['t'] } as const;

onRedis('a version that is compatible with the one before', ({ instance, clock }) => {
  it('serves the entries of that one as stale while it makes its own', async () => {
    const old = await instance({ version: '41' });
    await old.wrap('k', () => 'old', wrap);
    const next = await instance({ version: '42', compatibleWith: '41' });
    expect(await next.wrap('k', () => 'new', wrap)).toBe('old');
    await expect.poll(() => next.get('k')).toBe('new');
    expect(await next.wrap('k', () => 'newer', wrap)).toBe('new');
  });

  it('serves nothing of it that has no stale window, and does not take it for fresh', async () => {
    const old = await instance({ version: '41' });
    await old.wrap('k', () => 'old', { ttl: '1h' });
    await old.set('plain', 'old', { ttl: '1h' });
    const next = await instance({ version: '42', compatibleWith: '41' });
    expect(await next.get('plain')).toBeUndefined();
    expect(await next.wrap('k', () => 'new', { ttl: '1h' })).toBe('new');
  });

  it('does not serve what either version invalidated, deleted or wrote since', async () => {
    const old = await instance({ version: '41' });
    const next = await instance({ version: '42', compatibleWith: '41' });
    const ends: (() => Promise<unknown>)[] = [
      () => old.invalidate({ tags: ['t'] }),
      () => next.invalidate({ tags: ['t'] }),
      () => next.invalidate({ prefix: 'k' }),
      () => next.delete('k'),
      () => next.clear(),
    ];
    for (const [n, end] of ends.entries()) {
      await old.wrap('k', () => `old ${n}`, wrap);
      await end();
      expect(await next.wrap('k', () => `new ${n}`, wrap)).toBe(`new ${n}`);
      await next.delete('k');
    }
    await old.wrap('k', () => 'old', wrap);
    await next.set('k', 'new', { ttl: '1s' });
    clock.advance(2000);
    expect(await next.wrap('k', () => 'newest', wrap)).toBe('newest');
  });
});

onEveryLevel('a version without compatibility', ({ instance }) => {
  it('starts empty', async () => {
    const old = await instance({ version: '41' });
    await old.wrap('k', () => 'old', wrap);
    for (const compatibleWith of [undefined, '40', '42']) {
      const next = await instance({ version: '42', compatibleWith });
      expect(await next.wrap('k', () => 'new', wrap)).toBe('new');
      await next.delete('k');
    }
    await expect(instance({ compatibleWith: '' })).rejects.toThrow(/compatibleWith/);
  });
});
