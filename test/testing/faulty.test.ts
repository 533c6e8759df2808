import { describe, expect, it, onTestFinished } from 'vitest';
import { createRedis } from '../../lib/redis/client.js';
import { cacheMatchers, eventually, faulty, startRedis } from '../../lib/testing/index.js';
import { filmApp } from '../faults/support/film-app.js';
import { ask, serve } from '../flows/support/serve.js';

describe('faulty', () => {
  it('passes everything until told otherwise, then fails, hangs or corrupts, and passes again', async () => {
    const store = faulty({ size: 2, read: async (key: string) => `value of ${key}`, count: () => 1 });
    expect(await store.subject.read('a')).toBe('value of a');
    store.fail(new Error('away'));
    await expect(store.subject.read('a')).rejects.toThrow('away');
    store.corrupt();
    expect(await store.subject.read('a')).toBe('value');
    store.hang();
    const silence = new Promise((resolve) => setTimeout(resolve, 30, 'silence'));
    expect(await Promise.race([store.subject.read('a'), silence])).toBe('silence');
    expect([store.subject.size, store.subject.count(), store.spoilt]).toEqual([2, 1, 3]);
    store.pass();
    expect(await store.subject.read('a')).toBe('value of a');
  });

  it.each(['fail', 'hang', 'corrupt'] as const)(
    'B36 A4.2 around a Redis client: with %s every answer is whole',
    async (fault) => {
      const server = await startRedis();
      const redis = createRedis(server.url);
      const client = faulty(redis);
      const { app, state, close } = filmApp({ redis: client.subject });
      const { url, close: closeServer } = await serve(app);
      onTestFinished(async () => {
        await closeServer();
        await close();
        redis.disconnect();
        await server.stop();
      });
      await eventually(() => state().level === 'redis');
      const whole = (await ask(`${url}/film/a`)).body.toString();
      client[fault]();
      for (let i = 0; i < 10; i++) {
        const { status, body } = await ask(`${url}/film/a`);
        expect([status, body.toString()]).toEqual([200, whole]);
      }
      expect(client.spoilt).toBeGreaterThan(0);
      client.pass();
      await eventually(() => state().level === 'redis');
      await eventually(async () => cacheMatchers.toBeHit(await ask(`${url}/film/a`)).pass);
    },
  );
});

describe('cacheMatchers', () => {
  const answer = (status: string) => ({ headers: { 'cache-status': status } });

  it('read the member of this cache among those of others (RFC 9211)', () => {
    expect(cacheMatchers.toBeHit(answer('"cdn, eu"; fwd=miss, warmpath; hit; ttl=3')).pass).toBe(true);
    expect(cacheMatchers.toBeHit(answer('cdn; hit, warmpath; fwd=uri-miss; stored')).pass).toBe(false);
    expect(cacheMatchers.toBeMiss(answer('warmpath; fwd=uri-miss; stored')).pass).toBe(true);
    expect(cacheMatchers.toBeMiss(answer('warmpath; fwd=bypass; detail=skip')).pass).toBe(false);
    expect(cacheMatchers.toBeStored(answer('warmpath; fwd=uri-miss; stored')).pass).toBe(true);
    expect(cacheMatchers.toBeStored({ headers: new Headers() }).pass).toBe(false);
  });

  it('find a secret in any spelling, and do not repeat it', () => {
    const secret = 's3cret/päss';
    const error = Object.assign(new Error('no'), { command: { args: [`x${secret}`] } });
    expect(cacheMatchers.toLeak(error, secret).pass).toBe(true);
    expect(cacheMatchers.toLeak(Buffer.from(`ab${secret}cd`).toString('base64'), secret).pass).toBe(true);
    expect(cacheMatchers.toLeak(new Map([['a', encodeURIComponent(secret)]]), secret).pass).toBe(true);
    expect(cacheMatchers.toLeak({ a: ['nothing', 1, null] }, secret).pass).toBe(false);
    expect(cacheMatchers.toLeak(error, secret).message()).not.toContain(secret);
  });
});
