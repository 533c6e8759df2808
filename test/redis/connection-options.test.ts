import { afterEach, describe, expect, it } from 'vitest';
import { createRedis } from '../../lib/redis/client.js';
import { redisOptionsFromEnv } from '../../lib/redis/connection-env.js';
import { connectionPlan } from '../../lib/redis/connection-options.js';
import { parseRedisUrl } from '../../lib/redis/connection-url.js';

const SECRET = 'pl4nted-s3cret';

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(error).toMatchObject({ name: 'WarmpathError' });
    return (error as Error).message;
  }
  throw new Error('it did not throw');
}

describe('parseRedisUrl', () => {
  it.each([
    ['redis://host', { host: 'host', port: 6379 }],
    ['redis://host:7000/3', { host: 'host', port: 7000, db: 3 }],
    ['rediss://host', { host: 'host', port: 6379, tls: true }],
    ['redis://:p%40ss@host', { host: 'host', port: 6379, password: 'p@ss' }],
    ['redis://me:pw@[::1]:7000', { host: '::1', port: 7000, username: 'me', password: 'pw' }],
    ['redis://host?db=2&family=6', { host: 'host', port: 6379, db: 2, family: 6 }],
    ['/run/redis.sock', { path: '/run/redis.sock' }],
    ['unix:///run/redis.sock?db=4', { path: '/run/redis.sock', db: 4 }],
  ])('reads %s', (url, expected) => {
    expect(parseRedisUrl('REDIS_URL', url)).toEqual(expected);
  });

  it.each([
    `http://me:${SECRET}@host`,
    `redis://me:${SECRET}#x@host`,
    `redis://me:${SECRET}%zz@host`,
    `redis://me:${SECRET}@host/films`,
    `redis://me:${SECRET}@host?retry=1`,
    `redis://me:${SECRET}@host:99999`,
    `${SECRET}`,
    'redis://',
  ])('refuses a wrong one, naming where it came from and never repeating it', (url) => {
    const message = messageOf(() => parseRedisUrl('REDIS_URL', url));
    expect(message).toMatch(/^REDIS_URL: /);
    expect(message).not.toContain(SECRET);
  });
});

describe('redisOptionsFromEnv', () => {
  it('is undefined when nothing is set, or only emptily', () => {
    expect(redisOptionsFromEnv({})).toBeUndefined();
    expect(redisOptionsFromEnv({ REDIS_URL: '', REDIS_HOST: '', PATH: '/bin' })).toBeUndefined();
  });

  it.each([
    [{ REDIS_URL: 'rediss://a:b@h:1/2' }, { host: 'h', port: 1, db: 2, username: 'a', password: 'b', tls: true }],
    [
      { REDIS_URL: 'redis://h', REDIS_PASSWORD: 'pw' },
      { host: 'h', port: 6379, password: 'pw' },
    ],
    [{ REDIS_HOST: 'h' }, { host: 'h', port: 6379 }],
    [{ REDIS_PORT: '7000' }, { host: 'localhost', port: 7000 }],
    [
      { REDIS_HOST: 'h', REDIS_PORT: '1', REDIS_DB: '2', REDIS_USERNAME: 'u', REDIS_PASSWORD: 'p', REDIS_TLS: 'true' },
      { host: 'h', port: 1, db: 2, username: 'u', password: 'p', tls: true },
    ],
    [
      { REDIS_HOST: 'h', REDIS_TLS: 'false' },
      { host: 'h', port: 6379 },
    ],
    [
      { REDIS_SENTINELS: 'a:1, b:2', REDIS_SENTINEL_NAME: 'main' },
      { sentinels: ['a:1', 'b:2'], name: 'main' },
    ],
    [
      { REDIS_CLUSTER_NODES: 'a:1,b', REDIS_PASSWORD: 'p' },
      { clusterNodes: ['a:1', 'b'], password: 'p' },
    ],
    [{ REDIS_PORT: 'tcp://10.0.0.1:6379' }, undefined],
  ])('reads %o', (env, expected) => {
    expect(redisOptionsFromEnv(env)).toEqual(expected);
  });

  it.each([
    [{ REDIS_HOST: 'h', REDIS_PORT: 'abc' }, 'REDIS_PORT: expected a whole number'],
    [{ REDIS_HOST: 'h', REDIS_DB: '-1' }, 'REDIS_DB: expected a whole number'],
    [{ REDIS_HOST: 'h', REDIS_TLS: 'maybe' }, 'REDIS_TLS: expected one of'],
    [{ REDIS_SENTINELS: 'a:1' }, 'REDIS_SENTINEL_NAME: required'],
    [{ REDIS_URL: 'redis://h', REDIS_CLUSTER_NODES: 'a:1' }, 'REDIS_URL and REDIS_CLUSTER_NODES are set'],
  ])('refuses %o', (env, expected) => {
    expect(messageOf(() => redisOptionsFromEnv({ ...env, REDIS_PASSWORD: SECRET }))).toContain(expected);
  });
});

