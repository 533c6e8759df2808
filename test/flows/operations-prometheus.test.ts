import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { METRICS } from '../../lib/metrics/metric-catalog.js';
import { ruleGroups } from '../../lib/ops/rules.js';
import { shippedFiles } from '../../lib/ops/shipped-files.js';
import { createRedis } from '../../lib/redis/client.js';
import { freePort, type RedisServer, startRedis } from '../../lib/testing/index.js';
import { requireProgram } from '../support/programs.js';
import { runExample } from './example/example-process.js';
import { type FilmApp, startFilmApp } from './example/film-app.js';

const folder = mkdtempSync(join(tmpdir(), 'warmpath-prometheus-'));
let prometheus: ChildProcess;
let api: string;
let redis: RedisServer;
let client: ReturnType<typeof createRedis>;
let app: FilmApp;

async function query(expr: string): Promise<unknown[]> {
  const response = await fetch(`${api}/query?query=${encodeURIComponent(expr)}`);
  const { status, data, error } = (await response.json()) as {
    status: string;
    data: { result: unknown[] };
    error?: string;
  };
  if (status !== 'success') throw new Error(`${expr}: ${error}`);
  return data.result;
}

async function startPrometheus(target: string): Promise<void> {
  const port = await freePort();
  const rules = join(folder, 'rules.yml');
  writeFileSync(rules, shippedFiles()['prometheus-rules.yml']!);
  const config = {
    global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '1s' },
    rule_files: [rules],
    scrape_configs: [{ job_name: 'films', static_configs: [{ targets: [target] }] }],
  };
  const file = join(folder, 'prometheus.yml');
  writeFileSync(file, JSON.stringify(config));
  const args = [
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  prometheus = spawn(await requireProgram('prometheus'), args, { stdio: 'ignore' });
  api = `http://127.0.0.1:${port}/api/v1`;
  await vi.waitFor(async () => expect((await query('up')).length).toBe(1), { timeout: 30_000, interval: 200 });
}

async function tour(): Promise<void> {
  const run = runExample('tour.ts', { TOUR_URL: app.base });
  expect(await run.ended, run.output()).toBe(0);
}

/** Resolves when Prometheus has seen what the app has counted by now. */
async function scraped(): Promise<void> {
  const scrapes = async () =>
    Number(((await query('count_over_time(up[10m])')) as { value: [number, string] }[])[0]?.value[1]);
  const before = await scrapes();
  await vi.waitFor(async () => expect(await scrapes()).toBeGreaterThan(before + 2), { timeout: 15_000, interval: 200 });
}

beforeAll(async () => {
  await requireProgram('prometheus');
  redis = await startRedis({ args: ['--maxmemory', '256mb'] });
  client = createRedis(redis.url);
  app = await startFilmApp({ redis: client });
  await startPrometheus(app.base.replace('http://', ''));
}, 300_000);

afterAll(async () => {
  if (prometheus?.exitCode === null && prometheus.kill()) await once(prometheus, 'exit');
  await app?.close();
  client?.disconnect();
  await redis?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('a real Prometheus that scrapes the example', () => {
  it('gets data for every expression of every panel and rule once the tour has run', async () => {
    await tour();
    await scraped();
    await tour();
    // One refused write, so that there is an error to count.
    await redis.cli('CONFIG', 'SET', 'maxmemory', '1');
    for (let i = 0; i < 3; i++) await app.get(`/api/movies/${500 + i}`);
    await redis.cli('CONFIG', 'SET', 'maxmemory', '256mb');
    await scraped();

    const { panels } = JSON.parse(shippedFiles()['grafana-dashboard.json']!) as {
      panels: { title: string; targets?: { expr: string }[] }[];
    };
    const ofPanels = panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => [
        title,
        expr.replaceAll('$job', '.*').replaceAll('$instance', '.*').replaceAll('$__rate_interval', '1m'),
      ]),
    );
    const ofRules = ruleGroups().flatMap(({ rules }) =>
      rules.map((rule) => ['record' in rule ? rule.record : rule.alert, rule.expr.replace(/ (==|>|<) [\d.e+]+$/, '')]),
    );
    const all = [...ofPanels, ...ofRules] as [string, string][];
    expect(all.length).toBeGreaterThan(50);
    await vi.waitFor(
      async () => {
        const empty: string[] = [];
        for (const [what, expr] of all) if ((await query(expr)).length === 0) empty.push(`${what}: ${expr}`);
        expect(empty).toEqual([]);
      },
      { timeout: 20_000, interval: 500 },
    );
  }, 90_000);

  it('knows every metric of the catalogue, with no target or rule in error', async () => {
    const response = await fetch(`${api}/metadata?limit=1000`);
    const { data } = (await response.json()) as { data: Record<string, { type: string }[]> };
    const types = Object.fromEntries(Object.entries(METRICS).map(([name, { type }]) => [name, type]));
    // Asked in OpenMetrics, where the family of a counter has no _total.
    const known = Object.keys(types).map((name) => [
      name,
      (data[name] ?? data[name.replace(/_total$/, '')])?.[0]?.type,
    ]);
    expect(Object.fromEntries(known)).toEqual(types);
    const { data: rules } = (await (await fetch(`${api}/rules`)).json()) as {
      data: { groups: { rules: { name: string; health: string; lastError?: string }[] }[] };
    };
    expect(rules.groups.flatMap((group) => group.rules).filter(({ lastError }) => lastError)).toEqual([]);
    const { data: targets } = (await (await fetch(`${api}/targets`)).json()) as {
      data: { activeTargets: { lastError: string }[] };
    };
    expect(targets.activeTargets.map(({ lastError }) => lastError)).toEqual(['']);
  });

  it('can tell hits of Redis, reads of SQLite and full misses apart', async () => {
    const value = async (expr: string) => Number(((await query(expr)) as { value: [number, string] }[])[0]?.value[1]);
    expect(await value('sum(cache_hits_total{level="redis"})')).toBeGreaterThan(0);
    expect(await value('sum(cache_requests_total{result="miss"})')).toBeGreaterThan(0);
    expect(await value('sum(sqlite_queries_total{kind="read"})')).toBeGreaterThan(0);
    expect(await value('sqlite_size_bytes')).toBeGreaterThan(100_000);
  });
});
