import { mkdtempSync, rmSync } from 'node:fs';
import express from 'express';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createRedis } from '../../lib/redis/client.js';
import type { RedisClient } from '../../lib/redis/guard.js';
import { healthRouter } from '../../lib/routers/health-router.js';
import { type RedisServer, startCluster, startRedis, startTcpProxy } from '../../lib/testing/index.js';
import { serve } from './support/serve.js';

interface Answer {
  status: number;
  ms: number;
  body: {
    status: string;
    checks: { redis: { status: string; reason?: string } };
    policy: { cache: string; since?: string };
  };
}

/** Asks /healthz of an app with this client, as one who may see reasons. */
async function asking(client: RedisClient): Promise<() => Promise<Answer>> {
  const app = express();
  app.use(healthRouter({ redis: client, details: () => true, keep: '0s' }));
  const { url } = await serve(app);
  return async () => {
    const startedAt = performance.now();
    const response = await fetch(`${url}/healthz`);
    return {
      status: response.status,
      body: (await response.json()) as Answer['body'],
      ms: performance.now() - startedAt,
    };
  };
}

function client(url: string): Redis {
  const made = createRedis(url) as Redis;
  onTestFinished(() => made.disconnect());
  return made;
}

const until = (ask: () => Promise<Answer>, status: string, reason?: RegExp) =>
  vi.waitFor(
    async () => {
      const answer = await ask();
      // Whatever Redis does: no 5xx, and no waiting (B: P1, P2).
      expect(answer.status).toBe(200);
      expect(answer.ms).toBeLessThan(1500);
      expect(answer.body.checks.redis.status).toBe(status);
      if (reason) expect(answer.body.checks.redis.reason).toMatch(reason);
      return answer;
    },
    { timeout: 8000, interval: 50 },
  );

