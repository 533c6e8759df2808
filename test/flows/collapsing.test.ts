import express from 'express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createCache, createRedis, responseCache } from '../../lib/index.js';
import { eventually, gate, type RedisServer, startRedis, startTcpProxy } from '../../lib/testing/index.js';
import { type Instance, startInstances } from './support/instances.js';
import { ask, leavable, type Served, serve } from './support/serve.js';

let redis: RedisServer;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
afterEach(async () => {
  redis.resume();
  for (const close of closing.splice(0).reverse()) await close();
  await eventually(() => redis.cli('PING'));
});

async function app(build: (app: ReturnType<typeof express>) => void): Promise<Served> {
  const built = express();
  build(built);
  const served = await serve(built);
  closing.push(() => served.close());
  return served;
}

function many<T>(count: number, start: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, start));
}

describe('one fill per key in a process', () => {
  it('A3.11 runs a 300 ms handler once for 2,000 requests on a cold key', { timeout: 60_000 }, async () => {
    const cache = createCache();
    let runs = 0;
    const { url } = await app((it) => {
      it.get('/slow', responseCache(cache, { ttl: '1h', waitLimit: '30s' }), async (_req, res) => {
        runs += 1;
        await new Promise((resolve) => setTimeout(resolve, 300));
        res.send('body');
      });
    });
    const answers = await many(2000, () => ask(`${url}/slow`));
    expect(answers.every((answer) => answer.status === 200 && answer.body.toString() === 'body')).toBe(true);
    expect(runs).toBe(1);
  });

  it('lets a waiter run the handler itself once its own limit is over', async () => {
    const cache = createCache();
    const held = gate();
    let runs = 0;
    const { url } = await app((it) => {
      it.get('/held', responseCache(cache, { ttl: '1h', waitLimit: '100ms' }), async (_req, res) => {
        runs += 1;
        if (runs === 1) await held.wait();
        res.send(`run ${runs}`);
      });
    });
    const first = ask(`${url}/held`);
    await held.arrived();
    const second = await ask(`${url}/held`);
    expect(second.body.toString()).toBe('run 2');
    held.open();
    await first;
    expect(runs).toBe(2);
  });

  it('hands the fill on when its handler fails, and gives nobody the error of another', async () => {
    const cache = createCache();
    const held = gate();
    let runs = 0;
    const { url } = await app((it) => {
      it.set('env', 'test');
      it.get('/fails', responseCache(cache, { ttl: '1h' }), async (_req, res) => {
        runs += 1;
        if (runs > 1) return void res.send('fine');
        await held.wait();
        throw new Error('first');
      });
    });
    const first = ask(`${url}/fails`);
    await held.arrived();
    const others = many(5, () => ask(`${url}/fails`));
    await eventually(() => cache.stats().caches['/fails']?.collapsed === 5);
    held.open();
    expect((await first).status).toBe(500);
    expect((await others).map((answer) => answer.status)).toEqual([200, 200, 200, 200, 200]);
  });

  it('queues no longer for a key that is invalidated faster than it can be filled', async () => {
    const cache = createCache();
    const [first, second, rest] = [gate(), gate(), gate()];
    let runs = 0;
    const { url } = await app((it) => {
      it.get('/hasty', responseCache(cache, { ttl: '1h', waitLimit: '60s', tags: ['hasty'] }), async (_req, res) => {
        runs += 1;
        await (runs === 1 ? first : runs === 2 ? second : rest).wait();
        res.send('body');
      });
    });
    const answers = many(8, () => ask(`${url}/hasty`));
    await eventually(() => cache.stats().caches['/hasty']?.collapsed === 7);
    for (const held of [first, second]) {
      await held.arrived();
      await cache.invalidate({ tags: ['hasty'] });
      held.open();
    }
    // Two fills were lost: nobody waits for a third.
    await rest.arrived(6);
    rest.open();
    expect((await answers).every((answer) => answer.status === 200)).toBe(true);
    expect(runs).toBe(8);
  });

  it('does not queue for a key that turned out uncacheable', async () => {
    const cache = createCache();
    const held = gate();
    let atOnce = 0;
    const { url } = await app((it) => {
      it.get('/private', responseCache(cache, { ttl: '1h' }), async (_req, res) => {
        atOnce += 1;
        if (atOnce > 1) await held.wait();
        res.set('Cache-Control', 'private').send('mine');
      });
    });
    await ask(`${url}/private`);
    const rest = many(10, () => ask(`${url}/private`));
    await held.arrived(10);
    held.open();
    expect((await rest).every((answer) => answer.cache === 'miss')).toBe(true);
  });

  it('B32 goes on for the others when the client of the leader leaves', async () => {
    const cache = createCache();
    const held = gate();
    let runs = 0;
    const { url } = await app((it) => {
      it.get('/left', responseCache(cache, { ttl: '1h' }), async (_req, res) => {
        runs += 1;
        if (runs === 1) await held.wait();
        res.send('body');
      });
    });
    const first = leavable(`${url}/left`);
    await held.arrived();
    const second = ask(`${url}/left`);
    await eventually(() => cache.stats().caches['/left']?.collapsed === 1);
    await first.leave();
    expect((await second).body.toString()).toBe('body');
    held.open();
  });
});

