// One instance of an app with a rate limiter, in a process of its own; told by messages what to limit and what to do.
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import express from 'express';
import type { RateLimiterOptions } from '../../lib/middleware/rate-limiter.js';
import { rateLimiter } from '../../lib/middleware/rate-limiter.js';
import { createRedis } from '../../lib/redis/client.js';
import type { CreateRedisOptions } from '../../lib/redis/connection-options.js';
import { eventually } from '../../lib/testing/eventually.js';

export interface Tally {
  readonly statuses: Record<string, number>;
  /** Instants of admission on Redis' clock, in microseconds; 0 where Redis told none. */
  readonly admittedAtUs: readonly number[];
  readonly sources: Record<string, number>;
}

export type Order = { readonly limit: RateLimiterOptions } | { readonly flood: number } | { readonly hammerMs: number };

const client = createRedis(JSON.parse(process.argv[2] ?? '') as CreateRedisOptions);
const app = express();
let limiter = rateLimiter({ redis: client, tiers: { a: { rate: 1, burst: 1 } } });
let warmUp = limiter;
app.get(
  '/warm-up',
  (req, res, next) => void warmUp(req, res, next),
  (_req, res) => void res.send('ok'),
);
let admittedAtUs: number[] = [];
let sources: Record<string, number> = {};
app.use(async (req, res, next) => {
  const decision = await limiter.decide(req, res);
  if (decision?.admitted) admittedAtUs.push(decision.chargedAtUs);
  if (decision) sources[decision.source] = (sources[decision.source] ?? 0) + 1;
  next();
});
app.use((req, res, next) => void limiter(req, res, next));
app.get('/', (_req, res) => void res.send('ok'));

const server = createServer(app).listen(0, '127.0.0.1');
// An idle socket closed just as it is used again would be a lost request.
server.keepAliveTimeout = 60_000;
const agent = new Agent({ keepAlive: true, maxSockets: 256 });
let statuses: Record<string, number> = {};

function get(path = '/'): Promise<void> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve) => {
    request({ host: '127.0.0.1', port, path, agent }, (res) => {
      statuses[String(res.statusCode)] = (statuses[String(res.statusCode)] ?? 0) + 1;
      res.resume().on('end', resolve);
    })
      .on('error', (error) => {
        statuses[error.name] = (statuses[error.name] ?? 0) + 1;
        resolve();
      })
      .end();
  });
}

async function hammer(untilMs: number): Promise<void> {
  // Air between requests: what is asked is far beyond any quota here, and must not starve the servers it is measured against.
  while (performance.now() < untilMs) {
    await get();
    await pause(16);
  }
}

async function limit(options: RateLimiterOptions): Promise<void> {
  for (const old of [limiter, warmUp]) old.close();
  limiter = rateLimiter({ ...options, redis: client });
  // Compiles the same paths before it counts: a process that still compiles answers later than Redis' deadline.
  warmUp = rateLimiter({ ...options, name: `${options.name} warm-up`, redis: client });
  await eventually(() => limiter.stats().store === 'redis', { timeoutMs: 15_000 });
  await Promise.all(Array.from({ length: 200 }, () => get('/warm-up')));
}

process.on('message', async (order: Order) => {
  [statuses, admittedAtUs, sources] = [{}, [], {}];
  if ('limit' in order) await limit(order.limit);
  else if ('flood' in order) await Promise.all(Array.from({ length: order.flood }, () => get()));
  else await Promise.all(Array.from({ length: 4 }, () => hammer(performance.now() + order.hammerMs)));
  process.send?.({ statuses, admittedAtUs, sources } satisfies Tally);
});

process.send?.('ready');
