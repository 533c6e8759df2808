import { describe, expect, it, vi } from 'vitest';
import { resolveChecks } from '../../lib/routers/health/check.js';
import { CheckRunner } from '../../lib/routers/health/check-runner.js';
import { fakeClock, gate } from '../../lib/testing/index.js';

const KEEP_MS = 1000;

function runner(run: (context: { signal: AbortSignal }) => unknown, options: { timeout?: `${number}ms` } = {}) {
  const clock = fakeClock();
  const [check] = resolveChecks('checks', { it: { run, timeout: options.timeout ?? '50ms' } });
  return { clock, runner: new CheckRunner(check!, clock, KEEP_MS) };
}

describe('a check', () => {
  it.each([
    ['undefined', () => undefined, 'healthy'],
    ['true', () => true, 'healthy'],
    ['rows', () => [{ one: 1 }], 'healthy'],
    ['false', () => false, 'down'],
    ["'degraded'", () => 'degraded', 'degraded'],
    ['a status', () => ({ status: 'down', reason: 'x' }), 'down'],
    [
      'a throw',
      () => {
        throw new Error('boom');
      },
      'down',
    ],
    ['a rejection', () => Promise.reject(new Error('boom')), 'down'],
  ])('that answers %s', async (_what, run, status) => {
    expect((await runner(run).runner.result()).status).toBe(status);
  });

  it('runs once at a time, and its answer is kept for a moment', async () => {
    const held = gate();
    const run = vi.fn(() => held.wait());
    const { runner: one, clock } = runner(run);
    const both = [one.result(), one.result()];
    held.open();
    await Promise.all(both);
    await one.result();
    expect(run).toHaveBeenCalledTimes(1);
    clock.advance(KEEP_MS);
    await one.result();
    expect(run).toHaveBeenCalledTimes(2);
  });

  it('that never answers is down after its limit, is told to stop, and is not started again beside itself', async () => {
    let aborted = false;
    const run = vi.fn(({ signal }: { signal: AbortSignal }) => {
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      return new Promise(() => {});
    });
    const { runner: one, clock } = runner(run, { timeout: '20ms' });
    expect(await one.result()).toMatchObject({ status: 'down', latencyMs: 20 });
    expect(aborted).toBe(true);
    clock.advance(KEEP_MS);
    expect((await one.result()).status).toBe('down');
    expect(run).toHaveBeenCalledTimes(1);
    clock.advance(60_000);
    void one.result();
    expect(run).toHaveBeenCalledTimes(2);
  });

  it('says of an error only what may be said (A2.16)', async () => {
    const error = Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:6379 password=SECRET'), {
      code: 'ECONNREFUSED',
    });
    const { reason } = await runner(() => Promise.reject(error)).runner.result();
    expect(reason).toBe('Error ECONNREFUSED');
  });

  it('is refused at construction when it is none', () => {
    expect(() => resolveChecks('healthRouter.checks', { db: 'SELECT 1' })).toThrow('healthRouter.checks.db');
    expect(() => resolveChecks('healthRouter.checks', { db: {} })).toThrow('healthRouter.checks.db.run');
    expect(() => resolveChecks('healthRouter.checks', { db: { run: () => 1, timeout: '0s' } })).toThrow('timeout');
    expect(() => resolveChecks('healthRouter.checks', { db: { run: () => 1, critcal: true } })).toThrow("'critical'");
  });
});
