import cluster from 'node:cluster';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp } from './app.js';
import type { Config } from './config.js';
import { openCatalogue } from './data/import.js';
import { createCache, createRedis, gracefulShutdown } from './warmpath.js';

/** One process that answers on `config.port` until it is told to stop. */
export function serve(config: Config): void {
  const db = openCatalogue(config.databaseFile);
  const redis = createRedis();
  // Without Redis a write in one worker could not reach the memory of the others: rather no cache than an old film.
  const enabled = redis !== undefined || config.workers === 1;
  const cache = createCache({ redis, enabled });
  const app = createApp({ db, config, cache, redis });

  const server = app.listen(config.port, () => {
    if (process.env.ANNOUNCE !== 'no') announce(server, config, enabled, redis !== undefined);
  });
  // A worker is told by the process that started it; a Ctrl-C reaches both.
  if (cluster.isWorker) process.on('SIGINT', () => {});
  const signals = cluster.isWorker ? ['SIGTERM' as const] : ['SIGTERM' as const, 'SIGINT' as const];
  gracefulShutdown(server, { cache, redis, onClosed: () => db.close(), signals });
}

function announce(server: Server, config: Config, enabled: boolean, shared: boolean): void {
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  const processes = config.workers > 1 ? ` by ${config.workers} processes` : '';
  console.log(`Films: ${url}/api/movies${processes}`);
  console.log(`Cache: ${cacheMode(enabled, shared)}`);
  if (config.staffToken) console.log(`Admin: ${url}/admin/observability  (user staff, password ${config.staffToken})`);
  console.log(`Try:   curl -i ${url}/api/movies/1   twice, or   npm run tour   in another terminal`);
}

function cacheMode(enabled: boolean, shared: boolean): string {
  if (shared) return 'in Redis, shared by all processes; in their memory while Redis is away';
  if (enabled) return 'in the memory of this process; REDIS_URL=redis://127.0.0.1:6379 npm start shares it';
  return 'off: several WORKERS need REDIS_URL, or a write in one would leave the others with the old film';
}
