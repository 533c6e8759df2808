import type { Request } from 'express';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EventBus } from '../../lib/common/events.js';
import { rateLimiter } from '../../lib/middleware/rate-limiter.js';
import type { Counter } from '../../lib/quota/counting.js';
import { countRequest } from '../../lib/quota/counting.js';
import { liveLimiters } from '../../lib/quota/limiter-registry.js';
import type { SharedQuota } from '../../lib/quota/shared-quota.js';
import { openSharedQuota } from '../../lib/quota/shared-quota.js';
import { resolveTiers } from '../../lib/quota/tier-plan.js';
import { createRedis } from '../../lib/redis/client.js';
import type { RedisClient } from '../../lib/redis/guard.js';
import { eventually } from '../../lib/testing/eventually.js';
import type { RedisServer } from '../../lib/testing/redis-server.js';
import { startRedis } from '../../lib/testing/redis-server.js';
import { instanceOn, recordingLogger, tally } from './quota-support.js';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => server.cli('FLUSHALL'));

const BUCKET = { a: { rate: 1, per: '1h', burst: 10 } } as const;
const WINDOW = { a: { limit: 10, window: '1m' } } as const;
const SEVERAL = {
  a: [
    { rate: 1, per: '1h', burst: 10 },
    { limit: 100, window: '1d' },
  ],
} as const;

const keyOf = async (pattern: string): Promise<string> => {
  const keys = (await server.cli('KEYS', pattern)) as string[];
  expect(keys).toHaveLength(1);
  return keys[0] as string;
};

async function commandCount(): Promise<number> {
  const info = String(await server.cli('INFO', 'commandstats'));
  const calls = [...info.matchAll(/cmdstat_(\w+):calls=(\d+)/g)].filter(([, name]) =>
    ['evalsha', 'eval'].includes(String(name)),
  );
  return calls.reduce((sum, [, , count]) => sum + Number(count), 0);
}

describe('the script', () => {
  it('judges as the arithmetic in process does, for any tiers, costs and order', async () => {
    const client = createRedis(server.url);
    const plans = resolveTiers('t', {
      free: [
        { rate: 50, burst: 7 },
        { limit: 20, window: '1m' },
      ],
      paid: [
        { limit: 60, window: '1m' },
        { rate: 3, burst: 40 },
      ],
      odd: { limit: 9, window: '20ms' },
    });
    const shared = open(client, plans, 'differential');
    await eventually(() => shared.guard.state === 'up');
    let client_ = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('free', 'paid', 'odd'), fc.integer({ min: 0, max: 9 })), { maxLength: 40 }),
        async (steps) => {
          const digest = `client-${client_++}`;
          const counters: Counter[] = plans.shapes.map(() => ({ at: 0, used: 0 }));
          for (const [tier, cost] of steps) {
            const plan = plans.byName.get(tier)!;
            const answer = await shared.store.count(digest, plan, cost);
            if (!answer.ok) throw new Error(answer.reason);
            expect(answer.verdict).toEqual(countRequest(plan, counters, cost, answer.verdict.atUs));
          }
        },
      ),
      { numRuns: 40 },
    );
    shared.close();
    client.disconnect();
  });

  it('checks all policies of all requests of one turn in one call', async () => {
    const { ask } = await instanceOn(server.url, { tiers: SEVERAL });
    await ask();
    const before = await commandCount();
    const decisions = await Promise.all(Array.from({ length: 50 }, (_, index) => ask(`192.0.2.${index}`)));
    expect(decisions.every(({ source }) => source === 'redis')).toBe(true);
    // One for the requests; a heartbeat may fall into the same moment.
    expect((await commandCount()) - before).toBeLessThanOrEqual(2);
  });

  it('keeps one key per client, with an expiry that outlives its counters by nothing', async () => {
    const { ask } = await instanceOn(server.url, {
      tiers: {
        a: [
          { rate: 10, burst: 10 },
          { limit: 5, window: '30s' },
        ],
      },
    });
    await ask();
    const key = await keyOf('warmpath:quota:*');
    expect(await server.cli('PTTL', key)).toBeLessThanOrEqual(30_001);
    expect(await server.cli('PTTL', key)).toBeGreaterThan(29_000);
    expect(key).not.toContain('192.0.2.1');
  });
});

function open(client: RedisClient, plans: ReturnType<typeof resolveTiers>, limiterId: string): SharedQuota {
  return openSharedQuota({
    redis: client,
    namespace: 'test',
    limiterId,
    plans,
    unitCost: false,
    deadlineMs: 5000,
    onReset: () => {},
    logger: recordingLogger(),
    events: new EventBus(),
  });
}

