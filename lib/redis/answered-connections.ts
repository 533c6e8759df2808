import type { Cluster, Redis } from 'ioredis';

/**
 * Keeps the connections of a client that have been answered. The `socketTimeout` of ioredis is a timer, and timers run
 * before sockets are read: a process that was busy for longer, with a burst of requests for instance, would take its own
 * delay for that of Redis and cut a connection whose answer has arrived.
 */
export function keepAnsweredConnections(client: Redis | Cluster): void {
  if (!client.isCluster) return watch(client as Redis);
  client.on('+node', watch);
  for (const node of (client as Cluster).nodes()) watch(node);
}

function watch(redis: Redis): void {
  redis.on('connect', () => readBeforeTimeout(redis));
}

function readBeforeTimeout({ stream }: Redis): void {
  const destroy = stream.destroy.bind(stream);
  stream.destroy = (error) => {
    if (!error?.message.startsWith('Socket timeout')) return destroy(error);
    const { bytesRead } = stream;
    // By then what had arrived is read.
    setImmediate(() => stream.bytesRead === bytesRead && destroy(error));
    return stream;
  };
}
