import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { createRedis } from '../../example-app/warmpath.js';
import { freePort, startRedis } from '../../lib/testing/index.js';
import { databaseFile, runExample } from './example/example-process.js';
import { ALICE, type FilmAppParts, STAFF, startFilmApp } from './example/film-app.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function app(parts: FilmAppParts = {}) {
  const running = await startFilmApp(parts);
  undo.push(() => running.close());
  return running;
}

describe('operating the example', { timeout: 60_000 }, () => {
  it('reports the health of Redis, SQLite and the price index, with reasons for staff only', async () => {
    const server = await startRedis();
    const redis = createRedis(server.url);
    undo.push(() => server.stop());
    const running = await app({ redis });
    undo.push(() => redis?.disconnect());
    await expect
      .poll(async () => (await running.get('/healthz')).json.checks.redis.status, { timeout: 5000 })
      .toBe('healthy');
    const health = await running.get('/healthz');
    expect(Object.keys(health.json.checks).sort()).toEqual(['prices', 'redis', 'sqlite']);
    expect(health.json.process).toBeUndefined();
    expect((await running.get('/healthz', { token: STAFF })).json.process.node).toBe(process.version);
    await server.kill();
    await expect.poll(async () => (await running.get('/healthz')).json.status, { timeout: 5000 }).toBe('degraded');
    expect((await running.get('/readyz')).status).toBe(200);
  });

  it('tells hits from reads of the database in its metrics', async () => {
    const running = await app();
    const reads = async () => Number(metric(await scrape(running), 'sqlite_queries_total{kind="read"}'));
    await running.get('/api/movies/1');
    const afterMiss = await reads();
    for (let n = 0; n < 5; n++) await running.get('/api/movies/1');
    const text = await scrape(running);
    expect(await reads()).toBe(afterMiss);
    expect(metric(text, 'cache_requests_total{cache="film",result="hit"}')).toBe('5');
    expect(metric(text, 'cache_requests_total{cache="film",result="miss"}')).toBe('1');
    expect(Number(metric(text, 'sqlite_size_bytes'))).toBeGreaterThan(400_000);
    expect(text).toContain('http_request_duration_seconds_count{method="GET",route="/api/movies/:id",status="200"} 6');
    expect(text).toContain('process_cpu_seconds_total');
  });

  it('shows the admin pages to staff, by bearer token or by password', async () => {
    const running = await app();
    const basic = { Authorization: `Basic ${Buffer.from('staff:demo-staff').toString('base64')}` };
    expect((await running.get('/admin/cache/stats')).headers.get('WWW-Authenticate')).toContain('Basic');
    expect([401, 403]).toEqual([
      (await running.get('/admin/cache/stats')).status,
      (await running.get('/admin/cache/stats', { token: ALICE })).status,
    ]);
    expect((await running.get('/admin/cache/stats', { headers: basic })).json.cache_enabled).toBe(true);
    const page = await running.get('/admin/observability', { token: STAFF });
    expect([page.status, page.headers.get('Content-Type')]).toEqual([200, expect.stringContaining('text/html')]);
  });

  it('limits a client without a token, counts hits too, and gives a user more', async () => {
    const running = await app({ env: { RATE_LIMIT: '2' } });
    const statuses = async (token?: string) => {
      const all = await Promise.all(
        Array.from({ length: 12 }, () => running.get('/api/movies/1', { ...(token && { token }) })),
      );
      return all.filter(({ status }) => status === 429).length;
    };
    const anonymous = await statuses();
    expect(anonymous).toBeGreaterThan(6);
    expect(await statuses(ALICE)).toBeLessThan(anonymous); // from the same address
    expect((await running.get('/readyz')).status).toBe(200);
  });

  it('joins the figures of all workers on METRICS_PORT', async () => {
    const server = await startRedis();
    const database = databaseFile();
    const port = await freePort();
    const env = { PORT: '0', WORKERS: '2', METRICS_PORT: String(port), REDIS_URL: server.url };
    const run = runExample('server.ts', { ...env, DATABASE_FILE: database.file });
    undo.push(
      () => database.remove(),
      () => server.stop(),
      () => run.kill(),
    );
    const [, url = ''] = await run.printed(/Films: (http:\S+)\/api\/movies/);
    for (let n = 0; n < 10; n++) await fetch(`${url}/api/movies/1`, { headers: { Connection: 'close' } });
    const counted = 'http_request_duration_seconds_count{method="GET",route="/api/movies/:id",status="200"}';
    const all = async () => metric(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(), counted);
    await expect.poll(all, { timeout: 10_000 }).toBe('10');
  });

  it('has a Redis for its containers that forgets the least used and writes nothing to disk', () => {
    const compose = readFileSync('example-app/docker-compose.yml', 'utf8');
    expect(compose).toContain('--maxmemory 2gb --maxmemory-policy allkeys-lru --appendonly no --save ""');
    const mounted = [...compose.matchAll(/- (\.\.?\/\S+?):/g)].map((match) => `example-app/${match[1]}`);
    expect(mounted.length).toBeGreaterThan(3);
    expect(mounted.filter((path) => !existsSync(path))).toEqual([]);
  });
});

async function scrape(running: { get(path: string): Promise<{ text: string }> }): Promise<string> {
  return (await running.get('/metrics')).text;
}

function metric(text: string, name: string): string | undefined {
  return text
    .split('\n')
    .find((line) => line.startsWith(`${name} `))
    ?.slice(name.length + 1);
}
