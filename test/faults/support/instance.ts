import type { AddressInfo } from 'node:net';
import { createServer } from '../../../lib/middleware/create-server.js';
import { gracefulShutdown } from '../../../lib/middleware/graceful-shutdown.js';
import { createRedis } from '../../../lib/redis/client.js';
import { filmApp, memoryDatabase, remoteDatabase } from './film-app.js';
import type { InstanceSpec } from './start-instance.js';

// A process of its own with the film app, as an operator would run it.
const spec = JSON.parse(process.env.INSTANCE ?? '{}') as InstanceSpec;
if (spec.clockSkewMs !== undefined) {
  const { clockSkewMs } = spec;
  const now = Date.now;
  Date.now = () => now() + clockSkewMs;
}
const redis = spec.redis === undefined ? undefined : createRedis(spec.redis);
const database = spec.databaseUrl === undefined ? memoryDatabase() : remoteDatabase(spec.databaseUrl);
const { app, cache } = filmApp({ redis, database, ...(spec.cache === undefined ? {} : { cache: spec.cache }) });
const server = createServer(app, { cache });
// A client that reuses a connection just as it is closed for idling would take that for a failure.
server.keepAliveTimeout = 3_600_000;
gracefulShutdown(server, { cache, redis, grace: '2s' });
process.on('unhandledRejection', (error) => {
  console.error('unhandled', error);
  process.exit(70);
});
cache.events.on('redis-state', ({ state }) => process.send?.({ state }));
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('disconnect', () => process.exit(0));