describe('connectionPlan', () => {
  const single = (options: Parameters<typeof connectionPlan>[0]) => {
    const plan = connectionPlan(options);
    if (plan.kind !== 'single') throw new Error('a single server was meant');
    return plan.options;
  };

  it('fails fast by default', () => {
    expect(single('redis://h')).toMatchObject({
      host: 'h',
      connectTimeout: 1000,
      commandTimeout: 2000,
      socketTimeout: 500,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      enableAutoPipelining: false,
    });
  });

  it('lets options of the user win, and explicit ones win over the URL', () => {
    expect(single({ url: 'redis://h/1', db: 2, commandTimeout: 5000, keyPrefix: 'app:' })).toMatchObject({
      host: 'h',
      db: 2,
      commandTimeout: 5000,
      keyPrefix: 'app:',
    });
  });

  it('names the host in the TLS hello, unless it is an address', () => {
    expect(single('rediss://cache.example').tls).toEqual({ servername: 'cache.example' });
    expect(single('rediss://127.0.0.1').tls).toEqual({});
    expect(single({ host: 'h', tls: { ca: 'x' } }).tls).toEqual({ servername: 'h', ca: 'x' });
    expect(single({ host: 'h', tls: false }).tls).toBeUndefined();
  });

  it('plans Sentinel with the password for the servers', () => {
    expect(single({ sentinels: ['a:1', { host: 'b' }], name: 'main', password: 'pw', tls: true })).toMatchObject({
      sentinels: [
        { host: 'a', port: 1 },
        { host: 'b', port: 26_379 },
      ],
      name: 'main',
      password: 'pw',
      enableTLSForSentinelMode: true,
    });
  });

  it('plans a cluster whose nodes get the limits', () => {
    const plan = connectionPlan({
      clusterNodes: ['a:1', '[::1]:2'],
      password: 'pw',
      keyPrefix: 'app:',
      clusterOptions: { maxRedirections: 9 },
    });
    expect(plan).toMatchObject({
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 1 },
        { host: '::1', port: 2 },
      ],
      options: {
        maxRedirections: 9,
        keyPrefix: 'app:',
        enableOfflineQueue: false,
        redisOptions: {
          password: 'pw',
          commandTimeout: 2000,
          socketTimeout: 500,
          autoResendUnfulfilledCommands: false,
        },
      },
    });
  });

  it.each([
    [{ hots: 'h' }, "unknown option 'hots'. Did you mean 'host'?"],
    [{ socketTimout: 1 }, "Did you mean 'socketTimeout'?"],
    [{ host: 'h', port: 0 }, 'createRedis.port: expected a port'],
    [{ host: '' }, 'createRedis.host: expected a text'],
    [{ host: 'h', db: -1 }, 'createRedis.db: expected a whole number'],
    [{ host: 'h', tls: 'yes' }, 'createRedis.tls: expected true, false or TLS options'],
    [{ host: 'h', path: '/s' }, 'host and path exclude each other'],
    [{ url: 'redis://h', clusterNodes: ['a'] }, 'host and clusterNodes exclude each other'],
    [{ sentinels: ['a:1'] }, 'createRedis.name: required with sentinels'],
    [{ clusterNodes: ['a:1'], db: 1 }, 'createRedis.db: a cluster has database 0 only'],
    [{ clusterNodes: [] }, "createRedis.clusterNodes: expected a list of 'host:port'"],
    [{ clusterNodes: ['a:b'] }, 'createRedis.clusterNodes: expected addresses such as'],
    [{ clusterNodes: [`redis://:${SECRET}@h`] }, 'createRedis.clusterNodes: expected addresses such as'],
    [{ host: 'h', clusterOptions: {} }, 'createRedis.clusterOptions: only with clusterNodes'],
    [{ url: 7 }, 'createRedis.url: expected a text'],
    [7, 'createRedis: expected an options object'],
  ])('refuses %o', (options, expected) => {
    const message = messageOf(() => connectionPlan(options as never));
    expect(message).toContain(expected);
    expect(message).not.toContain(SECRET);
  });
});

describe('createRedis', () => {
  const before = { ...process.env };
  afterEach(() => {
    process.env = { ...before };
  });

  it('is undefined when nothing is configured', () => {
    for (const name of Object.keys(process.env)) if (name.startsWith('REDIS_')) delete process.env[name];
    expect(createRedis()).toBeUndefined();
  });

  it('reads the environment where it is called, not before', () => {
    process.env.REDIS_URL = 'redis://127.0.0.1:1';
    const client = createRedis();
    client?.disconnect();
    expect(client?.options).toMatchObject({ host: '127.0.0.1', port: 1 });
  });
});
