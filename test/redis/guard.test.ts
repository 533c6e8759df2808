import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EventBus, type WarmpathEvent } from '../../lib/common/events.js';
import { guardOf } from '../../lib/redis/guard.js';
import {
  eventually,
  fakeClock,
  faulty,
  freePort,
  gate,
  type RedisServer,
  startRedis,
} from '../../lib/testing/index.js';
import { afterwards, cleanUp, connect, guard, recordingLogger, until } from './support.js';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(() => server.cli('FLUSHALL'));
afterEach(cleanUp);

async function calls(command: string): Promise<number> {
  const stats = String(await server.cli('INFO', 'commandstats'));
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

async function guarded() {
  const watched = guard(connect(server.url));
  await until('up', watched);
  return watched;
}

describe('run', () => {
  it('answers with the value', async () => {
    const watched = await guarded();
    expect(await watched.run('write', (client) => client.set('k', 'v'))).toEqual({ ok: true, value: 'OK' });
  });

  it('turns error replies into their first word, never showing keys or values', async () => {
    const watched = await guarded();
    await server.cli('RPUSH', 'secret-list', 'secret-item');
    const reply = await watched.run('read', (client) => client.get('secret-list'));
    expect(reply).toEqual({ ok: false, reason: 'error', error: 'WRONGTYPE' });
    expect(watched.state).toBe('up');
  });

  it('gives up at the deadline, and does not open for one failure', async () => {
    const watched = await guarded();
    const startedAt = performance.now();
    const reply = await watched.run('slow', () => new Promise(() => {}), 50);
    expect(reply).toEqual({ ok: false, reason: 'timeout' });
    expect(performance.now() - startedAt).toBeLessThan(100);
    expect(watched.state).toBe('up');
  });

  it('takes what arrived while the event loop was blocked past the deadline', async () => {
    const watched = await guarded();
    const reply = watched.run('read', (client) => client.get('k'), 30);
    await new Promise((resolve) => setImmediate(resolve));
    const blockedUntil = performance.now() + 120;
    while (performance.now() < blockedUntil);
    expect(await reply).toEqual({ ok: true, value: null });
  });

  it('treats a call that throws at once, or rejects with anything, as an error', async () => {
    const watched = await guarded();
    const thrown = await watched.run('bug', () => {
      throw new TypeError('secret');
    });
    expect(thrown).toEqual({ ok: false, reason: 'error', error: 'TypeError' });
    expect(await watched.run('bug', () => Promise.reject('secret'))).toMatchObject({
      reason: 'error',
      error: 'unknown',
    });
  });

  it('opens after three failures in a row, and answers at once from then on', async () => {
    const watched = await guarded();
    const hang = () => watched.run('slow', () => new Promise(() => {}), 10);
    await hang();
    await hang();
    await watched.run('read', (client) => client.get('k'));
    await hang();
    await hang();
    expect(watched.state).toBe('up');
    await hang();
    expect(watched.state).toBe('down');
    expect(await watched.run('read', () => Promise.reject(new Error('must not be called')))).toEqual({
      ok: false,
      reason: 'down',
    });
    await until('up', watched);
  });

  it('does not open for refused writes', async () => {
    const watched = await guarded();
    await server.cli('CONFIG', 'SET', 'maxmemory', '1');
    afterwards(() => server.cli('CONFIG', 'SET', 'maxmemory', '0'));
    for (let i = 0; i < 10; i++) {
      const reply = await watched.run('write', (client) => client.set('k', 'v'));
      expect(reply).toEqual({ ok: false, reason: 'error', error: 'OOM' });
    }
    expect([watched.state, await watched.readMany(['k'])]).toEqual(['up', [null]]);
  });
});

describe('readMany', () => {
  it('answers bytes in the order asked, null for what is missing or of another type', async () => {
    const watched = await guarded();
    await server.cli('SET', 'a', Buffer.from([0, 255, 13, 10]));
    await server.cli('RPUSH', 'list', 'x');
    expect(await watched.readMany(['none', 'a', 'list', 'a'])).toEqual([
      null,
      Buffer.from([0, 255, 13, 10]),
      null,
      Buffer.from([0, 255, 13, 10]),
    ]);
    expect(await watched.readMany([])).toEqual([]);
  });

  it('asks once for everything wanted in a turn of the event loop, and once for equal keys', async () => {
    const watched = await guarded();
    await server.cli('SET', 'a', '1');
    const before = await calls('mget');
    const answers = await Promise.all([
      watched.readMany(['a', 'b']),
      watched.readMany(['a']),
      watched.readMany(['c', 'a']),
    ]);
    expect(answers.map((values) => values?.map((value) => value && String(value)))).toEqual([
      ['1', null],
      ['1'],
      [null, '1'],
    ]);
    expect(await calls('mget')).toBe(before + 1);
  });

  it('splits a very large batch', async () => {
    const watched = await guarded();
    const keys = Array.from({ length: 1000 }, (_, i) => `k${i}`);
    await server.cli('MSET', ...keys.flatMap((key) => [key, key]));
    const before = await calls('mget');
    expect((await watched.readMany(keys))?.map(String)).toEqual(keys);
    expect((await calls('mget')) - before).toBe(4);
  });

  it('honours the keyPrefix of a client', async () => {
    const watched = guard(connect({ url: server.url, keyPrefix: 'app:' }));
    await until('up', watched);
    await server.cli('SET', 'app:a', '1');
    expect((await watched.readMany(['a']))?.map(String)).toEqual(['1']);
  });

  it('answers undefined while Redis is away, at once', async () => {
    const watched = guard(connect(`redis://127.0.0.1:${await freePort()}`));
    expect(await watched.readMany(['a'])).toBeUndefined();
    expect(watched.reign('a')).toBeUndefined();
  });
});

describe('reign', () => {
  it('is the same 16 bytes for every client of a server, and another after a restart', async () => {
    const own = await startRedis();
    afterwards(() => own.stop());
    const [one, two] = [guard(connect(own.url)), guard(connect(own.url))];
    await Promise.all([until('up', one), until('up', two)]);
    const before = one.reign('a');
    expect(before).toHaveLength(16);
    expect(two.reign('b')).toEqual(before);
    expect(one.reign('c')).toBe(before);
    await own.restart({ keepData: true });
    await until('down', one);
    expect(one.reign('a')).toBeUndefined();
    await until('up', one);
    expect(one.reign('a')).toHaveLength(16);
    expect(one.reign('a')).not.toEqual(before);
  });

  it('changes when a server is promoted again, although its process stays', async () => {
    const [own, other] = [await startRedis(), await startRedis()];
    afterwards(() => Promise.all([own.stop(), other.stop()]));
    const client = connect(own.url);
    const watched = guard(client);
    await until('up', watched);
    const before = watched.reign('a');
    await own.cli('REPLICAOF', other.host, other.port);
    await eventually(async () => String(await own.cli('INFO', 'replication')).includes('master_link_status:up'));
    await own.cli('REPLICAOF', 'NO', 'ONE');
    watched.suspend('look again');
    await until('up', watched);
    expect(watched.reign('a')).not.toEqual(before);
  });

  it('is constant where INFO is denied, which is said once', async () => {
    const own = await startRedis();
    afterwards(() => own.stop());
    await own.cli('ACL', 'SETUSER', 'app', 'on', '>pw', '~*', '&*', '+@all', '-info');
    const logger = recordingLogger();
    const client = new Redis(own.port, { username: 'app', password: 'pw', enableReadyCheck: false });
    afterwards(() => client.disconnect());
    const watched = guard(client, { logger });
    await until('up', watched);
    const before = watched.reign('a');
    watched.suspend('again');
    await until('up', watched);
    expect(watched.reign('a')).toEqual(before);
    expect(logger.lines.filter((line) => line.includes('run_id'))).toHaveLength(1);
  });
});

describe('now', () => {
  it("follows Redis' clock, whatever ours says", async () => {
    const clock = fakeClock(Date.now() - 3_600_000);
    const watched = guard(connect(server.url), { clock });
    await until('up', watched);
    const [seconds = 0, micros = 0] = ((await server.cli('TIME')) as string[]).map(Number);
    expect(Math.abs(watched.now() - (seconds * 1000 + micros / 1000))).toBeLessThan(1000);
    const before = watched.now();
    clock.jumpWall(3_600_000);
    clock.advance(250);
    expect(watched.now() - before).toBe(250);
  });
});

describe('admission', () => {
  it('waits for the tasks, which find reign and clock known, and tries again when one fails', async () => {
    const client = connect(server.url);
    const watched = guard(client);
    const seen: unknown[] = [];
    watched.beforeAdmission(async (given) => {
      seen.push([given === client, watched.state, watched.reign('k')?.length]);
      if (seen.length === 1) throw new Error('not yet');
      return seen.length > 2;
    });
    await until('up', watched);
    expect(seen).toEqual([
      [true, 'down', 16],
      [true, 'down', 16],
      [true, 'down', 16],
    ]);
  });

  it('gives up a task that hangs, and asks it again', async () => {
    const watched = guard(connect(server.url));
    let runs = 0;
    watched.beforeAdmission(async () => {
      runs += 1;
      return runs > 1 || new Promise<boolean>(() => {});
    });
    await eventually(() => runs > 0);
    expect(watched.state).toBe('down');
    expect(await until('up', watched)).toBeLessThan(4000);
  });

  it('runs again after suspend, before anyone reads', async () => {
    const watched = await guarded();
    let runs = 0;
    const unregister = watched.beforeAdmission(async () => {
      runs += 1;
      return true;
    });
    watched.suspend('an invalidation was not confirmed');
    expect(watched.state).toBe('down');
    expect(await watched.readMany(['k'])).toBeUndefined();
    await until('up', watched);
    expect(runs).toBe(1);
    unregister();
    watched.suspend('again');
    await until('up', watched);
    expect(runs).toBe(1);
  });

  it('starts over when suspended while it runs', async () => {
    const watched = guard(connect(server.url));
    const door = gate();
    let runs = 0;
    watched.beforeAdmission(async () => {
      runs += 1;
      await door.wait();
      return true;
    });
    await door.arrived(1);
    watched.suspend('meanwhile');
    door.open();
    await until('up', watched);
    expect(runs).toBe(2);
    expect(door.arrivals).toBe(2);
  });
});

describe('state changes', () => {
  it('are told to listeners, logged and emitted once each, with a reason and without an address', async () => {
    const own = await startRedis();
    afterwards(() => own.stop());
    const logger = recordingLogger();
    const events = new EventBus();
    const emitted: WarmpathEvent[] = [];
    events.on('redis-state', (event) => emitted.push(event));
    const watched = guard(connect(own.url), { logger, events });
    const heard: string[] = [];
    watched.onStateChange(() => {
      throw new Error('a broken listener');
    });
    watched.onStateChange((state) => heard.push(state));
    await until('up', watched);
    expect(watched.downSince).toBeUndefined();
    await own.kill();
    await until('down', watched);
    expect(watched.downSince).toBeGreaterThan(0);
    await own.restart();
    await until('up', watched);
    expect(heard).toEqual(['up', 'down', 'up']);
    expect(emitted.map((event) => 'state' in event && event.state)).toEqual(['up', 'down', 'up']);
    expect(logger.lines).toEqual([
      'info: warmpath: Redis is in use',
      expect.stringMatching(/^warn: warmpath: Redis is out of use \(\w+\); going on without it$/),
      'info: warmpath: Redis is in use',
    ]);
  });

  it('include being away at the start, with the cause', async () => {
    const logger = recordingLogger();
    guard(connect(`redis://127.0.0.1:${await freePort()}`), { logger });
    await eventually(() => logger.lines.length > 0);
    expect(logger.lines).toEqual(['warn: warmpath: Redis is out of use (ECONNREFUSED); going on without it']);
  });

  it('B18: name a wrong password once, and never print it', async () => {
    const own = await startRedis({ args: ['--requirepass', 'right'] });
    afterwards(() => own.stop());
    const logger = recordingLogger();
    const watched = guard(connect({ url: own.url, password: 'planted-secret' }), { logger });
    await eventually(() => logger.lines.length > 0);
    const [first, more] = await Promise.all([
      watched.readMany(['a']),
      watched.run('read', (client) => client.get('a')),
    ]);
    expect([first, more]).toEqual([undefined, { ok: false, reason: 'down' }]);
    expect(logger.lines).toEqual(['warn: warmpath: Redis is out of use (WRONGPASS); going on without it']);
  });
});

describe('guardOf', () => {
  it('shares everything among the guards of one client, and each closes for itself', async () => {
    const client = connect(server.url);
    const [one, two] = [guard(client), guard(client)];
    await until('up', one);
    expect(two.state).toBe('up');
    const before = await calls('mget');
    await Promise.all([one.readMany(['a']), two.readMany(['a'])]);
    expect(await calls('mget')).toBe(before + 1);
    const heard: string[] = [];
    one.onStateChange((state) => heard.push(state));
    one.close();
    expect([one.state, await one.readMany(['a'])]).toEqual(['down', undefined]);
    expect(await one.run('read', (given) => given.get('a'))).toEqual({ ok: false, reason: 'down' });
    expect(two.state).toBe('up');
    two.suspend('check');
    await until('up', two);
    expect(heard).toEqual([]);
  });

  it('takes a reply that answers something else for a failure, and never throws', async () => {
    const client = connect(server.url);
    const spoilt = faulty(client, ['mgetBuffer']);
    const watched = guard(spoilt.subject);
    await until('up', watched);
    for (const foreign of [null, 1, 'OK', [], [null]]) {
      spoilt.corrupt(() => foreign);
      expect(await watched.readMany(['a', 'b'])).toBeUndefined();
    }
    expect(watched.state).toBe('down');
    spoilt.pass();
    await until('up', watched);
    expect(await watched.readMany(['a', 'b'])).toEqual([null, null]);
  });

  it('B44: leaves nothing behind on the client after a thousand openings and closings', async () => {
    const client = connect(server.url);
    const count = () => client.eventNames().map((name) => client.listenerCount(name));
    await eventually(() => client.status === 'ready');
    const before = count();
    for (let i = 0; i < 1000; i++) {
      const watched = guardOf(client, { events: new EventBus() });
      watched.beforeAdmission(async () => true);
      watched.onStateChange(() => {});
      void watched.readMany(['a']);
      watched.close();
      watched.close();
    }
    expect(count()).toEqual(before);
  });

  it('works with a client made with the defaults of ioredis, lazy ones too', async () => {
    for (const options of [{}, { lazyConnect: true }, { enableReadyCheck: false }, { protocol: 2 as const }]) {
      const client = new Redis(server.port, options);
      afterwards(() => client.disconnect());
      const watched = guard(client);
      await until('up', watched);
      expect(await watched.readMany(['none'])).toEqual([null]);
    }
  });
});
