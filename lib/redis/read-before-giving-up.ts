import type { Cluster, Redis } from 'ioredis';

interface Stream {
  readonly bytesRead?: number;
  destroy(error?: Error): unknown;
}

/**
 * Keeps a busy process from taking its own delay for a server that hangs. ioredis' `socketTimeout` is a timer, and timers
 * run before sockets are read: after half a second without a turn of the event loop it would end a connection on which
 * the answer has long arrived. What has arrived is read first, and if that is anything, the connection stays.
 */
export function readBeforeGivingUp(client: Redis | Cluster): void {
  if (client.isCluster) {
    for (const node of (client as Cluster).nodes()) watch(node);
    client.on('+node', watch);
  } else watch(client as Redis);
}

function watch(redis: Redis): void {
  redis.on('connect', () => spare(redis.stream as Stream));
}

function spare(stream: Stream): void {
  const { destroy } = stream;
  stream.destroy = (error) => {
    if (error === undefined || !error.message.startsWith('Socket timeout')) return destroy.call(stream, error);
    const { bytesRead } = stream;
    // After the poll phase: by then everything that waited to be read has been.
    setImmediate(() => {
      if (stream.bytesRead === bytesRead) destroy.call(stream, error);
    });
    return stream;
  };
}
