import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import type { RedisClient } from '../../lib/redis/guard.js';
import { scanKeys, unlinkMany } from '../../lib/redis/scan.js';
import { runScript } from '../../lib/redis/scripts.js';
import { createSubscriber } from '../../lib/redis/subscriber.js';
import { eventually, freePort, type RedisServer, startRedis, startTcpProxy } from '../../lib/testing/index.js';
import { afterwards, cleanUp, connect, guard, recordingLogger, type Timings, timings, until } from './support.js';

// The promises in numbers: at most the deadline (100 ms) for the first half second, 5 ms after, back within 2 s.
const DEADLINE_MS = 100;
const SLACK_MS = 50; // timers
const BACK_MS = 2000;

afterEach(cleanUp);

async function redis(args: readonly string[] = []): Promise<RedisServer> {
  const server = await startRedis({ args });
  afterwards(() => server.stop());
  return server;
}

function expectBounded(found: Timings): void {
  expect(found.longest).toBeLessThan(DEADLINE_MS + SLACK_MS);
  expect(found.percentile(0.99, 500)).toBeLessThan(5);
}

describe('a Redis that is away', () => {
  it('B1: refused at the start costs nothing, and is joined when it appears', async () => {
    const server = await startRedis({ started: false });
    afterwards(() => server.stop());
    const watched = guard(connect(server.url));
    const found = await timings(() => watched.readMany(['a']), 1500);
    expect(found.percentile(0.99)).toBeLessThan(5);
    await server.restart();
    expect(await until('up', watched)).toBeLessThan(BACK_MS);
    expect(await watched.readMany(['a'])).toEqual([null]);
  });

  it('B2: killed and restarted empty is noticed at once and used again soon', async () => {
    const server = await redis();
    const watched = guard(connect(server.url));
    await until('up', watched);
    await server.kill();
    const found = await timings(() => watched.run('read', (client) => client.get('a')), 1000);
    expect(found.percentile(0.99)).toBeLessThan(5);
    await server.restart();
    expect(await until('up', watched)).toBeLessThan(BACK_MS);
  });

  it.each(['our options', 'the defaults of ioredis'])(
    'B3: hung with its sockets open costs the deadline once, hardly anything twice, then nothing (%s)',
    async (options) => {
      const server = await redis();
      const client = options === 'our options' ? connect(server.url) : new Redis(server.port);
      afterwards(() => client.disconnect());
      client.on('error', () => {});
      const watched = guard(client);
      await until('up', watched);
      server.pause();
      const found = await timings(() => watched.readMany(['a']), 2500);
      expectBounded(found);
      expect(found.slower(DEADLINE_MS / 2)).toBe(1);
      server.resume();
      expect(await until('up', watched)).toBeLessThan(BACK_MS);
    },
  );

  it.each(['our options', 'the defaults of ioredis'])(
    'B4: hung at the start is joined when it wakes (%s)',
    async (options) => {
      const server = await redis();
      server.pause();
      const client = options === 'our options' ? connect(server.url) : new Redis(server.port);
      afterwards(() => client.disconnect());
      client.on('error', () => {});
      const logger = recordingLogger();
      const watched = guard(client, { logger });
      const found = await timings(() => watched.run('read', (given) => given.get('a')), 1500);
      expect(found.percentile(0.99)).toBeLessThan(5);
      expect(logger.lines).toEqual([expect.stringContaining('warn: warmpath: Redis is out of use')]);
      server.resume();
      expect(await until('up', watched)).toBeLessThan(BACK_MS);
    },
  );

  it('B5: 300 ms away is not used, though the client stays connected; it is once it is near', async () => {
    const server = await redis();
    const proxy = await startTcpProxy(server.port);
    afterwards(() => proxy.close());
    proxy.setDelay(300);
    const client = connect(proxy.url);
    const logger = recordingLogger();
    const watched = guard(client, { logger });
    await eventually(() => client.status === 'ready', { timeoutMs: 10_000 });
    const found = await timings(() => watched.readMany(['a']), 1000);
    expectBounded(found);
    expect([watched.state, client.status]).toEqual(['down', 'ready']);
    proxy.setDelay(0);
    expect(await until('up', watched)).toBeLessThan(BACK_MS);
    proxy.setDelay(300);
    expectBounded(await timings(() => watched.readMany(['a']), 1000));
    expect(logger.lines).toHaveLength(3);
  });

  it('B6: cut in the middle of a reply gives nothing rather than a part of it, wherever the cut', async () => {
    const server = await redis();
    const value = 'x'.repeat(100_000);
    await server.cli('SET', 'big', value);
    const proxy = await startTcpProxy(server.port);
    afterwards(() => proxy.close());
    const watched = guard(connect(proxy.url));
    for (const bytes of [0, 1, 5, 9, 10, 5000, 99_999, 100_008]) {
      await until('up', watched);
      proxy.cutAfter(bytes);
      expect(await watched.readMany(['big'])).toBeUndefined();
      proxy.pass();
    }
    await until('up', watched);
    expect((await watched.readMany(['big']))?.map(String)).toEqual([value]);
  });

  it('B7: swallowing everything is as bad as hanging, and no worse', async () => {
    const server = await redis();
    const proxy = await startTcpProxy(server.port);
    afterwards(() => proxy.close());
    const watched = guard(connect(proxy.url));
    await until('up', watched);
    proxy.blackhole();
    expectBounded(await timings(() => watched.readMany(['a']), 1500));
    proxy.pass();
    expect(await until('up', watched)).toBeLessThan(BACK_MS);
  });
});