describe('one fill per key over instances that lose what they fill', () => {
  const instance = async (
    build: (cache: ReturnType<typeof createCache>) => express.RequestHandler[],
    url = redis.url,
  ): Promise<Served> => {
    const client = createRedis(url);
    const cache = createCache({ redis: client, logger: { debug() {}, info() {}, warn() {}, error() {} } });
    closing.push(async () => {
      await cache.close({ grace: '100ms' });
      client.disconnect();
    });
    await eventually(() => cache.stats().level === 'redis');
    return app((it) => it.get('/film', ...build(cache)));
  };

  it('B41 lets nobody wait for one run after the other while everything is flushed again and again', async () => {
    const [each, allCame] = [20, gate()];
    let [came, ended] = [0, 0];
    const endedBefore: number[] = [];
    const route = (cache: ReturnType<typeof createCache>): express.RequestHandler[] => [
      (_req, _res, next) => {
        came += 1;
        if (came === 2 * each) allCame.open();
        next();
      },
      responseCache(cache, { ttl: '1h', tags: ['film'] }),
      async (_req, res) => {
        endedBefore.push(ended);
        // Who comes when the others are through waited for the network, not for them.
        await allCame.wait();
        await redis.cli('FLUSHALL');
        await new Promise((resolve) => setTimeout(resolve, 50));
        ended += 1;
        res.send('film');
      },
    ];
    const served = [await instance(route), await instance(route)];
    const answers = await Promise.all(
      served.flatMap(({ url }) => Array.from({ length: each }, () => ask(`${url}/film`))),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(2 * each).fill(200));
    // At the third run of an instance at the latest everybody runs: without that, the last would wait for all others.
    expect(Math.max(...endedBefore)).toBeLessThan(30);
    expect(endedBefore.filter((before) => before > 12)).toEqual(endedBefore.filter((before) => before >= 20));
  });

  it('B3 does not let everybody run when Redis hangs between the handler and the store', async () => {
    const [held, others] = [gate(), 20];
    let runs = 0;
    const caches: ReturnType<typeof createCache>[] = [];
    const served = await instance((cache) => {
      caches.push(cache);
      return [
        responseCache(cache, { ttl: '1h', waitLimit: '60s' }),
        async (_req, res) => {
          runs += 1;
          if (runs === 2) await held.wait();
          res.send('film');
        },
      ];
    });
    // Filled before, so that storing it again takes one command, whose loss does not yet mean that Redis is away.
    await ask(`${served.url}/film`);
    await caches[0]?.invalidate({ urls: ['/film'] });
    const answers = many(1 + others, () => ask(`${served.url}/film`));
    await eventually(() => caches[0]?.stats().caches['/film']?.collapsed === others);
    redis.pause();
    held.open();
    expect((await answers).map(({ status }) => status)).toEqual(Array(1 + others).fill(200));
    expect(runs).toBeLessThan(8);
  });

  it('B39 lets nobody take the time a hung Redis cost for time spent waiting for another', async () => {
    let runs = 0;
    const served = await instance((cache) => [
      // Less than a read may take: whoever has waited for Redis is over it before there is anybody to wait for.
      responseCache(cache, { ttl: '1h', waitLimit: '60ms' }),
      (_req, res) => {
        runs += 1;
        res.send('film');
      },
    ]);
    redis.pause();
    const answers = await many(100, () => ask(`${served.url}/film`));
    expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(200));
    expect(runs).toBeLessThan(5);
  });

  it('gives a lease back that Redis could not be given at once', async () => {
    await redis.cli('FLUSHALL');
    const proxy = await startTcpProxy(redis.port);
    closing.push(() => proxy.close());
    const held = gate();
    const served = await instance(
      (cache) => [
        responseCache(cache, { ttl: '1h' }),
        async (_req, res) => {
          await held.wait();
          res.send('film');
        },
      ],
      proxy.url,
    );
    const leases = async (): Promise<number> => ((await redis.cli('KEYS', 'warmpath:1:l:*')) as string[]).length;
    const answer = ask(`${served.url}/film`);
    await held.arrived();
    expect(await leases()).toBe(1);
    proxy.resetAll();
    held.open();
    expect((await answer).status).toBe(200);
    // Left alone it would last three seconds.
    await eventually(async () => (await leases()) === 0, { timeoutMs: 2000 });
  });
});

