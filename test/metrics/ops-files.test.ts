import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXAMPLE_METRICS, METRICS } from '../../lib/metrics/metric-catalog.js';
import { metric } from '../../lib/ops/expressions.js';
import { metricsTable } from '../../lib/ops/metrics-table.js';
import { shippedFiles } from '../../lib/ops/shipped-files.js';
import { requireProgram } from '../support/programs.js';

const run = promisify(execFile);
const ops = new URL('../../lib/ops/', import.meta.url);

interface Panel {
  id: number;
  title: string;
  type: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string }[];
}

describe('the shipped dashboard and rules', () => {
  it('are what the metric declarations say: run `npm run ops` after changing them', () => {
    for (const [name, text] of Object.entries(shippedFiles())) {
      expect(readFileSync(new URL(name, ops), 'utf8') === text, name).toBe(true);
    }
  });

  it('are explained by the README with the same names: print the table with lib/ops/metrics-table.ts', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    for (const row of metricsTable().split('\n')) expect(readme.includes(row), row).toBe(true);
  });

  it('cannot name a metric or a label that is not declared', () => {
    expect(() => metric('no_such_metric' as never)).toThrow('no metric');
    expect(() => metric('redis_up', '_bucket')).toThrow('no histogram');
    expect(() => metric('cache_requests_total', '', 'route="/a"')).toThrow('no label route');
  });

  it('use every metric: what is not worth a panel is not worth exposing', () => {
    const all = Object.values(shippedFiles()).join('\n');
    const unused = [...Object.keys(METRICS), ...Object.keys(EXAMPLE_METRICS)].filter((name) => !all.includes(name));
    expect(unused).toEqual([]);
  });

  it('lay panels out without overlap, each with an id of its own and an explanation', () => {
    const { panels } = JSON.parse(shippedFiles()['grafana-dashboard.json']!) as { panels: Panel[] };
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Map<string, string>();
    for (const { title, gridPos } of panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.get(`${x},${y}`), `${title} over`).toBeUndefined();
          taken.set(`${x},${y}`, title);
        }
      }
    }
  });

  describe('as promtool sees them', () => {
    let promtool: string;
    let folder: string;
    beforeAll(async () => {
      promtool = await requireProgram('promtool');
      folder = mkdtempSync(join(tmpdir(), 'warmpath-rules-'));
    }, 300_000);
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it('pass `promtool check rules`', async () => {
      const { stdout } = await run(promtool, ['check', 'rules', new URL('prometheus-rules.yml', ops).pathname]);
      expect(stdout).toContain('SUCCESS');
    });

    it('fire when they should and only then (`promtool test rules`)', async () => {
      const file = join(folder, 'test.yml');
      writeFileSync(file, JSON.stringify(ruleTests(new URL('prometheus-rules.yml', ops).pathname)));
      const { stdout } = await run(promtool, ['test', 'rules', file]);
      expect(stdout).toContain('SUCCESS');
    });
  });
});

const labels = 'job="films",instance="a:1"';

function ruleTests(rules: string): object {
  const quiet = {
    interval: '1m',
    input_series: [
      series('cache_requests_total', 'cache="/a",result="hit"', '0+90x40'),
      series('cache_requests_total', 'cache="/a",result="miss"', '0+10x40'),
      series('cache_requests_total', 'cache="/a",result="bypass"', '0+500x40'),
      series('redis_up', '', '1x40'),
      series('redis_breaker_state', '', '0x40'),
      series('redis_memory_used_bytes', '', '50x40'),
      series('redis_memory_max_bytes', '', '100x40'),
      series('redis_keys', '', '100x40'),
      series('redis_evicted_keys_total', '', '7x40'),
      series('rate_limit_local', 'limiter="default"', '0x40'),
      ...hits('0.005'),
    ],
    promql_expr_test: [
      {
        expr: 'round(warmpath:cache_hit_ratio:rate5m, 0.001)',
        eval_time: '20m',
        exp_samples: [{ labels: '{job="films"}', value: 0.9 }],
      },
      {
        expr: 'warmpath:redis_memory_share',
        eval_time: '20m',
        exp_samples: [{ labels: 'warmpath:redis_memory_share{job="films"}', value: 0.5 }],
      },
    ],
    alert_rule_test: ALERTS.map((alertname) => ({ eval_time: '30m', alertname, exp_alerts: [] })),
  };
  const troubled = {
    interval: '1m',
    input_series: [
      series('cache_requests_total', 'cache="/a",result="hit"', '0+10x40'),
      series('cache_requests_total', 'cache="/a",result="miss"', '0+90x40'),
      series('cache_store_errors_total', 'op="set"', '0+600x40'),
      series('redis_up', '', '0x40'),
      series('redis_breaker_state', '', '1x40'),
      series('redis_memory_used_bytes', '', '80x40'),
      series('redis_memory_max_bytes', '', '100x40'),
      series('redis_keys', '', '6000000x40'),
      series('redis_evicted_keys_total', '', '0+60x40'),
      series('rate_limit_local', 'limiter="default"', '1x40'),
      ...hits('0.25'),
    ],
    promql_expr_test: ALERTS.map((alertname) => ({
      expr: `count(ALERTS{alertname="${alertname}",alertstate="firing"})`,
      eval_time: '30m',
      exp_samples: [{ labels: '{}', value: 1 }],
    })),
  };
  // Without a limit there is no share of it, and no alert on a division by zero.
  const unlimited = {
    interval: '1m',
    input_series: [series('redis_memory_used_bytes', '', '80x40'), series('redis_memory_max_bytes', '', '0x40')],
    alert_rule_test: [{ eval_time: '30m', alertname: 'WarmpathRedisMemoryHigh', exp_alerts: [] }],
  };
  return { rule_files: [rules], evaluation_interval: '1m', tests: [quiet, troubled, unlimited] };
}

const ALERTS = [
  'WarmpathHitRatioLow',
  'WarmpathHitsSlow',
  'WarmpathLimitsLocal',
  'WarmpathStoreErrors',
  'WarmpathRedisMemoryHigh',
  'WarmpathRedisKeysHigh',
  'WarmpathRedisEvicting',
  'WarmpathRedisSkipped',
  'WarmpathRedisAway',
];

function series(name: string, more: string, values: string): object {
  return { series: `${name}{${[labels, more].filter(Boolean).join(',')}}`, values };
}

function hits(le: string): object[] {
  return ['0.005', '0.25', '+Inf'].map((bound) => {
    const inside = bound === '+Inf' || Number(bound) >= Number(le);
    return series(
      'http_cached_request_duration_seconds_bucket',
      `result="hit",le="${bound}"`,
      inside ? '0+60x40' : '0x40',
    );
  });
}
