import { createServer } from 'node:net';

/**
 * Where free ports are looked for: above the well-known ones, and below those that Linux (32768), macOS and Windows
 * (49152) give to connections by themselves. A port of theirs may be gone to any connection before it is listened on, or
 * while a server is down.
 */
const FIRST_PORT = 10_000;
const LAST_PORT = 32_767;

// Each process begins elsewhere, so that two of them do not find the same port free at the same moment.
let next = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));

/** Ports of 127.0.0.1 nobody listens on now, all different. Another process may take them before they are used. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tried = FIRST_PORT; ports.length < count && tried <= LAST_PORT; tried += 1) {
    const port = next;
    next = port === LAST_PORT ? FIRST_PORT : port + 1;
    if (await isFree(port)) ports.push(port);
  }
  if (ports.length < count) throw new Error(`There are not ${count} free ports from ${FIRST_PORT} to ${LAST_PORT}`);
  return ports;
}

/** A port of 127.0.0.1 that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const [port = LAST_PORT] = await freePorts(1);
  return port;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