describe.each([
  ['token bucket', BUCKET, 'warmpath:quota:*'],
  ['window by rate-limit-redis', WINDOW, 'warmpath:window:*'],
  ['several policies', SEVERAL, 'warmpath:quota:*'],
])('%s on Redis', (_name, tiers, pattern) => {
  it('admits exactly the quota to concurrent requests of two instances', async () => {
    const [one, two] = [await instanceOn(server.url, { tiers }), await instanceOn(server.url, { tiers })];
    const decisions = await Promise.all(Array.from({ length: 100 }, (_, index) => (index % 2 ? one : two).ask()));
    expect(tally(decisions.map(({ result }) => result))).toEqual(
      new Map([
        ['allowed', 10],
        ['limited', 90],
      ]),
    );
  });

  it('remembers a refusal: no call to Redis until it ends', async () => {
    const { ask, limiter } = await instanceOn(server.url, { tiers });
    for (let index = 0; index < 11; index++) await ask();
    const before = await commandCount();
    const decisions = await Promise.all(Array.from({ length: 200 }, () => ask()));
    expect(decisions.every(({ source, result }) => source === 'remembered' && result === 'limited')).toBe(true);
    expect((await commandCount()) - before).toBeLessThanOrEqual(1);
    expect(limiter.stats().remembered).toBe(200);
    expect((await ask('192.0.2.2')).result).toBe('allowed');
  });

  it('survives SCRIPT FLUSH before every request and in a burst of 500 (B16)', async () => {
    const { ask } = await instanceOn(server.url, { tiers });
    for (let index = 0; index < 5; index++) {
      await server.cli('SCRIPT', 'FLUSH');
      expect((await ask()).source).toBe('redis');
    }
    const flushing = (async () => {
      for (let index = 0; index < 50; index++) await server.cli('SCRIPT', 'FLUSH');
    })();
    const decisions = await Promise.all(Array.from({ length: 500 }, (_, index) => ask(`198.51.100.${index % 250}`)));
    await flushing;
    expect(decisions.every(({ result, source }) => result === 'allowed' && source === 'redis')).toBe(true);
  });

  it.each([
    ['text', ['SET', 'abc']],
    ['a negative count', ['SET', '-5']],
    ['a list', ['RPUSH', 'x']],
    ['a set', ['SADD', 'x']],
    ['a foreign hash', ['HSET', 'b3600000000', 'garbage', 'w86400000000', '-5:garbage']],
    ['a count without expiry', ['SET', '99999']],
  ])('puts right a counter that is %s (A5.9, A5.10)', async (_case, [command, ...values]) => {
    const { ask, limiter } = await instanceOn(server.url, { tiers });
    const errors: string[] = [];
    limiter.events.on('store-error', ({ error }) => errors.push(error));
    await ask();
    const key = await keyOf(pattern);
    await server.cli('DEL', key);
    await server.cli(command as string, key, ...values);
    const decisions = await Promise.all(Array.from({ length: 12 }, () => ask()));
    expect(tally(decisions.map(({ result }) => result))).toEqual(
      new Map([
        ['allowed', 10],
        ['limited', 2],
      ]),
    );
    expect(decisions.every(({ source }) => source !== 'local')).toBe(true);
    expect(await server.cli('PTTL', key)).toBeGreaterThan(0);
  });

  it('counts a repair as a store error', async () => {
    const { ask, limiter } = await instanceOn(server.url, { tiers });
    const errors: string[] = [];
    limiter.events.on('store-error', ({ op, error }) => errors.push(`${op}: ${error}`));
    await ask();
    const key = await keyOf(pattern);
    await server.cli('DEL', key);
    await server.cli('SET', key, '-5', 'PX', 20_000);
    await ask();
    expect(errors).toEqual(['quota: broken counter']);
    expect(limiter.stats().repaired).toBe(1);
  });

  it('brings a counter that would last impossibly long back to one window (A5.10, A5.12)', async () => {
    const { ask } = await instanceOn(server.url, { tiers });
    await ask();
    const key = await keyOf(pattern);
    const far = String(Date.now() * 1000 + 1e15);
    if (pattern.includes('window')) await server.cli('SET', key, '5', 'EX', 1_000_000);
    else await server.cli('HSET', key, 'b3600000000', far, 'w86400000000', `5:${far}`);
    const { resetMs } = await ask();
    expect(resetMs).toBeLessThanOrEqual(36_000_000);
    if (pattern.includes('window')) expect(await server.cli('PTTL', key)).toBeLessThanOrEqual(60_000);
  });

  it('gives back only from a live counter, leaving no key without expiry (A5.9)', async () => {
    const { ask, limiter, client } = await instanceOn(server.url, { tiers });
    const decision = await ask();
    const key = await keyOf(pattern);
    const found = liveLimiters().find(({ events }) => events === limiter.events)!;
    found.refund(decision);
    await eventually(async () => (await limiter.check('192.0.2.1')).remaining === 10);
    await server.cli('DEL', key);
    found.refund(decision);
    await client.call('PING');
    expect(await server.cli('EXISTS', key)).toBe(0);
  });

  it('tells how a client stands and resets it for every instance', async () => {
    const [one, two] = [await instanceOn(server.url, { tiers }), await instanceOn(server.url, { tiers })];
    for (let index = 0; index < 11; index++) await one.ask();
    expect((await two.ask()).result).toBe('limited');
    expect((await one.limiter.check('192.0.2.1')).remaining).toBe(0);
    // The heartbeat carries the news, and must have been heard once before.
    await eventually(() => two.limiter.stats().instances >= 2, { timeoutMs: 6000 });
    expect(await one.limiter.reset('192.0.2.1')).toBe(true);
    expect((await one.ask()).result).toBe('allowed');
    await eventually(async () => (await two.ask()).result === 'allowed', { timeoutMs: 6000, everyMs: 100 });
  });

  it('is not moved by the clocks of processes (A5.12, B27)', async () => {
    const skewed = { wallNow: () => Date.now() + 3_600_000, now: () => performance.now() };
    const [one, two] = [
      await instanceOn(server.url, { tiers }),
      await instanceOn(server.url, { tiers, clock: skewed }),
    ];
    const decisions = await Promise.all(Array.from({ length: 40 }, (_, index) => (index % 2 ? one : two).ask()));
    expect(tally(decisions.map(({ result }) => result)).get('allowed')).toBe(10);
  });
});

