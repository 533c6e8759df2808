import { once } from 'node:events';
import { get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ask } from '../flows/support/serve.js';
import { startLoadApp } from './load-app-process.js';

/** A3.10: readers of one stored megabyte who take one piece and then nothing. Resolves to what they cost, in bytes. */
export async function slowReaders(
  readers: number,
): Promise<{ readers: number; addedBytes: number; addedBuffers: number }> {
  const app = await startLoadApp();
  const sockets: Socket[] = [];
  try {
    await ask(`${app.url}/megabyte`);
    await ask(`${app.url}/megabyte`);
    const before = await app.state('gc');
    for (let i = 0; i < readers; i++) sockets.push(await slowReader(app.port));
    await delay(500);
    const after = await app.state('gc');
    return { readers, addedBytes: after.rss - before.rss, addedBuffers: after.arrayBuffers - before.arrayBuffers };
  } finally {
    for (const socket of sockets) socket.destroy();
    await app.stop();
  }
}

async function slowReader(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {}); // ends with its server
  await once(socket, 'connect');
  socket.write('GET /megabyte HTTP/1.1\r\nHost: films.test\r\n\r\n');
  await once(socket, 'readable');
  socket.read(1);
  return socket;
}

/** A3.7: bodies far over the limit, at once. Resolves to the highest resident size in bytes, and to what arrived. */
export async function streams(
  count: number,
  megabytes: number,
): Promise<{ peak: number; before: number; received: number }> {
  const app = await startLoadApp();
  try {
    const { rss: before } = await app.state('gc');
    const received = await Promise.all(
      Array.from({ length: count }, () => countBytes(`${app.url}/stream/${megabytes}`)),
    );
    const { peak } = await app.state();
    return { peak, before, received: received.reduce((sum, bytes) => sum + bytes, 0) };
  } finally {
    await app.stop();
  }
}

function countBytes(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (res) => {
      let bytes = 0;
      res.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      res.on('end', () => resolve(bytes));
      res.on('error', reject);
    }).on('error', reject);
  });
}