describe('a Redis that refuses', () => {
  const writes = [
    ['B8: OOM', 'OOM', (server: RedisServer) => server.cli('CONFIG', 'SET', 'maxmemory', '1')],
    ['B9: READONLY', 'READONLY', async (server: RedisServer) => server.cli('REPLICAOF', '127.0.0.1', await freePort())],
    [
      'B11: NOREPLICAS',
      'NOREPLICAS',
      (server: RedisServer) => server.cli('CONFIG', 'SET', 'min-replicas-to-write', '1'),
    ],
    ['B12: MISCONF', 'MISCONF', misconfigure],
  ] as const;

  it.each(writes)('%s: reads go on, writes fail with a word', async (_title, word, arrange) => {
    const server = await redis();
    await server.cli('SET', 'k', 'v');
    const watched = guard(new Redis(server.port).on('error', () => {}));
    afterwards(() => watched.client.disconnect());
    await until('up', watched);
    await arrange(server);
    for (let i = 0; i < 10; i++) {
      expect(await watched.run('write', (client) => client.set('k', 'w'))).toEqual({
        ok: false,
        reason: 'error',
        error: word,
      });
      expect((await watched.readMany(['k']))?.map(String)).toEqual(['v']);
    }
    expect(watched.state).toBe('up');
  });

  it('B9: READONLY makes our client look for the new master once, not at every write', async () => {
    const server = await redis();
    const client = connect(server.url);
    const watched = guard(client);
    await until('up', watched);
    let reconnects = 0;
    client.on('reconnecting', () => {
      reconnects += 1;
    });
    await server.cli('REPLICAOF', '127.0.0.1', await freePort());
    const found = await timings(() => watched.run('write', (given) => given.set('k', 'v')), 900);
    expect(found.count).toBeGreaterThan(20);
    expect(reconnects).toBe(1);
    await until('up', watched);
    expect(await watched.readMany(['k'])).toEqual([null]);
    await server.cli('REPLICAOF', 'NO', 'ONE');
    await eventually(async () => (await watched.run('write', (given) => given.set('k', 'v'))).ok, {
      timeoutMs: BACK_MS,
    });
  });

  it('B10: MASTERDOWN takes it out of use until it serves again', async () => {
    const server = await redis();
    const watched = guard(connect(server.url));
    await until('up', watched);
    await server.cli('CONFIG', 'SET', 'replica-serve-stale-data', 'no');
    await server.cli('REPLICAOF', '127.0.0.1', await freePort());
    await readUntilDown(watched);
    await server.cli('REPLICAOF', 'NO', 'ONE');
    expect(await until('up', watched)).toBeLessThan(BACK_MS);
  });

  it('B13: LOADING is waited for, and used soon after', async () => {
    const server = await redis();
    await server.cli('DEBUG', 'POPULATE', '8000', 'key', '100');
    const watched = guard(connect(server.url));
    await until('up', watched);
    await server.restart({
      keepData: true,
      args: ['--key-load-delay', '150', '--loading-process-events-interval-bytes', '1024'],
    });
    await expect(server.cli('GET', 'a')).rejects.toThrow('LOADING');
    const found = await timings(() => watched.readMany(['a']), 1000);
    expect(found.percentile(0.99)).toBeLessThan(5);
    await eventually(() => server.cli('GET', 'key:1'), { timeoutMs: 15_000 });
    expect(await until('up', watched)).toBeLessThan(BACK_MS);
  });

  it('B14: BUSY with a script is out of use until it is killed', async () => {
    const server = await redis(['--busy-reply-threshold', '50']);
    const watched = guard(connect(server.url));
    await until('up', watched);
    const script = server.cli('EVAL', 'while true do end', '0').catch(() => {});
    await readUntilDown(watched);
    await server.cli('SCRIPT', 'KILL');
    await script;
    expect(await until('up', watched)).toBeLessThan(BACK_MS);
  });

  it('B15: CLIENT PAUSE for writes never keeps a caller beyond the deadline', async () => {
    const server = await redis();
    const watched = guard(connect(server.url));
    await until('up', watched);
    await server.cli('CLIENT', 'PAUSE', '1200', 'WRITE');
    const found = await timings(() => watched.run('write', (client) => client.set('a', '1')), 1000);
    expect(found.longest).toBeLessThan(DEADLINE_MS + SLACK_MS);
    await eventually(async () => (await watched.run('write', (client) => client.set('a', '1'))).ok, {
      timeoutMs: 3000,
    });
  });

  it('B18: a user who may not read gets nothing, with one line, until he may', async () => {
    const server = await redis();
    await server.cli('ACL', 'SETUSER', 'app', 'on', '>pw', '~other:*', '&*', '+@all');
    const logger = recordingLogger();
    const watched = guard(connect({ url: server.url, username: 'app', password: 'pw' }), { logger });
    await until('up', watched);
    await readUntilDown(watched);
    await timings(() => watched.readMany(['mine:secret']), 800);
    expect(logger.lines.filter((line) => line.startsWith('warn'))).toEqual([
      'warn: warmpath: Redis is out of use (NOPERM); going on without it',
    ]);
    await server.cli('ACL', 'SETUSER', 'app', '~mine:*');
    expect(await until('up', watched)).toBeLessThan(BACK_MS);
  });

  it('B18: a user who may not run scripts reads on, and this is said once', async () => {
    const server = await redis();
    await server.cli('ACL', 'SETUSER', 'app', 'on', '>pw', '~*', '&*', '+@all', '-@scripting');
    const logger = recordingLogger();
    const watched = guard(connect({ url: server.url, username: 'app', password: 'pw' }), { logger });
    await until('up', watched);
    for (let i = 0; i < 10; i++) {
      const reply = await watched.run('lease', (client) => client.eval('return 1', 0), 2000);
      expect(reply).toEqual({ ok: false, reason: 'error', error: 'NOPERM' });
    }
    expect([watched.state, await watched.readMany(['a'])]).toEqual(['up', [null]]);
    expect(logger.lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
  });
});

describe('a user with the rights the README asks for, and no others', () => {
  const RIGHTS = '+@read +@write +@scripting +@pubsub +@connection +info +time ~shop:* &shop:*';

  it('is admitted, knows the reign, reads, writes, runs scripts, scans and listens, without a warning', async () => {
    const server = await redis();
    await server.cli('ACL', 'SETUSER', 'app', 'on', '>pw', 'resetchannels', ...RIGHTS.split(' '));
    const logger = recordingLogger();
    const watched = guard(connect({ url: server.url, username: 'app', password: 'pw' }), { logger });
    await until('up', watched);
    const listener = createSubscriber(watched, { logger });
    afterwards(() => listener.close());
    const heard: string[] = [];
    listener.subscribe('shop:1:i:x', (message) => heard.push(String(message)));
    await eventually(() => listener.isConfirmed);
    const calls: ((client: RedisClient) => Promise<unknown>)[] = [
      (client) => client.set('shop:k', 'v', 'PX', 10_000),
      (client) => runScript(client, "return redis.call('GET', KEYS[1])", ['shop:k'], []),
      (client) => client.publish('shop:1:i:x', 'hello'),
      async (client) => {
        for await (const keys of scanKeys(client, 'shop:')) await unlinkMany(client, keys);
      },
    ];
    for (const call of calls) expect(await watched.run('call', call, 1000)).toMatchObject({ ok: true });
    expect(await watched.readMany(['shop:k'])).toEqual([null]);
    await eventually(() => heard.length === 1);
    expect(logger.lines).toEqual(['info: warmpath: Redis is in use']);
  });
});

describe('what was given up', () => {
  it('C3.6: may still be executed later, and nobody waits for it', async () => {
    const server = await redis();
    const watched = guard(connect(server.url));
    await until('up', watched);
    server.pause();
    const found = await timings(async () => {
      const reply = await watched.run('write', (client) => client.set('zombie', 'walks'));
      expect(reply).toEqual({ ok: false, reason: 'timeout' });
    }, DEADLINE_MS);
    expect(found.longest).toBeLessThan(DEADLINE_MS + SLACK_MS);
    server.resume();
    await eventually(async () => (await server.cli('GET', 'zombie')) === 'walks');
  });

  it('A5.11: is executed once at most when a reply is lost', async () => {
    const server = await redis();
    const proxy = await startTcpProxy(server.port);
    afterwards(() => proxy.close());
    const watched = guard(connect(proxy.url));
    await until('up', watched);
    proxy.cutAfter(0);
    expect((await watched.run('count', (client) => client.incr('hits'))).ok).toBe(false);
    proxy.pass();
    await until('up', watched);
    expect(await server.cli('GET', 'hits')).toBe('1');
  });

  it('B39: ten thousand callers at once on a hung server share one wait', async () => {
    const server = await redis();
    const watched = guard(connect(server.url));
    await until('up', watched);
    server.pause();
    const found = await timings(async () => {
      const answers = await Promise.all(Array.from({ length: 10_000 }, (_, i) => watched.readMany([`k${i % 50}`])));
      expect(answers.every((values) => values === undefined)).toBe(true);
    }, 1);
    expect(found.longest).toBeLessThan(DEADLINE_MS + SLACK_MS);
  });
});

async function readUntilDown(watched: ReturnType<typeof guard>): Promise<void> {
  await eventually(async () => {
    expect(await watched.readMany(['mine:secret'])).toBeUndefined();
    return watched.state === 'down';
  });
}

async function misconfigure(server: RedisServer): Promise<void> {
  // A dump file name that is a directory cannot be written.
  await server.cli('CONFIG', 'SET', 'save', '3600 1');
  await server.cli('SET', 'changed', '1');
  process.kill(server.pid ?? 0, 0);
  const directory = ((await server.cli('CONFIG', 'GET', 'dir')) as string[])[1] ?? '';
  const { mkdirSync } = await import('node:fs');
  mkdirSync(`${directory}/dump.rdb/in-the-way`, { recursive: true });
  await server.cli('BGSAVE');
  await eventually(async () => {
    await expect(server.cli('SET', 'changed', '2')).rejects.toThrow('MISCONF');
    return true;
  });
}
