import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runScript } from '../../lib/redis/scripts.js';
import { eventually, type RedisCluster, type RedisServer, startCluster, startRedis } from '../../lib/testing/index.js';
import { cleanUp, connect } from './support.js';

const COUNT = "return redis.call('INCRBY', KEYS[1], ARGV[1])";
const ECHO = "redis.call('SET', KEYS[1], ARGV[1]) return {redis.call('GET', KEYS[1]), 7, false}";
const BINARY = Buffer.from([0, 255, 13, 10, 128]);

afterEach(cleanUp);

describe('runScript', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  it('passes bytes in and out unchanged, and numbers as numbers', async () => {
    const client = connect(server.url);
    await eventually(() => client.status === 'ready');
    expect(await runScript(client, ECHO, ['bytes'], [BINARY])).toEqual([BINARY, 7, null]);
    expect(await runScript(client, 'return nil', [], [])).toBeNull();
  });

  it('B16: counts right through a storm of SCRIPT FLUSH', async () => {
    const client = connect(server.url);
    await eventually(() => client.status === 'ready');
    const calls = Array.from({ length: 500 }, async (_, i) => {
      if (i % 10 === 0) await server.cli('SCRIPT', 'FLUSH');
      return runScript(client, COUNT, ['storm'], [1]);
    });
    await Promise.all(calls);
    expect(await server.cli('GET', 'storm')).toBe('500');
  });

  it('works with auto-pipelining and with a keyPrefix', async () => {
    const client = connect({ url: server.url, enableAutoPipelining: true, keyPrefix: 'app:' });
    await eventually(() => client.status === 'ready');
    await server.cli('SCRIPT', 'FLUSH');
    await Promise.all(Array.from({ length: 100 }, () => runScript(client, COUNT, ['piped'], [2])));
    expect(await server.cli('GET', 'app:piped')).toBe('200');
  });

  it('rejects with what the script said, having run it once', async () => {
    const client = connect(server.url);
    await eventually(() => client.status === 'ready');
    await server.cli('RPUSH', 'list', 'x');
    await expect(runScript(client, COUNT, ['list'], [1])).rejects.toThrow('WRONGTYPE');
  });
});

describe('runScript on a cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startCluster({ masters: 3, replicas: 3 });
  });
  afterAll(() => cluster.stop());

  it.each([false, true])(
    'goes to the owner of the key, known to that node or not (auto-pipelining %s)',
    async (enableAutoPipelining) => {
      const client = connect({ clusterNodes: cluster.addresses, enableAutoPipelining });
      await eventually(() => client.status === 'ready');
      const keys = Array.from({ length: 60 }, (_, i) => `count:${enableAutoPipelining}:${i}`);
      await eventually(() => Promise.all(keys.map((key) => client.exists(key))));
      await Promise.all(cluster.masters.map((node) => node.cli('SCRIPT', 'FLUSH')));
      const counts = await Promise.all([...keys, ...keys].map((key) => runScript(client, COUNT, [key], [1])));
      expect(counts.filter((count) => count === 2)).toHaveLength(60);
    },
  );

  it('goes on after a failover to a node that never saw the script', async () => {
    const client = connect({ clusterNodes: cluster.addresses });
    await eventually(() => client.status === 'ready');
    await eventually(() => runScript(client, COUNT, ['orphan'], [1]));
    const successorOf = await cluster.masterOf('orphan');
    for (const node of cluster.replicas) {
      const info = String(await node.cli('INFO', 'replication'));
      if (!info.includes(`master_port:${successorOf.port}`)) continue;
      await node.cli('SCRIPT', 'FLUSH');
      await cluster.promote(node);
    }
    const before = Number(await (await cluster.masterOf('orphan')).cli('GET', 'orphan'));
    await eventually(() => runScript(client, COUNT, ['orphan'], [1]));
    expect(Number(await (await cluster.masterOf('orphan')).cli('GET', 'orphan'))).toBe(before + 1);
  });
});
