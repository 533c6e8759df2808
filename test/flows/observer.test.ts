import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type RedisServer, startRedis } from '../../lib/testing/index.js';
import { type Instance, startInstances } from './support/instances.js';
import { ask } from './support/serve.js';

let redis: RedisServer;
let instances: readonly Instance[];
beforeAll(async () => {
  redis = await startRedis();
  instances = await startInstances(4, redis.url);
}, 120_000);
afterAll(async () => {
  await Promise.all(instances.map((instance) => instance.stop()));
  await redis.stop();
});

const any = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;

describe('a polling observer over four instances', () => {
  it('never sees an old value after the answer to a write, wherever it looks and wherever was written', {
    timeout: 60_000,
  }, async () => {
    const endsAt = performance.now() + 6000;
    let acknowledged = 0;
    const stale: string[] = [];
    let looks = 0;

    const write = async (): Promise<void> => {
      for (let version = 1; performance.now() < endsAt; version++) {
        const answer = await ask(`${any(instances).url}/film/${version}`, { method: 'PUT' });
        if (answer.status === 204) acknowledged = version;
      }
    };
    const observe = async (): Promise<void> => {
      while (performance.now() < endsAt) {
        // What was acknowledged before the question must be in the answer.
        const known = acknowledged;
        const answer = await ask(`${any(instances).url}/film`);
        const seen = Number((JSON.parse(answer.body.toString()) as { title: string | null }).title ?? 0);
        looks += 1;
        if (seen < known) stale.push(`${seen} after ${known} (${answer.cache})`);
      }
    };
    await Promise.all([write(), ...Array.from({ length: 8 }, observe)]);
    expect(stale).toEqual([]);
    expect(acknowledged).toBeGreaterThan(20);
    expect(looks).toBeGreaterThan(100);
    await eventually(async () => (await ask(`${instances[0]?.url}/film`)).cache === 'hit');
  });
});
