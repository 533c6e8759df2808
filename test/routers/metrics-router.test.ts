import { Agent, request } from 'node:http';
import express from 'express';
import { AggregatorRegistry, Counter, Registry } from 'prom-client';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { METRICS } from '../../lib/metrics/metric-catalog.js';
import { requestDurations } from '../../lib/metrics/request-durations.js';
import { requestMetrics } from '../../lib/middleware/request-metrics.js';
import { metricsRouter } from '../../lib/routers/metrics-router.js';
import { EXPRESSES, serve } from './support/serve.js';
import { soon } from './support/soon.js';

beforeEach(() => requestDurations.reset());

/** One request on a connection that is kept. */
function send(agent: Agent, url: string, method: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const client = request(url, { method, agent }, (response) => response.on('end', resolve).resume());
    client.on('error', reject).end();
  });
}

/** A sample's value, found by name and labels. */
const sample = (text: string, line: string): number | undefined => {
  const found = text.split('\n').find((one) => one.startsWith(`${line} `));
  return found === undefined ? undefined : Number(found.slice(line.length + 1));
};

describe.each(EXPRESSES)('the metrics router on %s', (_name, express) => {
  it('answers /metrics under any mount and leaves every other path alone', async () => {
    const app = express();
    app.use('/ops', metricsRouter({ processMetrics: false }));
    app.get('/ops/other', (_req, res) => void res.send('mine'));
    const { url } = await serve(app);
    const response = await fetch(`${url}/ops/metrics`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const text = await response.text();
    for (const [name, { type }] of Object.entries(METRICS)) expect(text).toContain(`# TYPE ${name} ${type}\n`);
    expect(await (await fetch(`${url}/ops/other`)).text()).toBe('mine');
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
    expect((await fetch(`${url}/ops/metrics`, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${url}/ops/metrics`, { method: 'HEAD' })).headers.get('content-length')).not.toBe('0');
  });
});

describe('the metrics router', () => {
  it('counts 10,000 requests to the last one, figure by figure', async () => {
    const app = express();
    app.use(requestMetrics());
    app.use(metricsRouter({ processMetrics: false }));
    app.get('/ok/:id', (_req, res) => void res.send('x'));
    app.get('/teapot', (_req, res) => void res.status(418).end());
    app.post('/ok/:id', (_req, res) => void res.status(201).end());
    const { url } = await serve(app);
    const plan: [string, string, number][] = [
      ['GET', '/ok/1', 6000],
      ['GET', '/teapot', 1000],
      ['POST', '/ok/2', 2000],
      ['GET', '/gone', 1000],
    ];
    const todo = plan.flatMap(([method, path, times]) => Array<[string, string]>(times).fill([method, path]));
    const agent = new Agent({ keepAlive: true });
    const worker = async () => {
      for (let next = todo.pop(); next; next = todo.pop()) await send(agent, url + next[1], next[0]);
    };
    await Promise.all(Array.from({ length: 32 }, worker));
    await soon(async () => {
      const text = await (await fetch(`${url}/metrics`)).text();
      const counted = (labels: string) => sample(text, `http_request_duration_seconds_count{${labels}}`);
      expect(counted('method="GET",route="/ok/:id",status="200"')).toBe(6000);
      expect(counted('method="GET",route="/teapot",status="418"')).toBe(1000);
      expect(counted('method="POST",route="/ok/:id",status="201"')).toBe(2000);
      expect(counted('method="GET",route="unmatched",status="404"')).toBe(1000);
      expect(
        sample(text, 'http_request_duration_seconds_bucket{method="GET",route="/ok/:id",status="200",le="+Inf"}'),
      ).toBe(6000);
    });
  }, 60_000);

  it('joins an injected registry, shows what else is in it, and can be built twice', async () => {
    const registry = new Registry();
    registry.setDefaultLabels({ app: 'films' });
    new Counter({ name: 'my_own_total', help: 'mine', registers: [registry] }).inc(3);
    const app = express();
    app.use(metricsRouter({ registry }));
    expect(() => metricsRouter({ registry })).not.toThrow();
    expect(() => metricsRouter()).not.toThrow();
    const { url } = await serve(app);
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(sample(text, 'my_own_total{app="films"}')).toBe(3);
    expect(text).toContain('cache_entries{app="films"}');
    expect(text).not.toContain('process_cpu');
    expect(await registry.metrics()).toContain('cache_entries');
  });

  it("leaves a metric of the application's own that has one of our names, and says so", () => {
    const registry = new Registry();
    const own = new Counter({ name: 'cache_requests_total', help: 'mine', registers: [registry] });
    const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
    metricsRouter({ registry, logger });
    expect(registry.getSingleMetric('cache_requests_total')).toBe(own);
    expect(logger.warn).toHaveBeenCalledOnce();
  });

  it('answers in OpenMetrics with exemplars when asked, without changing what the next one gets', async () => {
    const registry = new Registry();
    new Counter({ name: 'my_own_total', help: 'mine', registers: [registry] }).inc();
    const app = express();
    app.use(requestMetrics({ exemplars: true }));
    app.use(metricsRouter({ registry }));
    app.get('/a', (_req, res) => void res.send('a'));
    const { url } = await serve(app);
    await fetch(`${url}/a`, { headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' } });
    const accept = 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5';
    await soon(async () => {
      const open = await fetch(`${url}/metrics`, { headers: { accept } });
      expect(open.headers.get('content-type')).toContain('application/openmetrics-text');
      const text = await open.text();
      expect(text).toMatch(/route="\/a".* # \{trace_id="0af7651916cd43dd8448eb211c80319c"\} [\d.]+ [\d.]+\n/);
      expect(text).toContain('# TYPE my_own counter\n');
      expect(text.endsWith('# EOF\n')).toBe(true);
    });
    const plain = await (await fetch(`${url}/metrics`)).text();
    expect(plain).toContain('# TYPE my_own_total counter\n');
    expect(plain).not.toContain('trace_id');
  });

  it('adds the metrics of the process to its own registry by default', async () => {
    const app = express();
    app.use(metricsRouter());
    const { url } = await serve(app);
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('process_cpu_user_seconds_total');
  });

  it('gives workers of a cluster what prom-client needs to add them up', async () => {
    const registries = [new Registry(), new Registry()];
    for (const registry of registries) metricsRouter({ registry });
    requestDurations.record({ method: 'GET', route: '/a', status: 200, seconds: 0.01 });
    const all = await Promise.all(registries.map((registry) => registry.getMetricsAsJSON()));
    const text = await AggregatorRegistry.aggregate(all).metrics();
    expect(sample(text, 'http_request_duration_seconds_count{method="GET",route="/a",status="200"}')).toBe(2);
  });

  it('asks for its token in constant time, and answers every wrong one alike (A6.8, A6.9)', async () => {
    const token = 'long-enough-secret';
    const app = express();
    app.use(metricsRouter({ token, processMetrics: false }));
    const { url } = await serve(app);
    const status = async (authorization?: string) => {
      const response = await fetch(`${url}/metrics`, authorization ? { headers: { authorization } } : {});
      return [response.status, await response.text()].join(' ').slice(0, 12);
    };
    expect(await status(`Bearer ${token}`)).toMatch(/^200 /);
    expect(await status(`bearer ${token}`)).toMatch(/^200 /);
    for (const wrong of [
      undefined,
      'Bearer',
      'Bearer Xong-enough-secret',
      'Bearer long-enough-secreX',
      'Bearer x',
      `Basic ${token}`,
    ]) {
      expect(await status(wrong)).toBe('401 ');
    }
  });

  it('refuses options that are not right, naming them', () => {
    expect(() => metricsRouter({ registery: new Registry() } as never)).toThrow("Did you mean 'registry'?");
    expect(() => metricsRouter({ registry: {} as never })).toThrow('metricsRouter.registry');
    expect(() => metricsRouter({ token: '' })).toThrow('metricsRouter.token');
  });
});
