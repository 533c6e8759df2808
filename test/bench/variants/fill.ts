// Puts many answers into a cache without the network: over a connection in memory, so that requests are as all others.
import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { MemoryConnection } from '../harness/memory-connection.js';

export interface FillOrder {
  /** Answers `/movies/from` … `/movies/(to - 1)`. */
  readonly from: number;
  readonly to: number;
  /** `Host` of the requests: part of a key. */
  readonly host: string;
}

/** Asks a server for one path after the other. */
export async function fill(server: Server, { from, to, host }: FillOrder): Promise<void> {
  if (from === to) return;
  await new Promise<void>((resolve) => {
    const request = (turn: number): Buffer =>
      Buffer.from(`GET /movies/${from + turn} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    const connection = new MemoryConnection(request, to - from, () => {
      connection.destroy();
      resolve();
    });
    server.emit('connection', connection);
    connection.start();
  });
  await turn();
}

/** A body of 1 KB that no coding makes smaller. */
export function incompressible(): Buffer {
  return randomBytes(1024);
}

/** Memory in use once garbage is gone; needs `--expose-gc`. */
export async function settledMemory(): Promise<{ rss: number; heapAndExternal: number }> {
  let last = Number.POSITIVE_INFINITY;
  // What is stored is compressed behind the answer: measured when nothing changes any more.
  for (let i = 0; i < 50; i++) {
    (globalThis as { gc?: () => void }).gc?.();
    await new Promise((resolve) => setTimeout(resolve, 200));
    (globalThis as { gc?: () => void }).gc?.();
    const { heapUsed, external } = process.memoryUsage();
    if (Math.abs(heapUsed + external - last) < last * 0.002) break;
    last = heapUsed + external;
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heapAndExternal: heapUsed + external };
}
