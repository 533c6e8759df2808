import express from 'express';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { startDraining, stopDraining } from '../../lib/middleware/draining.js';
import { answerAdmin } from '../../lib/routers/admin/admin-handler.js';
import { createAdmin } from '../../lib/routers/admin/create-admin.js';
import { LabelCache, nameFigures } from './support/label-cache.js';
import { serve } from './support/serve.js';
import { soon } from './support/soon.js';

afterEach(() => {
  stopDraining();
  vi.useRealTimers();
});

async function streaming() {
  const cache = new LabelCache();
  const authorize = vi.fn(() => true);
  const sources = { caches: () => [cache], limiters: () => [], guards: () => [] };
  const readRedis = async () => undefined;
  const parts = { source: cache, guard: undefined, sources, readRedis, authorize, readOnly: false, shownQuery: [] };
  const admin = createAdmin(parts);
  const app = express();
  app.use((req, res, next) => void answerAdmin(admin, req, res).catch(next));
  const { url } = await serve(app);
  return { cache, admin, authorize, url };
}

/** Reads a stream of events; `text` grows, `ended` says when it is over. */
async function listen(url: string) {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const response = await fetch(`${url}/observability/events`, { signal: abort.signal });
  const heard = { response, text: '', ended: false, abort };
  void (async () => {
    for await (const chunk of response.body ?? []) heard.text += Buffer.from(chunk as Uint8Array).toString();
    heard.ended = true;
  })().catch(() => {
    heard.ended = true;
  });
  return heard;
}

const updates = (text: string) =>
  [...text.matchAll(/^data: (.*)$/gm)].map(
    ([, data]) => JSON.parse(data ?? '') as { sections: Record<string, string>; samples: unknown[] },
  );

describe('the live stream of the admin page', () => {
  it('sends everything once, and then only the parts that changed', async () => {
    const { admin, cache, url } = await streaming();
    const heard = await listen(url);
    expect(heard.response.headers.get('content-type')).toContain('text/event-stream');
    expect(heard.response.headers.get('cache-control')).toBe('no-store, no-transform');
    await soon(() => expect(updates(heard.text).length).toBeGreaterThan(0));
    expect(Object.keys(updates(heard.text)[0]!.sections)).toContain('routes');
    cache.names['/movies'] = Object.assign(nameFigures(), { hits: 3 });
    await soon(async () => {
      await admin.feed.tick();
      const [last] = updates(heard.text).slice(-1);
      expect(updates(heard.text).some(({ sections }) => sections.routes?.includes('/movies'))).toBe(true);
      expect(Object.keys(last!.sections)).not.toContain('limits');
    });
  });

  it('ends when the process drains, so that no open page holds up a shutdown', async () => {
    const { url, admin } = await streaming();
    const heard = await listen(url);
    startDraining();
    await soon(() => expect(heard.ended).toBe(true));
    await soon(() => expect(admin.feed.watchers).toBe(0));
  });

  it('ends for a viewer who may no longer look, within half a minute', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { url, authorize } = await streaming();
    const heard = await listen(url);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(heard.ended).toBe(false);
    authorize.mockReturnValue(false);
    await vi.advanceTimersByTimeAsync(30_000);
    vi.useRealTimers();
    await soon(() => expect(heard.ended).toBe(true));
  });

  it('is refused to more pages than can be served, which then ask by themselves', async () => {
    const { url } = await streaming();
    await Promise.all(Array.from({ length: 50 }, () => listen(url)));
    const refused = await fetch(`${url}/observability/events`);
    expect(refused.status).toBe(503);
    expect((await fetch(`${url}/observability/data`)).status).toBe(200);
  });

  it('forgets a page that was closed', async () => {
    const { url, admin } = await streaming();
    const heard = await listen(url);
    await soon(() => expect(admin.feed.watchers).toBe(1));
    heard.abort.abort();
    await soon(() => expect(admin.feed.watchers).toBe(0));
  });
});
