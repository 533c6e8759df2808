import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import express from 'express';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { isDraining, stopDraining } from '../../lib/middleware/draining.js';
import { gracefulShutdown } from '../../lib/middleware/graceful-shutdown.js';
import { healthRouter } from '../../lib/routers/health-router.js';
import { gate, startRedis } from '../../lib/testing/index.js';
import { serve } from '../routers/support/serve.js';
import { soon } from '../routers/support/soon.js';
import { runnableScript } from '../support/compiled-scripts.js';

afterEach(() => stopDraining());

const quiet = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const options = { exit: false, signals: [], logger: quiet } as const;

describe('a graceful shutdown', () => {
  it('goes in order: not ready, server, cache, onClosed, Redis; and finishes what is under way', async () => {
    const order: string[] = [];
    const held = gate();
    const app = express();
    app.use(healthRouter());
    app.get('/slow', async (_req, res) => {
      await held.wait();
      order.push('request');
      res.send('whole');
    });
    const { url, server } = await serve(app);
    const cache = { close: async () => void order.push('cache') };
    const redis = { quit: async () => void order.push('redis'), disconnect: () => void order.push('cut') };
    const slow = fetch(`${url}/slow`).then((response) => response.text());
    await held.arrived();

    const shutdown = gracefulShutdown(server, {
      ...options,
      cache,
      redis,
      drainDelay: '50ms',
      onClosed: () => void order.push('db'),
    });
    const done = shutdown.now();
    expect(shutdown.now()).toBe(done);
    expect(isDraining()).toBe(true);
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    await soon(() => expect(server.listening).toBe(false));
    held.open();
    expect(await slow).toBe('whole');
    await done;
    expect(order).toEqual(['request', 'cache', 'db', 'redis', 'cut']);
  });

  it('is over within the grace, whatever does not end', async () => {
    const app = express();
    app.get('/never', () => {});
    const { url, server } = await serve(app);
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write('GET /never HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(server, 'request');
    const never = () => new Promise<never>(() => {});
    const redis = { quit: never, disconnect: vi.fn() };
    const onClosed = vi.fn(never);
    const startedAt = performance.now();
    await gracefulShutdown(server, { ...options, cache: { close: never }, redis, onClosed, grace: '400ms' }).now();
    expect(performance.now() - startedAt).toBeLessThan(500);
    expect(onClosed).toHaveBeenCalledOnce();
    expect(redis.disconnect).toHaveBeenCalledOnce();
    expect(server.listening).toBe(false);
  });

  it('goes on when a step fails', async () => {
    const { server } = await serve(express());
    const redis = { quit: vi.fn(async () => {}), disconnect: vi.fn() };
    const cache = { close: () => Promise.reject(new Error('broken')) };
    await gracefulShutdown(server, { ...options, cache, redis }).now();
    expect(redis.quit).toHaveBeenCalledOnce();
  });

  it('closes kept-alive connections when they become idle, instead of waiting for them', async () => {
    const app = express();
    app.get('/', (_req, res) => void res.send('x'));
    const { url, server } = await serve(app);
    await (await fetch(url)).text();
    const startedAt = performance.now();
    await gracefulShutdown(server, { ...options, grace: '5s' }).now();
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });

  it('refuses options that cannot work', async () => {
    const { server } = await serve(express());
    expect(() => gracefulShutdown(server, { drainDelay: '10s', grace: '5s' })).toThrow('gracefulShutdown.drainDelay');
    expect(() => gracefulShutdown(server, { cache: {} as never })).toThrow('gracefulShutdown.cache');
    expect(() => gracefulShutdown(server, { gracePeriod: '1s' } as never)).toThrow('gracePeriod');
  });
});

describe('SIGTERM (B37)', () => {
  it.each([
    ['with Redis up', false],
    ['with Redis hung', true],
  ])(
    '%s ends the process with code 0 within the grace',
    async (_name, hung) => {
      const redis = await startRedis();
      onTestFinished(() => redis.stop());
      const { path, execArgv } = runnableScript(new URL('./support/shutdown-app.ts', import.meta.url));
      const child = spawn(process.execPath, [...execArgv, path], {
        env: { ...process.env, REDIS_URL: redis.url },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      onTestFinished(() => void child.kill('SIGKILL'));
      const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
      await (await fetch(line)).text();
      if (hung) redis.pause();
      const startedAt = performance.now();
      child.kill('SIGTERM');
      const [code] = (await once(child, 'exit')) as [number];
      expect(code).toBe(0);
      expect(performance.now() - startedAt).toBeLessThan(2500);
    },
    30_000,
  );
});
