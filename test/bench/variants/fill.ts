// Puts many answers into a cache without the network: the server is given requests that have no connection.
import { randomBytes } from 'node:crypto';
import { IncomingMessage, type Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';

export interface FillOrder {
  /** Answers `/movies/from` … `/movies/(to - 1)`. */
  readonly from: number;
  readonly to: number;
  /** `Host` of the requests: part of a key. */
  readonly host: string;
}

/** Hands one request per path to a server, and lets the event loop run now and then. */
export async function fill(server: Server, { from, to, host }: FillOrder): Promise<void> {
  const socket = new Socket();
  for (let id = from; id < to; id++) {
    const req = new IncomingMessage(socket);
    req.method = 'GET';
    req.url = `/movies/${id}`;
    req.headers = { host };
    req.httpVersionMajor = 1;
    req.httpVersionMinor = 1;
    server.emit('request', req, new ServerResponse(req));
    if (id % 500 === 0) await turn();
  }
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