describe('stale-while-revalidate', () => {
  it('serves stale at once and refreshes once for many requests, through the whole app', async () => {
    const cache = createCache({ jitter: 0 });
    let runs = 0;
    const seen: string[] = [];
    const { url } = await app((it) => {
      it.use((req, _res, next) => {
        seen.push(`${req.method} ${req.originalUrl}`);
        next();
      });
      const router = express.Router();
      router.get('/stale', responseCache(cache, { ttl: '50ms', staleWhileRevalidate: '1h' }), (_req, res) => {
        runs += 1;
        res.send(`run ${runs}`);
      });
      it.use('/nested', router);
    });
    await ask(`${url}/nested/stale`);
    await eventually(async () => (await ask(`${url}/nested/stale`)).cache === 'stale');
    await eventually(() => runs === 2);
    expect(seen.filter((line) => line === 'GET /nested/stale').length).toBeGreaterThanOrEqual(3);
    const after = await eventually(async () => {
      const answer = await ask(`${url}/nested/stale`);
      return answer.body.toString() === 'run 1' ? undefined : answer;
    });
    expect(after?.body.toString()).toMatch(/^run [23]$/);
  });

  it('keeps the stale entry inside its window when the refresh fails', async () => {
    const cache = createCache({ jitter: 0 });
    let broken = false;
    const { url } = await app((it) => {
      it.set('env', 'test');
      it.get('/breaks', responseCache(cache, { ttl: '50ms', staleIfError: '1h' }), (_req, res) => {
        if (broken) throw new Error('origin down');
        res.send('good');
      });
    });
    await ask(`${url}/breaks`);
    broken = true;
    const answer = await eventually(async () => {
      const one = await ask(`${url}/breaks`);
      return one.cache === 'stale' ? one : undefined;
    });
    expect(answer?.status).toBe(200);
    expect(answer?.body.toString()).toBe('good');
  });
});

describe('one fill per key over four processes', () => {
  let instances: readonly Instance[];
  let client: NonNullable<ReturnType<typeof createRedis>>;

  beforeAll(async () => {
    client = createRedis(redis.url);
    instances = await startInstances(4, redis.url);
  }, 120_000);
  afterAll(async () => {
    await Promise.all(instances.map((instance) => instance.stop()));
    client.disconnect();
  });

  const runs = async (name: string): Promise<number> => Number(await client.get(`runs:${name}`));
  const everywhere = (count: number, path: string) =>
    Promise.all(instances.flatMap(({ url }) => Array.from({ length: count }, () => ask(url + path))));

  it('runs a 300 ms handler once in total for 2,000 requests on a cold key', { timeout: 60_000 }, async () => {
    const answers = await everywhere(500, '/slow');
    expect(answers.every((answer) => answer.status === 200 && answer.body.toString() === 'slow')).toBe(true);
    expect(await runs('slow')).toBe(1);
  });

  it('refreshes a stale key once in total, and serves it stale meanwhile', { timeout: 60_000 }, async () => {
    const cache = createCache({ redis: client });
    await eventually(() => cache.stats().level === 'redis');
    await everywhere(1, '/film');
    const before = await runs('film');
    await cache.invalidate({ tags: ['film'] }, { soft: true });
    const answers = await everywhere(100, '/film');
    expect(answers.every((answer) => answer.cache === 'stale' || answer.cache === 'hit')).toBe(true);
    await eventually(async () => (await runs('film')) > before);
    await everywhere(10, '/film');
    expect((await runs('film')) - before).toBe(1);
    await cache.close();
  });

  it('B28 takes over from a leader that is killed inside its handler, with one new run', {
    timeout: 60_000,
  }, async () => {
    const [victim] = instances;
    const inside = new Promise((resolve) => victim?.process.once('message', resolve));
    const doomed = ask(`${victim?.url}/deadly`).catch(() => 'cut off');
    await inside;
    const others = Promise.all(
      instances.slice(1).flatMap(({ url }) => Array.from({ length: 20 }, () => ask(`${url}/deadly`))),
    );
    victim?.process.kill('SIGKILL');
    expect(await doomed).toBe('cut off');
    const answers = await others;
    expect(answers.every((answer) => answer.body.toString() === 'run 2')).toBe(true);
    expect(await runs('deadly')).toBe(2);
  });
});
