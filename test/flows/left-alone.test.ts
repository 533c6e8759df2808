import { expect, it } from 'vitest';
import { responseCache, warm } from '../../lib/index.js';
import { fakeClock } from '../../lib/testing/fake-clock.js';
import { eventually, gate } from '../../lib/testing/index.js';
import { onEveryBackend } from './support/backends.js';
import { ask } from './support/serve.js';

const LEFT_ALONE = 'warmpath; fwd=bypass; detail=uncacheable';
const MISS = 'warmpath; fwd=uri-miss; detail=no-store';

onEveryBackend('a key whose answers are known not to be stored', ({ cache: makeCache, serve }) => {
  /** A route that answers `no-store` until told otherwise. */
  async function site() {
    const clock = fakeClock();
    const cache = await makeCache({ clock });
    const state = {
      control: 'no-store',
      runs: 0,
      saw: undefined as unknown,
      held: undefined as Promise<void> | undefined,
    };
    let app!: Parameters<Parameters<typeof serve>[0]>[0];
    const { url } = await serve((made) => {
      app = made;
      app.get('/page', responseCache(cache), async (req, res) => {
        state.runs += 1;
        state.saw = req.headers['if-none-match'];
        await state.held;
        res.set('Cache-Control', state.control).json({ runs: state.runs });
      });
    });
    const page = `${url}/page`;
    async function times(count: number): Promise<unknown[]> {
      const said: unknown[] = [];
      for (let i = 0; i < count; i++) said.push((await ask(page)).headers['cache-status']);
      return said;
    }
    return { app, clock, cache, state, page, times };
  }

  it('is left alone after five in a row, says so, and counts it as a bypass', async () => {
    const { cache, page, state, times } = await site();
    expect(await times(7)).toEqual([...Array(5).fill(MISS), LEFT_ALONE, LEFT_ALONE]);
    expect((await ask(page)).cache).toBe('bypass');
    expect(state.runs).toBe(8);
    expect(cache.stats().caches['/page']).toMatchObject({ misses: 5, bypasses: 3, fills: 5, hits: 0 });
  });

  it('is looked at again within a second, and stored once it can be', async () => {
    const { clock, state, times } = await site();
    await times(5);
    state.control = 'max-age=60';
    expect(await times(1)).toEqual([LEFT_ALONE]);
    clock.advance(1000);
    expect(await times(2)).toEqual(['warmpath; fwd=uri-miss; stored', expect.stringContaining('warmpath; hit')]);
    expect(state.runs).toBe(7);
  });

  it('is left alone for another second by one more such answer', async () => {
    const { clock, times } = await site();
    await times(5);
    clock.advance(1000);
    expect(await times(2)).toEqual([MISS, LEFT_ALONE]);
  });

  it('keeps nobody waiting while one request is looked at', async () => {
    const { clock, state, page, times } = await site();
    await times(5);
    clock.advance(1000);
    const held = gate();
    state.held = held.wait();
    const looked = ask(page);
    await eventually(() => state.runs === 6);
    state.held = undefined;
    expect(await times(1)).toEqual([LEFT_ALONE]);
    held.open();
    expect((await looked).headers['cache-status']).toBe(MISS);
  });

  it("leaves the client's conditions to the handler, as in every bypass", async () => {
    const { state, page, times } = await site();
    await times(5);
    const { etag } = (await ask(page)).headers;
    await ask(page, { headers: { 'if-none-match': String(etag) } });
    expect(state.saw).toBe(etag);
  });

  it('is looked at by a warm-up, and answered from what that stored', async () => {
    const { app, cache, state, page, times } = await site();
    await times(6);
    state.control = 'max-age=60';
    expect(await warm(app, ['/page'], { cache, origin: 'http://films.test' })).toMatchObject({ warmed: 1 });
    expect((await ask(page)).cache).toBe('hit');
  });

  it('answers what is stored of a resource whose other answers are not', async () => {
    const clock = fakeClock();
    const cache = await makeCache({ clock });
    const { url } = await serve((app) => {
      app.get('/page', responseCache(cache, { ttl: '1h' }), (req, res) => {
        res.vary('Accept');
        if (req.get('accept') === 'text/html') res.set('Cache-Control', 'no-store');
        res.send('x');
      });
    });
    const as = (accept: string) => ask(`${url}/page`, { headers: { accept } });
    await as('text/plain');
    for (let i = 0; i < 6; i++) await as('text/html');
    expect((await as('text/html')).headers['cache-status']).toBe(LEFT_ALONE);
    expect((await as('text/plain')).cache).toBe('hit');
    expect((await as('text/csv')).headers['cache-status']).toBe('warmpath; fwd=vary-miss; stored');
  });

  it('is revalidated as before where something stale is stored', async () => {
    const clock = fakeClock();
    const cache = await makeCache({ clock });
    let control = 'max-age=1';
    const { url } = await serve((app) => {
      app.get('/page', responseCache(cache), (_req, res) => {
        res.set({ 'Cache-Control': control, ETag: `"${control}"` }).send('x');
      });
    });
    await ask(`${url}/page`);
    clock.advance(2000);
    control = 'no-store';
    for (let i = 0; i < 7; i++) {
      expect((await ask(`${url}/page`)).headers['cache-status']).toBe('warmpath; fwd=stale; detail=no-store');
    }
  });

  it('says it once where the same cache is mounted twice', async () => {
    const cache = await makeCache({ clock: fakeClock() });
    const { url } = await serve((app) => {
      app.use(responseCache(cache, { name: 'outer' }));
      app.get('/page', responseCache(cache, { name: 'inner' }), (_req, res) => {
        res.set('Cache-Control', 'no-store').send('x');
      });
    });
    for (let i = 0; i < 5; i++) await ask(`${url}/page`);
    expect((await ask(`${url}/page`)).headers['cache-status']).toBe(LEFT_ALONE);
    expect(cache.stats().caches.outer?.bypasses).toBe(1);
    expect(cache.stats().caches.inner?.bypasses ?? 0).toBe(0);
  });
});
