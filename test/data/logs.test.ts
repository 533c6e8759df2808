import { channel } from 'node:diagnostics_channel';
import { expect, it } from 'vitest';
import { onEveryLevel, onRedis } from './levels.js';

function listener() {
  const lines: [string, string][] = [];
  const at = (level: string) => (text: unknown) => void lines.push([level, String(text)]);
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

onEveryLevel('logs', ({ instance, clock, level }) => {
  it('tell hits, stale answers and misses at debug with name, digest, level, latency and age, and no key', async () => {
    const logger = listener();
    const cache = await instance({ logger });
    const ask = () => cache.wrap('secret-key', () => 1, { name: 'films', ttl: '1m', staleWhileRevalidate: '1m' });
    await ask();
    clock.advance(10_000);
    await ask();
    clock.advance(60_000);
    await ask();
    const lines = logger.lines.filter(([where]) => where === 'debug').map(([, text]) => text);
    expect(lines[0]).toMatch(/^warmpath: miss cache=films key=[0-9a-f]{16} latencyMs=\d+\.\d\d$/);
    expect(lines[1]).toMatch(
      new RegExp(`^warmpath: hit cache=films key=[0-9a-f]{16} level=${level} latencyMs=[\\d.]+ ageMs=10\\d\\d\\d$`),
    );
    expect(lines[2]).toMatch(/^warmpath: stale cache=films /);
    expect(JSON.stringify(logger.lines)).not.toContain('secret-key');
  });

  it('are not made up for a logger that has debug switched off', async () => {
    const logger = { ...listener(), isLevelEnabled: (wanted: string) => wanted !== 'debug' };
    const cache = await instance({ logger });
    await cache.wrap('k', () => 1, { ttl: '1m' });
    expect(logger.lines.filter(([where]) => where === 'debug')).toEqual([]);
  });

  it('say once why values of a name are not stored', async () => {
    const logger = listener();
    const cache = await instance({ logger });
    for (let n = 0; n < 3; n++) await cache.wrap('k', () => Symbol('s'), { ttl: '1m', name: 'odd' });
    expect(logger.lines.filter(([where]) => where === 'warn')).toEqual([
      ['warn', expect.stringMatching(/'odd'.*not stored.*ERR_VALUE/)],
    ]);
  });
});

onEveryLevel('diagnostics channels', ({ instance }) => {
  it('carry lookups and events', async () => {
    const seen: [string, unknown][] = [];
    const names = ['lookup', 'fill', 'invalidation', 'not-stored'];
    const listen = (message: unknown, name: string | symbol) => void seen.push([String(name), message]);
    for (const name of names) channel(`warmpath:${name}`).subscribe(listen);
    const cache = await instance();
    await cache.wrap('k', () => 1, { ttl: '1m', name: 'films' });
    await cache.wrap('k', () => 1, { ttl: '1m', name: 'films' });
    await cache.invalidate({ tags: ['t'] });
    for (const name of names) channel(`warmpath:${name}`).unsubscribe(listen);
    expect(seen.map(([name]) => name)).toEqual([
      'warmpath:lookup',
      'warmpath:fill',
      'warmpath:lookup',
      'warmpath:invalidation',
    ]);
    expect(seen[2]?.[1]).toMatchObject({ cache: 'films', result: 'hit', key: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(seen[1]?.[1]).toMatchObject({ type: 'fill', cache: 'films', stored: true });
  });
});

onRedis('logs of an outage', ({ instance, server }) => {
  it('warn once when Redis goes and tell at info when it is back', async () => {
    const logger = listener();
    const cache = await instance({ logger });
    server().pause();
    for (let n = 0; n < 10; n++) await cache.wrap(`k${n}`, () => 1, { ttl: '1m' });
    await expect.poll(() => cache.stats().level).toBe('memory');
    server().resume();
    await expect.poll(() => cache.stats().level, { timeout: 5000 }).toBe('redis');
    const count = (where: string, what: RegExp) =>
      logger.lines.filter(([level, text]) => level === where && what.test(text)).length;
    expect([count('warn', /out of use/), count('info', /in use/)]).toEqual([1, 2]);
  });
});

onRedis('a closed cache', ({ instance, client, server }) => {
  it('hears no more of Redis, while another cache of the same client goes on', async () => {
    const redis = client();
    const [closed, open] = [listener(), listener()];
    const first = await instance({ redis, logger: closed });
    const second = await instance({ redis, logger: open, version: '2' });
    await first.close();
    expect(await second.set('k', 1, { ttl: '1m' })).toBe(true);
    server().pause();
    await second.get('k');
    await expect.poll(() => second.stats().level).toBe('memory');
    server().resume();
    await expect.poll(() => second.stats().level, { timeout: 5000 }).toBe('redis');
    const about = (lines: typeof open.lines) => lines.filter(([, text]) => /of use/.test(text)).length;
    expect([about(closed.lines), about(open.lines)]).toEqual([0, 1]);
  });

  it('leaves nothing running on a client that nobody else uses', async () => {
    const redis = client();
    const logger = listener();
    const cache = await instance({ redis, logger, compatibleWith: '0' });
    await cache.set('k', 1, { ttl: '1m' });
    await cache.close();
    redis.disconnect();
    await expect.poll(() => redis.status).toBe('end');
    expect(logger.lines.filter(([level]) => level === 'warn')).toEqual([]);
  });
});
