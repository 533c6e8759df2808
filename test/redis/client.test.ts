import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cluster, Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { reconnectDelayMs, reconnectOnReadonly } from '../../lib/redis/client-defaults.js';
import {
  eventually,
  freePort,
  startCluster,
  startRedis,
  startSentinel,
  startTcpProxy,
} from '../../lib/testing/index.js';
import { afterwards, cleanUp, connect, timings } from './support.js';

afterEach(cleanUp);

async function redis(args: readonly string[] = []) {
  const server = await startRedis({ args });
  afterwards(() => server.stop());
  return server;
}

/** Does not return to the event loop before. */
function busyFor(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

const ready = (client: { status: string }) => eventually(() => client.status === 'ready');

describe('a client of createRedis', () => {
  it('connects by URL with database and password', async () => {
    const server = await redis(['--requirepass', 'p@ss']);
    const client = connect(`redis://:p%40ss@127.0.0.1:${server.port}/5`);
    await ready(client);
    await client.set('k', 'v');
    expect(await client.call('CLIENT', 'INFO')).toContain(' db=5 ');
  });

  it('keeps a connection whose answer has arrived while the process was too busy to read it', async () => {
    const server = await redis();
    const client = connect(server.url);
    await ready(client);
    let closed = 0;
    client.on('close', () => {
      closed += 1;
    });
    await client.set('k', 'v');
    const answer = client.get('k');
    busyFor(700);
    expect(await answer).toBe('v');
    expect(await client.get('k')).toBe('v');
    expect(closed).toBe(0);
  });

  it('keeps the answered connections to the nodes of a cluster, too', async () => {
    const cluster = await startCluster({ masters: 3, replicas: 0 });
    afterwards(() => cluster.stop());
    const client = connect({ clusterNodes: [...cluster.addresses] });
    await ready(client);
    await client.set('k', 'v');
    let closed = 0;
    for (const node of (client as Cluster).nodes()) {
      node.on('close', () => {
        closed += 1;
      });
    }
    const answer = client.get('k');
    busyFor(700);
    expect(await answer).toBe('v');
    expect(closed).toBe(0);
  });

  it('connects by Unix socket', async () => {
    const server = await redis();
    const client = connect(server.socketPath);
    await ready(client);
    expect(await client.ping()).toBe('PONG');
  });

  it('connects by TLS, and refuses a certificate it does not trust', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'warmpath-tls-'));
    afterwards(() => rmSync(directory, { recursive: true }));
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-keyout', key, '-out', cert, ...subject],
      { stdio: 'ignore' },
    );
    const tlsPort = await freePort();
    const tls = {
      'tls-port': String(tlsPort),
      'tls-cert-file': cert,
      'tls-key-file': key,
      'tls-ca-cert-file': cert,
      'tls-auth-clients': 'no',
    };
    await redis(Object.entries(tls).flatMap(([name, value]) => [`--${name}`, value]));

    const trusting = connect({ url: `rediss://localhost:${tlsPort}`, tls: { ca: readFileSync(cert) } });
    await ready(trusting);
    expect(await trusting.ping()).toBe('PONG');

    const wary = connect(`rediss://127.0.0.1:${tlsPort}`);
    const [error] = await new Promise<[Error & { code?: string }]>((resolve) => {
      wary.once('error', (first: Error) => resolve([first]));
    });
    expect(error.code).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
  });

  it('connects through Sentinel and to a Cluster', async () => {
    const [sentinel, cluster] = await Promise.all([startSentinel(), startCluster({ masters: 3 })]);
    afterwards(() => Promise.all([sentinel.stop(), cluster.stop()]));
    const clients = [
      connect({ sentinels: sentinel.sentinels.map(({ host, port }) => `${host}:${port}`), name: sentinel.name }),
      connect({ clusterNodes: cluster.addresses }),
    ];
    for (const client of clients) {
      await ready(client);
      expect(await client.set('k', 'v')).toBe('OK');
      expect(await client.get('k')).toBe('v');
    }
  });

  it('C3.1: refuses at once while Redis is away, and tells nobody by an exception', async () => {
    const client = connect(`redis://127.0.0.1:${await freePort()}`);
    const found = await timings(() => expect(client.get('k')).rejects.toThrow(), 800);
    expect(found.longest).toBeLessThan(50);
  });

  it('C3.3: recycles a connection that hangs, so that its commands end', async () => {
    const server = await redis();
    const client = connect(server.url);
    await ready(client);
    server.pause();
    const startedAt = performance.now();
    await expect(client.get('k')).rejects.toThrow();
    expect(performance.now() - startedAt).toBeLessThan(900);
    server.resume();
    await eventually(() => client.get('k').then(() => true), { timeoutMs: 2000 });
  });

  it('C3.5: never executes a command twice', async () => {
    const server = await redis();
    const proxy = await startTcpProxy(server.port);
    afterwards(() => proxy.close());
    const client = connect(proxy.url);
    await ready(client);
    proxy.cutAfter(0);
    await expect(client.incr('n')).rejects.toThrow();
    proxy.pass();
    await eventually(() => client.ping().then(() => true));
    expect(await server.cli('GET', 'n')).toBe('1');
  });

  it('C3.8: connects over a line with a round trip of 300 ms', async () => {
    const server = await redis();
    const proxy = await startTcpProxy(server.port);
    afterwards(() => proxy.close());
    proxy.setDelay(300);
    const client = connect(proxy.url);
    await eventually(() => client.status === 'ready', { timeoutMs: 4000 });
  });

  it('tells the user of no error twice: what the user listens for is still heard', async () => {
    const client = connect(`redis://127.0.0.1:${await freePort()}`);
    const error = await new Promise<Error>((resolve) => client.once('error', resolve));
    expect(error.message).toContain('ECONNREFUSED');
    expect(client).toBeInstanceOf(Redis);
  });
});

describe('reconnecting', () => {
  it('waits ever longer, never much more than half a second, and not all at the same time', () => {
    const delays = (attempt: number) => Array.from({ length: 200 }, () => reconnectDelayMs(attempt));
    expect(Math.min(...delays(1))).toBeGreaterThanOrEqual(50);
    expect(Math.max(...delays(1))).toBeLessThan(300);
    expect(Math.min(...delays(100))).toBeGreaterThanOrEqual(500);
    expect(Math.max(...delays(1_000_000))).toBeLessThan(750);
    expect(new Set(delays(100)).size).toBeGreaterThan(50);
  });

  it('happens on READONLY, ever more rarely while it does not help', () => {
    let now = 0;
    const decide = reconnectOnReadonly(() => now);
    const [readonly, other] = [new Error("READONLY You can't write"), new Error('OOM command not allowed')];
    const at = (ms: number, error = readonly) => {
      now = ms;
      return decide(error);
    };
    const instants = [0, 10, 1500, 2500, 5600, 7000, 100_000, 101_500];
    expect(at(0, other)).toBe(false);
    expect(instants.filter((ms) => at(ms))).toEqual([0, 1500, 5600, 100_000, 101_500]);
  });
});