describe('health under faults of Redis', () => {
  let redis: RedisServer;
  beforeEach(async () => {
    redis = await startRedis();
  });
  afterEach(() => redis.stop());

  it.each<
    [
      string,
      (redis: RedisServer) => Promise<unknown> | unknown,
      RegExp,
      (redis: RedisServer) => Promise<unknown> | unknown,
    ]
  >([
    ['B2 killed, and back empty', (it) => it.kill(), /out of use|reading/, (it) => it.restart()],
    ['B3 hung with its sockets open', (it) => it.pause(), /out of use|reading/, (it) => it.resume()],
    [
      'B8 full: OOM',
      (it) => it.cli('CONFIG', 'SET', 'maxmemory', '1'),
      /writing: OOM/,
      (it) => it.cli('CONFIG', 'SET', 'maxmemory', '0'),
    ],
    [
      'B9 read-only',
      (it) => it.cli('REPLICAOF', '127.0.0.1', '1'),
      /READONLY|out of use/,
      (it) => it.cli('REPLICAOF', 'NO', 'ONE'),
    ],
    [
      'B10 a replica without its master',
      async (it) => {
        await it.cli('CONFIG', 'SET', 'replica-serve-stale-data', 'no');
        await it.cli('REPLICAOF', '127.0.0.1', '1');
      },
      /out of use|MASTERDOWN/,
      (it) => it.cli('REPLICAOF', 'NO', 'ONE'),
    ],
    [
      'B11 without enough replicas',
      (it) => it.cli('CONFIG', 'SET', 'min-replicas-to-write', '1'),
      /writing: NOREPLICAS/,
      (it) => it.cli('CONFIG', 'SET', 'min-replicas-to-write', '0'),
    ],
    [
      'B14 busy with a script',
      (it) => {
        void it
          .cli('CONFIG', 'SET', 'busy-reply-threshold', '50')
          .then(() => it.cli('EVAL', 'while true do end', '0'))
          .catch(() => {});
      },
      /out of use|BUSY|timeout/,
      (it) => it.cli('SCRIPT', 'KILL'),
    ],
    [
      'B15 with writes paused',
      (it) => it.cli('CLIENT', 'PAUSE', '60000', 'WRITE'),
      /writing: timeout|out of use/,
      (it) => it.cli('CLIENT', 'UNPAUSE'),
    ],
    [
      'B18 no longer open to us',
      async (it) => {
        await it.cli('ACL', 'SETUSER', 'default', '-get');
      },
      /NOPERM|out of use/,
      (it) => it.cli('ACL', 'SETUSER', 'default', '+get'),
    ],
    [
      'above 75 % of maxmemory',
      async (it) => {
        await it.cli('CONFIG', 'SET', 'maxmemory', String(Math.ceil((await usedMemory(it)) / 0.83)));
      },
      /memory high: 8\d %/,
      (it) => it.cli('CONFIG', 'SET', 'maxmemory', '0'),
    ],
    [
      'above 90 % of maxmemory',
      async (it) => {
        await it.cli('CONFIG', 'SET', 'maxmemory', String(Math.ceil((await usedMemory(it)) / 0.95)));
      },
      /memory critical: 9\d %/,
      (it) => it.cli('CONFIG', 'SET', 'maxmemory', '0'),
    ],
  ])('%s: degraded while it lasts, healthy after', async (_name, fault, reason, cure) => {
    const ask = await asking(client(redis.url));
    await until(ask, 'healthy');
    await fault(redis);
    const { body } = await until(ask, 'degraded', reason);
    expect(body.status).toBe('degraded');
    await cure(redis);
    await until(ask, 'healthy');
  });

  it('B12 MISCONF: writes are refused and PING with them, yet reads go on; said as what it is', async () => {
    await redis.restart({ args: ['--enable-protected-configs', 'yes'] });
    const ask = await asking(client(redis.url));
    await until(ask, 'healthy');
    await redis.cli('CONFIG', 'SET', 'save', '1 1');
    await breakSaving(redis);
    const { body } = await until(ask, 'degraded', /writing: MISCONF/);
    expect(body.policy.cache).toBe('redis');
    await redis.cli('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no');
    await until(ask, 'healthy');
  });

  it('B1 refused at boot, and there later: the policy in force says so, with its time', async () => {
    await redis.kill();
    const ask = await asking(client(redis.url));
    const { body } = await until(ask, 'degraded', /out of use/);
    expect(body.policy).toMatchObject({ cache: 'process memory' });
    await redis.restart();
    expect((await until(ask, 'healthy')).body.policy).toEqual({ cache: 'redis' });
    await redis.kill();
    const { policy } = (await until(ask, 'degraded', /out of use/)).body;
    expect(Math.abs(Date.now() - Date.parse(policy.since ?? ''))).toBeLessThan(10_000);
  });

  it('B4 hung at boot', async () => {
    redis.pause();
    const ask = await asking(client(redis.url));
    await until(ask, 'degraded', /out of use/);
    redis.resume();
    await until(ask, 'healthy');
  });

  it('B5 slow, B7 black-holed', async () => {
    const proxy = await startTcpProxy(redis.port);
    onTestFinished(() => proxy.close());
    const ask = await asking(client(proxy.url));
    await until(ask, 'healthy');
    proxy.setDelay(300);
    await until(ask, 'degraded', /out of use|timeout/);
    proxy.pass();
    await until(ask, 'healthy');
    proxy.blackhole();
    await until(ask, 'degraded', /out of use|timeout/);
    proxy.pass();
    proxy.resetAll();
    await until(ask, 'healthy');
  });

  it('B13 loading its data', async () => {
    await redis.cli('DEBUG', 'POPULATE', '5000');
    const ask = await asking(client(redis.url));
    await until(ask, 'healthy');
    const slow = ['--key-load-delay', '250', '--loading-process-events-interval-bytes', '1024'];
    await redis.restart({ keepData: true, args: slow });
    await until(ask, 'degraded', /out of use|LOADING/);
    await until(ask, 'healthy');
  });

  it('says none of it to strangers (A2.16)', async () => {
    await redis.kill();
    const app = express();
    app.use(healthRouter({ redis: client(redis.url) }));
    const { url } = await serve(app);
    const text = await (await fetch(`${url}/healthz`)).text();
    expect(JSON.parse(text).status).toBe('degraded');
    for (const secret of ['127.0.0.1', String(redis.port), 'reason', 'ECONN', 'memory high', process.version]) {
      expect(text).not.toContain(secret);
    }
  });
});

describe('health of a cluster', () => {
  it('is degraded while one of its masters hangs (B23), and healthy after', async () => {
    const cluster = await startCluster({ masters: 3, replicas: 0 });
    onTestFinished(() => cluster.stop());
    const made = createRedis({ clusterNodes: cluster.addresses }) as RedisClient;
    onTestFinished(() => made.disconnect());
    const ask = await asking(made);
    await until(ask, 'healthy');
    cluster.masters[1]!.pause();
    await until(ask, 'degraded', /a server does not answer|out of use|reading|writing/);
    cluster.masters[1]!.resume();
    await until(ask, 'healthy');
  }, 60_000);
});

async function usedMemory(redis: RedisServer): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(String(await redis.cli('INFO', 'memory')))?.[1]);
}

/** Makes the next background save fail: its folder goes away. */
async function breakSaving(redis: RedisServer): Promise<void> {
  const folder = mkdtempSync('/tmp/warmpath-save-');
  await redis.cli('CONFIG', 'SET', 'dir', folder);
  rmSync(folder, { recursive: true });
  await redis.cli('SET', 'x', '1');
  await redis.cli('BGSAVE').catch(() => {});
}
