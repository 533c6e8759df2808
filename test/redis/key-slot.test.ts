import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keySlot } from '../../lib/redis/key-slot.js';
import { type RedisServer, startRedis } from '../../lib/testing/index.js';

describe('keySlot', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis({ args: ['--cluster-enabled', 'yes', '--cluster-port', '0'] }).catch(() =>
      startRedis({ args: ['--cluster-enabled', 'yes'] }),
    );
  });
  afterAll(() => server.stop());

  it.each([
    '',
    'foo',
    '123456789',
    '{user1000}.following',
    'foo{}{bar}',
    'foo{{bar}}zap',
    'foo{bar}{zap}',
    'foo{',
    'foo}{a',
    'ü{ß}',
    '{}',
    'a{b',
  ])('says of %j what Redis says', async (key) => {
    expect(keySlot(key)).toBe(await server.cli('CLUSTER', 'KEYSLOT', key));
  });
});
