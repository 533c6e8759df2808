import cluster from 'node:cluster';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp } from './app.js';
import type { Config } from './config.js';
import { openCatalogue } from './data/import.js';
import { consoleLogger } from './logger.js';
import { type WarmingParts, warmCatalogue } from './warming.js';
import { createCache, createRedis, gracefulShutdown } from './warmpath.js';

// No row of this app has them. Should one ever, they still do not get into Redis.
const SECRETS = ['password_hash', 'api_key', 'session_token'];

/** One process that answers on `config.port` until it is told to stop. */
export function serve(config: Config): void {
  const db = openCatalogue(config.databaseFile);
  const redis = config.redis && createRedis(config.redis);
  // Without Redis a write in one worker could not reach the memory of the others: rather no cache than an old film.
  const enabled = (config.cache.enabled ?? true) && (redis !== undefined || config.workers === 1);
  const logger = consoleLogger(config.logLevel);
  const cache = createCache({ redis, ...config.cache, enabled, redact: SECRETS, logger });
  const app = createApp({ db, config, cache, redis });

  const server = app.listen(config.port, () => {
    if (process.env.ANNOUNCE !== 'no') announce(server, config, enabled, redis !== undefined);
    if (enabled && config.warmEvery !== undefined) {
      const origin = config.publicUrl ?? urlOf(server);
      warmBehind(server, { app, cache, db, origin, every: config.warmEvery });
    }
  });
  // A worker is told by the process that started it; a Ctrl-C reaches both.
  if (cluster.isWorker) process.on('SIGINT', () => {});
  const signals = cluster.isWorker ? ['SIGTERM' as const] : ['SIGTERM' as const, 'SIGINT' as const];
  gracefulShutdown(server, { cache, redis, onClosed: () => db.close(), signals });
}

const WARM_AFTER_MS = 2000;

/** Warms once the first requests, which come at once after a deployment, have been answered; ends with the server. */
function warmBehind(server: Server, parts: WarmingParts): void {
  const timer = setTimeout(() => {
    const warming = warmCatalogue(parts);
    server.once('close', () => warming.stop());
  }, WARM_AFTER_MS);
  server.once('close', () => clearTimeout(timer));
}

function announce(server: Server, config: Config, enabled: boolean, shared: boolean): void {
  const url = urlOf(server);
  const processes = config.workers > 1 ? ` by ${config.workers} processes` : '';
  console.log(`Films: ${url}/api/movies${processes}`);
  console.log(`Cache: ${cacheMode(enabled, shared)}`);
  if (config.staffToken) console.log(`Admin: ${url}/admin/observability  (user staff, password ${config.staffToken})`);
  console.log(`Try:   curl -i ${url}/api/movies/1   twice, or   npm run tour   in another terminal`);
}

const urlOf = (server: Server) => `http://localhost:${(server.address() as AddressInfo).port}`;

function cacheMode(enabled: boolean, shared: boolean): string {
  if (enabled && shared) return 'in Redis, shared by all processes; in their memory while Redis is away';
  if (shared) return 'off, as CACHE_ENABLED says';
  if (enabled) return 'in the memory of this process; REDIS_URL=redis://127.0.0.1:6379 npm start shares it';
  return 'off: several WORKERS need REDIS_URL, or a write in one would leave the others with the old film';
}
