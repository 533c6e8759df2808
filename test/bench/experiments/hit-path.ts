// Our own work on a memory hit, without Node, Express and the network: the middleware called with the least objects it accepts.
// node hit-path.js: microseconds per hit, best of several runs.
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { pathToFileURL } from 'node:url';

type Warmpath = typeof import('../../../lib/index.js');
const { createCache, responseCache } = (await import(pathToFileURL(process.env.WARMPATH_ENTRY!).href)) as Warmpath;

const cache = createCache();
const middleware = responseCache(cache, { ttl: '1h' });
const URLS = 100;
const RUNS = Number(process.env.RUNS ?? 200_000);

// One real request per URL fills the cache.
for (let i = 0; i < URLS; i++) {
  const req = new IncomingMessage(new Socket());
  Object.assign(req, {
    method: 'GET',
    url: `/movies/${i}`,
    originalUrl: `/movies/${i}`,
    headers: { host: 'bench' },
    app: { enabled: () => false },
  });
  const res = new ServerResponse(req);
  await new Promise<void>((resolve) => {
    middleware(req as never, res as never, () => {
      res.setHeader('Content-Type', 'application/json; charset=utf-8');
      res.setHeader('Cache-Control', 'public, max-age=60, s-maxage=3600');
      res.end('x'.repeat(1024));
      resolve();
    });
  });
}
await new Promise((resolve) => setTimeout(resolve, 200));

let ended = 0;
class Answer {
  statusCode = 200;
  getHeaderNames(): string[] {
    return [];
  }
  getHeader(): undefined {
    return undefined;
  }
  setHeader(): this {
    return this;
  }
  writeHead(): this {
    return this;
  }
  cork(): void {}
  uncork(): void {}
  end(): void {
    ended++;
  }
}
const socket = new Socket();
function request(i: number): object {
  const url = `/movies/${i}`;
  const headers = { host: 'bench', 'user-agent': 'bench/1.0', accept: '*/*' };
  return {
    method: 'GET',
    url,
    originalUrl: url,
    headers,
    socket,
    baseUrl: '',
    route: undefined,
    params: {},
    app: undefined,
  };
}
const next = (): never => {
  throw new Error('not a hit');
};

let best = Number.POSITIVE_INFINITY;
for (let round = 0; round < 8; round++) {
  const startedAt = process.cpuUsage();
  for (let i = 0; i < RUNS; i++) middleware(request(i % URLS) as never, new Answer() as never, next);
  const used = process.cpuUsage(startedAt);
  best = Math.min(best, (used.user + used.system) / RUNS);
}
let empty = Number.POSITIVE_INFINITY;
for (let round = 0; round < 4; round++) {
  const startedAt = process.cpuUsage();
  for (let i = 0; i < RUNS; i++) {
    const req = request(i % URLS) as { method: string };
    if (req.method === 'GET') new Answer().end();
  }
  const used = process.cpuUsage(startedAt);
  empty = Math.min(empty, (used.user + used.system) / RUNS);
}
console.log(`${(best - empty).toFixed(3)} µs per hit (${ended} hits; ${empty.toFixed(3)} µs for the objects alone)`);
process.exit(0);
