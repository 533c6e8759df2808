import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, type RedisServer, startRedis } from '../../lib/testing/index.js';

const LIMIT_MS = 15_000;

/** Runs a script with a client, its guard and a subscriber, and waits until it ends by itself. */
async function run(url: string, rest: string): Promise<{ code: number | null; output: string }> {
  const script = `
    import { createRedis } from './lib/redis/client.ts';
    import { guardOf } from './lib/redis/guard.ts';
    import { createSubscriber } from './lib/redis/subscriber.ts';
    const redis = createRedis('${url}');
    const guard = guardOf(redis, { logger: { debug() {}, info() {}, warn() {}, error() {} } });
    const subscriber = createSubscriber(guard);
    subscriber.subscribe('c', () => {});
    process.on('unhandledRejection', (error) => console.log('unhandled', error));
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    ${rest}`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const [code] = await once(child, 'exit');
  return { code, output };
}

describe('a process that uses Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  it('ends by itself when client and subscriber are closed, though the guard is not', async () => {
    const ended = await run(
      server.url,
      `
      while (guard.state === 'down') await wait(5);
      await guard.readMany(['a']);
      subscriber.close(); redis.disconnect();`,
    );
    expect(ended).toEqual({ code: 0, output: '' });
  });

  it('B1: ends by itself and says nothing more when Redis was never there', async () => {
    const ended = await run(
      `redis://127.0.0.1:${await freePort()}`,
      `
      for (let i = 0; i < 20; i++) { void guard.readMany(['a']); void guard.run('x', (c) => c.get('a')); await wait(20); }
      guard.suspend('x'); subscriber.close(); redis.disconnect(); guard.close();`,
    );
    expect(ended).toEqual({ code: 0, output: '' });
  });

  it('B37: ends with Redis hung and calls under way', async () => {
    server.pause();
    const ended = run(
      server.url,
      `
      await wait(100);
      for (let i = 0; i < 5; i++) void guard.run('x', (c) => c.get('a'));
      subscriber.close(); guard.close(); redis.disconnect();`,
    );
    expect(await ended).toEqual({ code: 0, output: '' });
    server.resume();
  });
});
