import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import express, { type RequestHandler } from 'express';
import { createCache } from '../../lib/cache/cache.js';
import type { Size } from '../../lib/common/size.js';
import { createServer } from '../../lib/middleware/create-server.js';
import { responseCache } from '../../lib/middleware/response-cache.js';
import { createRedis } from '../../lib/redis/client.js';

// The app that is put under load, in a process of its own, so that its memory and its event loop are its own.
const spec = JSON.parse(process.env.LOAD_APP ?? '{}') as { redis?: string; maxBytes?: Size };
const redis = spec.redis === undefined ? undefined : createRedis(spec.redis);
const cache = createCache({ redis, memory: { maxBytes: spec.maxBytes ?? '64mb' } });
const lag = monitorEventLoopDelay({ resolution: 5 });
lag.enable();
const FLOOD_BYTES = 10_000;
const megabyte = randomBytes(1_000_000);
let peak = 0;
const watch = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 50);
watch.unref();
let runs = 0;

/** How long this process was ready to run and another had its core (the second of three numbers, in ns); Linux only. */
function starvedMs(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0; // not to be known here
  }
}

const app = express();
app.get('/state', (req, res) => {
  if (req.query.gc !== undefined) globalThis.gc?.();
  const { rss, external, arrayBuffers, heapUsed } = process.memoryUsage();
  const { entries, bytes, level } = cache.stats();
  res.json({
    rss,
    peak,
    external,
    arrayBuffers,
    heapUsed,
    entries,
    bytes,
    level,
    runs,
    lagMs: lag.percentile(99) / 1e6,
    starvedMs: starvedMs(),
  });
  if (req.query.reset !== undefined) lag.reset();
});
const hot: RequestHandler = (_req, res) => {
  runs += 1;
  res.type('text').send('hot '.repeat(250));
};
app.get('/plain', hot);
app.get('/hot', responseCache(cache, { ttl: '1h', fastLane: true }), hot);
app.get('/flood', responseCache(cache, { ttl: '1h' }), (_req, res) => {
  runs += 1;
  // One in ten is worth compressing; all of them would measure zlib.
  const at = Math.floor(Math.random() * (megabyte.length - FLOOD_BYTES));
  const body = Buffer.from(megabyte.subarray(at, at + FLOOD_BYTES));
  if (runs % 10 === 0) res.type('text').send(body.toString('base64', 0, (FLOOD_BYTES / 4) * 3));
  else res.type('image/webp').send(body);
});
app.get('/megabyte', responseCache(cache, { ttl: '1h' }), (_req, res) => {
  runs += 1;
  res.type('application/octet-stream').send(megabyte);
});
app.get('/stream/:megabytes', responseCache(cache, { ttl: '1h' }), (req, res) => {
  let left = Number(req.params.megabytes);
  const push = (): void => {
    while (left-- > 0) if (!res.write(megabyte)) return void res.once('drain', push);
    res.end();
  };
  push();
});

const server = createServer(app, { cache });
server.keepAliveTimeout = 120_000;
server.listen({ port: 0, host: '127.0.0.1', backlog: 16_384 }, () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});
process.on('disconnect', () => process.exit(0));
