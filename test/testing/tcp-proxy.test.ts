import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually, type RedisServer, startRedis, startTcpProxy, type TcpProxy } from '../../lib/testing/index.js';
import { encodeCommand } from '../../lib/testing/resp.js';

let server: RedisServer;
let proxy: TcpProxy;
let client: Socket;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  proxy = await startTcpProxy(server.port);
  client = await connect();
});
afterEach(async () => {
  client.destroy();
  await proxy.close();
});

async function connect(): Promise<Socket> {
  const socket = createConnection({ host: proxy.host, port: proxy.port });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function ask(socket: Socket, ...args: string[]): Promise<string> {
  socket.write(encodeCommand(args));
  const [chunk] = await once(socket, 'data');
  return String(chunk);
}

describe('startTcpProxy', () => {
  it('passes bytes on', async () => {
    expect(await ask(client, 'PING')).toBe('+PONG\r\n');
    expect(proxy.connections).toBe(1);
  });

  it('delays replies', async () => {
    proxy.setDelay(80);
    const startedAt = performance.now();
    await ask(client, 'PING');
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(78);
  });

  it('cuts the connection after a number of bytes, for new connections too, until told to pass', async () => {
    proxy.cutAfter(3);
    for (const socket of [client, await connect()]) {
      expect(await ask(socket, 'PING')).toBe('+PO');
      await eventually(() => socket.destroyed);
    }
    proxy.pass();
    expect(await ask(await connect(), 'PING')).toBe('+PONG\r\n');
  });

  it('swallows everything without closing, and such a connection stays dead', async () => {
    proxy.blackhole();
    let received = 0;
    client.on('data', () => {
      received += 1;
    });
    client.write(encodeCommand(['INCR', 'swallowed']));
    const other = await connect();
    other.write(encodeCommand(['INCR', 'swallowed']));
    await eventually(() => proxy.connections === 2);
    proxy.pass();
    expect(await ask(await connect(), 'PING')).toBe('+PONG\r\n');
    client.write(encodeCommand(['INCR', 'swallowed']));
    expect(await server.cli('GET', 'swallowed')).toBeNull();
    expect([received, client.destroyed]).toEqual([0, false]);
    other.destroy();
  });

  it('drops whole frames that contain a text, and only so many', async () => {
    await ask(client, 'SUBSCRIBE', 'news');
    const messages: string[] = [];
    client.on('data', (chunk) => messages.push(...(String(chunk).match(/(?:first|second|third)/g) ?? [])));
    proxy.dropNext(1, 'second');
    for (const text of ['first', 'second', 'second', 'third']) await server.cli('PUBLISH', 'news', text);
    await eventually(() => messages.length === 3);
    expect(messages).toEqual(['first', 'second', 'third']);
  });

  it('resets all connections', async () => {
    proxy.resetAll();
    await eventually(() => client.destroyed && proxy.connections === 0);
  });
});
