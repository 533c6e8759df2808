import { createConnection } from 'node:net';
import { encodeCommand, parseFrame, type RespValue } from './resp.js';

/** One argument of a command. */
export type CommandArgument = string | number | Buffer;

/** Sends one command to a port of 127.0.0.1 or a socket path, on a connection of its own, as redis-cli would. Rejects on an error reply and after `timeoutMs`. */
export function redisCommand(
  target: number | string,
  args: readonly CommandArgument[],
  timeoutMs = 10_000,
): Promise<Exclude<RespValue, Error>> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(
      typeof target === 'string' ? { path: target } : { host: '127.0.0.1', port: target },
    );
    const timer = setTimeout(
      () => socket.destroy(new Error(`No reply to ${String(args[0])} in ${timeoutMs} ms`)),
      timeoutMs,
    );
    let received = Buffer.alloc(0);
    socket.on('connect', () => socket.write(encodeCommand(args)));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const frame = parseFrame(received);
      if (!frame) return;
      socket.destroy();
      if (frame.value instanceof Error) reject(frame.value);
      else resolve(frame.value);
    });
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(timer);
      reject(new Error(`The connection to ${target} closed before a reply to ${String(args[0])}`));
    });
  });
}
