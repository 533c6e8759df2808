import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type RedisServer, startRedis } from '../../lib/testing/index.js';
import { isFullService, serveDatabase } from '../faults/support/scenario.js';
import { type Instance, startInstance } from '../faults/support/start-instance.js';
import { ask } from './support/serve.js';

let redis: RedisServer;
const closing: (() => unknown)[] = [];
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function deploy(version: string, databaseUrl: string): Promise<Instance> {
  const instance = await startInstance({ redis: redis.url, databaseUrl, cache: { version } });
  closing.push(() => instance.stop());
  await eventually(() => isFullService(instance.url), { timeoutMs: 20_000 });
  return instance;
}

const version = async (instance: Instance): Promise<[string | undefined, number]> => {
  const { cache, body } = await ask(`${instance.url}/film/1`);
  return [cache, (JSON.parse(body.toString()) as { version: number }).version];
};

describe('two versions of an app on one Redis', { timeout: 60_000 }, () => {
  it('B42 never meet: each has its own entries, and what one invalidates or clears is left alone in the other', async () => {
    const database = await serveDatabase();
    closing.push(() => database.close());
    const [old, next] = [await deploy('1', database.url), await deploy('2', database.url)];
    expect(await version(old)).toEqual(['miss', 0]);
    expect(await version(next)).toEqual(['miss', 0]);
    expect(await version(old)).toEqual(['hit', 0]);
    expect(await version(next)).toEqual(['hit', 0]);
    expect((await ask(`${next.url}/film/1`, { method: 'PUT' })).status).toBe(200);
    expect(await version(next)).toEqual(['miss', 1]);
    // The price of a change of version while old instances still serve, as the README says.
    expect(await version(old)).toEqual(['hit', 0]);
    await old.stop('SIGTERM');
    expect(await version(next)).toEqual(['hit', 1]);
  });

  it('B42 hear of each other when they keep the version', async () => {
    const database = await serveDatabase();
    closing.push(() => database.close());
    const [old, next] = [await deploy('3', database.url), await deploy('3', database.url)];
    await version(old);
    expect(await version(next)).toEqual(['hit', 0]);
    await ask(`${next.url}/film/1`, { method: 'PUT' });
    expect(await version(old)).toEqual(['miss', 1]);
  });
});
