import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RedisGuard } from '../../lib/redis/guard.js';
import { createSubscriber, type Subscriber } from '../../lib/redis/subscriber.js';
import {
  eventually,
  type RedisServer,
  startCluster,
  startRedis,
  startSentinel,
  startTcpProxy,
} from '../../lib/testing/index.js';
import { afterwards, cleanUp, connect, guard, recordingLogger } from './support.js';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
afterEach(cleanUp);

function subscriber(watched: RedisGuard): Subscriber & { readonly told: string[] } {
  const made = createSubscriber(watched);
  const told: string[] = [];
  made.onConfirmed(() => told.push('confirmed'));
  made.onLost(() => told.push('lost'));
  afterwards(() => made.close());
  return Object.assign(made, { told });
}

async function subscribers(channel: string, on = server): Promise<number> {
  return Number(((await on.cli('PUBSUB', 'NUMSUB', channel)) as [string, number])[1]);
}

describe('createSubscriber', () => {
  it('connects with the first subscription, not before', async () => {
    const own = await startRedis();
    afterwards(() => own.stop());
    const made = subscriber(guard(connect(own.url)));
    expect(String(await own.cli('CLIENT', 'LIST', 'TYPE', 'pubsub')).trim()).toBe('');
    made.subscribe('c', () => {});
    await eventually(() => made.isConfirmed);
    expect(await subscribers('c', own)).toBe(1);
    expect(made.told).toEqual(['confirmed']);
  });

  it('delivers bytes unchanged to every listener of a channel, and to none after it left', async () => {
    const made = subscriber(guard(connect(server.url)));
    const bytes = Buffer.from([0, 255, 44, 13, 10]);
    const [one, two]: Buffer[][] = [[], []];
    const leave = made.subscribe('bytes', (message) => one!.push(message));
    made.subscribe('bytes', () => {
      throw new Error('a broken listener');
    });
    made.subscribe('bytes', (message) => two!.push(message));
    await eventually(() => made.isConfirmed);
    await server.cli('PUBLISH', 'bytes', bytes);
    await eventually(() => two!.length === 1);
    leave();
    leave();
    await server.cli('PUBLISH', 'bytes', 'second');
    await eventually(() => two!.length === 2);
    expect([one, two!.map(String)[1]]).toEqual([[bytes], 'second']);
  });

  it('takes channels up and lets them go while it runs', async () => {
    const made = subscriber(guard(connect(server.url)));
    made.subscribe('first', () => {});
    await eventually(() => made.isConfirmed);
    let active = 0;
    const leave = made.subscribe(
      'second',
      () => {},
      () => {
        active += 1;
      },
    );
    await eventually(() => active === 1);
    expect(await subscribers('second')).toBe(1);
    leave();
    await eventually(async () => (await subscribers('second')) === 0);
    made.subscribe(
      'second',
      () => {},
      () => {
        active += 1;
      },
    );
    await eventually(() => active === 2);
    expect(made.told).toEqual(['confirmed']);
  });

  it('B24: tells of a killed connection, subscribes again and tells of that', async () => {
    const made = subscriber(guard(connect(server.url)));
    const heard: string[] = [];
    let active = 0;
    made.subscribe(
      'news',
      (message) => heard.push(String(message)),
      () => {
        active += 1;
      },
    );
    await eventually(() => made.isConfirmed);
    await server.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await eventually(() => made.told.length === 3);
    expect(made.told).toEqual(['confirmed', 'lost', 'confirmed']);
    await server.cli('PUBLISH', 'news', 'after');
    await eventually(() => heard.length === 1);
    expect([heard, active]).toEqual([['after'], 2]);
  });

  it('notices within two seconds a peer that vanished without a word', async () => {
    const proxy = await startTcpProxy(server.port);
    afterwards(() => proxy.close());
    const made = subscriber(guard(connect(proxy.url)));
    made.subscribe('c', () => {});
    await eventually(() => made.isConfirmed);
    proxy.blackhole();
    const startedAt = performance.now();
    await eventually(() => !made.isConfirmed);
    expect(performance.now() - startedAt).toBeLessThan(2300);
    proxy.pass();
    await eventually(() => made.isConfirmed);
    expect(made.told).toEqual(['confirmed', 'lost', 'confirmed']);
  });

  it('B1: waits for a Redis that comes later', async () => {
    const own = await startRedis({ started: false });
    afterwards(() => own.stop());
    const made = subscriber(guard(connect(own.url)));
    made.subscribe('c', () => {});
    await own.restart();
    await eventually(() => made.isConfirmed, { timeoutMs: 2000 });
    expect(made.told).toEqual(['confirmed']);
  });

  it('works beside whatever client the user made', async () => {
    const variants = [{ protocol: 2 as const }, { protocol: 3 as const }, { keyPrefix: 'app:' }, { lazyConnect: true }];
    const made = variants.map((options) => {
      const client = new Redis(server.port, options);
      afterwards(() => client.disconnect());
      return subscriber(guard(client));
    });
    const heard: string[] = [];
    for (const [i, one] of made.entries()) one.subscribe('plain', (message) => heard.push(`${i} ${message}`));
    await eventually(() => made.every(({ isConfirmed }) => isConfirmed));
    await server.cli('PUBLISH', 'plain', 'x');
    await eventually(() => heard.length === 4);
    const pings = async () =>
      Number(/cmdstat_ping:calls=(\d+)/.exec(String(await server.cli('INFO', 'commandstats')))?.[1] ?? 0);
    const before = await pings();
    await eventually(async () => (await pings()) >= before + 8);
    expect(made.map(({ told }) => told)).toEqual(variants.map(() => ['confirmed']));
  });

  it('B18: says once that a user may not subscribe, and works as soon as he may', async () => {
    await server.cli('ACL', 'SETUSER', 'mute', 'on', '>pw', '~*', 'resetchannels', '+@all');
    const logger = recordingLogger();
    const made = createSubscriber(guard(connect({ url: server.url, username: 'mute', password: 'pw' })), { logger });
    afterwards(() => made.close());
    made.subscribe('c', () => {});
    await eventually(() => logger.lines.length > 0);
    expect(made.isConfirmed).toBe(false);
    await server.cli('ACL', 'SETUSER', 'mute', 'allchannels');
    await eventually(() => made.isConfirmed);
    expect(logger.lines).toEqual([
      'warn: warmpath: the Redis user may not subscribe to the channels of this package (NOPERM)',
    ]);
  });

  it('leaves nothing behind when closed, whenever that is', async () => {
    const client = connect(server.url);
    const watched = guard(client);
    const clients = async () => String(await server.cli('CLIENT', 'LIST')).split('\n').length;
    await eventually(() => watched.state === 'up');
    const before = await clients();
    for (let i = 0; i < 20; i++) {
      const made = createSubscriber(watched);
      made.subscribe('c', () => {});
      if (i % 2 === 0) await eventually(() => made.isConfirmed);
      made.close();
      made.close();
      made.subscribe('c', () => {});
    }
    await eventually(async () => (await clients()) === before);
  });

  it('B19: follows Sentinel to the new master', async () => {
    const sentinel = await startSentinel();
    afterwards(() => sentinel.stop());
    const made = subscriber(guard(connect({ sentinels: sentinel.sentinels, name: sentinel.name })));
    const heard: string[] = [];
    made.subscribe('news', (message) => heard.push(String(message)));
    await eventually(() => made.isConfirmed);
    await sentinel.master.kill();
    await eventually(() => !made.isConfirmed);
    await eventually(() => made.isConfirmed, { timeoutMs: 15_000 });
    await sentinel.replica.cli('PUBLISH', 'news', 'from the new master');
    await eventually(() => heard.length === 1);
  });

  it('C4.6: on a cluster hears what any node is told, and moves on when its node dies or hangs', async () => {
    const cluster = await startCluster({ masters: 3 });
    afterwards(() => cluster.stop());
    const made = subscriber(guard(connect({ clusterNodes: cluster.addresses })));
    const heard: string[] = [];
    made.subscribe('news', (message) => heard.push(String(message)));
    await eventually(() => made.isConfirmed);
    for (const [i, node] of cluster.masters.entries()) await node.cli('PUBLISH', 'news', String(i));
    await eventually(() => heard.length === 3);
    expect(heard.sort()).toEqual(['0', '1', '2']);

    const listened = async () => {
      const counts = await Promise.all(
        cluster.masters.filter(({ pid }) => pid).map((node) => subscribers('news', node)),
      );
      return cluster.masters.filter(({ pid }) => pid)[counts.indexOf(1)];
    };
    const first = await listened();
    first?.pause();
    await eventually(() => made.told.length === 3, { timeoutMs: 8000 });
    first?.resume();
    const second = await eventually(listened);
    expect(second).not.toBe(first);
    await second?.kill();
    await eventually(() => made.told.length === 5, { timeoutMs: 8000 });
    expect(made.told).toEqual(['confirmed', 'lost', 'confirmed', 'lost', 'confirmed']);
  });
});