describe('limiters', () => {
  it('never share counters by accident: unnamed, on one client, with equal options (A5.6)', async () => {
    const { client, ask } = await instanceOn(server.url, { tiers: BUCKET });
    const second = await instanceWith(client, {});
    const named = await instanceWith(client, { name: 'search' });
    await ask();
    expect([(await second.ask()).remaining, (await named.ask()).remaining, (await ask()).remaining]).toEqual([9, 9, 8]);
  });

  it('keep tiers and names apart that only look alike when joined (A5.6, A1.17)', async () => {
    const one = await instanceOn(server.url, { name: 'a', tiers: { ':b': BUCKET.a } });
    const two = await instanceOn(server.url, { name: 'a:', tiers: { b: BUCKET.a } });
    await one.ask();
    expect((await two.ask()).remaining).toBe(9);
  });

  it('share counters on purpose: the same name on two instances, or the same options', async () => {
    for (const options of [{ name: 'shared', tiers: BUCKET }, { tiers: BUCKET }]) {
      const [one, two] = [await instanceOn(server.url, options), await instanceOn(server.url, options)];
      await one.ask('192.0.2.9');
      expect((await two.ask('192.0.2.9')).remaining).toBe(8);
    }
  });

  it('of two namespaces never meet', async () => {
    const one = await instanceOn(server.url, { name: 'n', tiers: BUCKET, namespace: 'one' });
    const two = await instanceOn(server.url, { name: 'n', tiers: BUCKET, namespace: 'two' });
    await one.ask();
    expect((await two.ask()).remaining).toBe(9);
  });

  async function instanceWith(client: RedisClient, options: object) {
    const limiter = rateLimiter({ redis: client, tiers: BUCKET, logger: recordingLogger(), ...options });
    const req = { headers: {}, ip: '192.0.2.1', socket: { remoteAddress: '192.0.2.1' } } as unknown as Request;
    return { ask: async () => (await limiter.decide({ ...req } as Request, {} as never))! };
  }

  it('keep what was used when limits change', async () => {
    const before = await instanceOn(server.url, { name: 'n', tiers: { a: { rate: 1, per: '1h', burst: 10 } } });
    for (let index = 0; index < 4; index++) await before.ask();
    const after = await instanceOn(server.url, { name: 'n', tiers: { a: { rate: 1, per: '1h', burst: 20 } } });
    expect((await after.ask()).remaining).toBe(15);
  });

  it('work with a client that prefixes keys and batches by itself', async () => {
    const client = createRedis({ url: server.url, enableAutoPipelining: true, keyPrefix: 'app:' } as never);
    for (const tiers of [BUCKET, WINDOW]) {
      const limiter = rateLimiter({ redis: client, tiers, logger: recordingLogger() });
      await eventually(() => limiter.stats().store === 'redis');
      const req = { headers: {}, ip: '192.0.2.1', socket: {} } as unknown as Request;
      const decisions = await Promise.all(
        Array.from({ length: 20 }, () => limiter.decide({ ...req } as Request, {} as never)),
      );
      expect(decisions.filter((decision) => decision?.admitted)).toHaveLength(10);
      limiter.close();
    }
    expect(await server.cli('KEYS', 'app:warmpath:*')).not.toEqual([]);
    client.disconnect();
  });

  it('leave nothing behind when they are closed (B44)', async () => {
    const client = createRedis(server.url);
    const before = liveLimiters().length;
    const listeners = () => client.eventNames().reduce((sum, name) => sum + client.listenerCount(name), 0);
    const bare = listeners();
    for (let index = 0; index < 1000; index++) {
      rateLimiter({ redis: client, tiers: BUCKET, logger: recordingLogger() }).close();
    }
    expect(liveLimiters()).toHaveLength(before);
    await eventually(() => listeners() === bare);
    const again = rateLimiter({ redis: client, tiers: BUCKET, logger: recordingLogger() });
    expect(again.limiterName).toBe('default');
    await eventually(() => again.stats().store === 'redis');
    again.close();
    client.disconnect();
  });
});
