import dns from 'node:dns';
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createCache } from '../../lib/cache/cache.js';
import type { CreateRedisOptions } from '../../lib/redis/connection-options.js';
import { eventually, freePort, type RedisServer, startRedis } from '../../lib/testing/index.js';
import { CERTIFICATE, EXPIRED_CERTIFICATE, KEY } from './fixtures/certificates.js';
import { afterwards, cleanUp, connect } from './support.js';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
afterEach(cleanUp);

/** Passes everything on to the server, from wherever `listen` makes it listen. */
function relay(make: (onConnection: (socket: Socket) => void) => Server): Server {
  const sockets = new Set<Socket>();
  const made = make((socket) => {
    const target = connectTcp(server.port, '127.0.0.1');
    for (const one of [socket, target]) {
      sockets.add(one);
      one.on('error', () => {}); // the other end shows it
      one.on('close', () => [socket, target].map((both) => both.destroy()));
    }
    socket.pipe(target).pipe(socket);
  });
  afterwards(() => {
    for (const socket of sockets) socket.destroy();
    made.close();
  });
  return made;
}

/** A TLS endpoint of the server, with the certificate given. */
async function secure(cert: string): Promise<number> {
  const port = await freePort();
  const endpoint = relay((onConnection) => createTlsServer({ key: KEY, cert }, onConnection));
  endpoint.on('tlsClientError', () => {}); // the client refused the certificate
  await new Promise<void>((resolve) => endpoint.listen(port, '127.0.0.1', resolve));
  return port;
}

/** What a cache over this connection logs, and whether it comes to use Redis. */
function cacheOver(options: string | CreateRedisOptions) {
  const warnings: string[] = [];
  const warn = (...parts: unknown[]): void => void warnings.push(parts.join(' '));
  const cache = createCache({ redis: connect(options), logger: { debug() {}, info() {}, warn, error: warn } });
  afterwards(() => cache.close({ grace: '100ms' }));
  return { cache, warnings };
}

async function expectInUse(options: string | CreateRedisOptions): Promise<void> {
  const { cache, warnings } = cacheOver(options);
  await eventually(() => cache.stats().level === 'redis');
  await cache.set('a', 1, { ttl: '1h' });
  expect(await cache.get('a')).toBe(1);
  expect(cache.stats().caches.data?.redisHits).toBe(1);
  expect(warnings).toEqual([]);
}

/** One clear line, values kept in this process meanwhile, and no second line however long it lasts. */
async function expectOneWarning(options: string | CreateRedisOptions, reason: RegExp): Promise<void> {
  const { cache, warnings } = cacheOver(options);
  await eventually(() => warnings.length > 0, { timeoutMs: 10_000 });
  for (let i = 0; i < 20; i++) {
    await cache.set('a', i, { ttl: '1h' });
    expect(await cache.get('a')).toBe(i);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(reason);
}

describe('B43 a connection that is not plain IPv4', () => {
  it('B43 goes over a Unix socket', async () => {
    await expectInUse(server.socketPath);
    await expectInUse(`unix://${server.socketPath}`);
  });

  it('B43 goes over TLS, with an authority of the user', async () => {
    const port = await secure(CERTIFICATE);
    await expectInUse({ host: 'localhost', port, family: 4, tls: { ca: CERTIFICATE } });
    await expectInUse({ url: `rediss://127.0.0.1:${port}`, tls: { ca: CERTIFICATE } });
  });

  it('B43 says once that a certificate has expired, and goes on without Redis', async () => {
    const port = await secure(EXPIRED_CERTIFICATE);
    await expectOneWarning({ host: '127.0.0.1', port, tls: { ca: EXPIRED_CERTIFICATE } }, /CERT_HAS_EXPIRED/);
  });

  it('B43 says once that nobody known signed a certificate, or that it speaks plainly to a TLS port', async () => {
    const port = await secure(CERTIFICATE);
    await expectOneWarning(`rediss://127.0.0.1:${port}`, /SELF_SIGNED/);
    await expectOneWarning(`redis://127.0.0.1:${port}`, /out of use \(\w+\)/);
  });

  it('B43 says once that a name leads nowhere, or that there is no such socket', async () => {
    await expectOneWarning('redis://nowhere.invalid:6379', /ENOTFOUND|EAI_AGAIN|ETIMEDOUT|closed/);
    await expectOneWarning('/nowhere/redis.sock', /ENOENT/);
  });

  it('B43 goes to a server that has IPv6 alone, or says once that this machine cannot', async () => {
    const endpoint = relay((onConnection) => createServer(onConnection));
    const isThere = await new Promise<boolean>((resolve) => {
      endpoint.once('error', () => resolve(false));
      endpoint.listen({ port: 0, host: '::1', ipv6Only: true }, () => resolve(true));
    });
    const address = endpoint.address();
    const port = isThere && address !== null && typeof address === 'object' ? address.port : await freePort();
    if (isThere) await expectInUse(`redis://[::1]:${port}`);
    else await expectOneWarning(`redis://[::1]:${port}`, /EADDRNOTAVAIL|ECONNREFUSED|ENETUNREACH|EAFNOSUPPORT/);
  });

  it('B43 looks its name up for every connection, and finds the server where the name leads by then', async () => {
    const { lookup } = dns;
    let leads = true;
    type Done = (error: Error | null, address?: unknown, family?: number) => void;
    dns.lookup = ((name: string, options: dns.LookupOptions, done: Done) => {
      if (name !== 'redis.test') return lookup(name, options, done as never);
      if (!leads) return done(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }));
      if (options.all) return done(null, [{ address: '127.0.0.1', family: 4 }]);
      done(null, '127.0.0.1', 4);
    }) as typeof dns.lookup;
    afterwards(() => {
      dns.lookup = lookup;
    });
    const { cache, warnings } = cacheOver(`redis://redis.test:${server.port}?family=4`);
    await eventually(() => cache.stats().level === 'redis');
    leads = false;
    await server.cli('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await eventually(() => cache.stats().level === 'memory');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(cache.stats().level).toBe('memory');
    leads = true;
    await eventually(() => cache.stats().level === 'redis');
    expect(warnings).toHaveLength(1);
  });
});
