import { expect, it } from 'vitest';
import { responseCache } from '../../lib/index.js';
import { eventually } from '../../lib/testing/index.js';
import { onEveryBackend, onRedis } from './support/backends.js';
import { sendRaw } from './support/raw.js';
import { ask } from './support/serve.js';

const hour = { ttl: '1h' } as const;
const body = async (answer: ReturnType<typeof ask>): Promise<string> => (await answer).body.toString();

onRedis('A4 values read from Redis', (on) => {
  const entryKey = async (): Promise<string> => ((await on.redis().cli('KEYS', 'warmpath:1:e:*')) as string[])[0] ?? '';
  const served = async () => {
    const cache = await on.cache();
    let runs = 0;
    const { url } = await on.serve((app) => {
      app.get('/p', responseCache(cache, hour), (_req, res) => {
        runs += 1;
        res.send('page');
      });
    });
    await ask(`${url}/p`);
    await eventually(async () => (await entryKey()) !== '');
    return { cache, url, runs: () => runs };
  };

  it.each([
    ['nothing', ''],
    ['null', 'null'],
    ['a list', '[]'],
    ['an object', '{"v":99}'],
    ['random bytes', Buffer.from(Array.from({ length: 300 }, (_, i) => (i * 7919) % 256))],
    ['UTF-16', Buffer.from('{"status":200}', 'utf16le')],
    ['a frame of nothing', Buffer.concat([Buffer.from('WP\x01\x00', 'latin1'), Buffer.alloc(60)])],
  ])('A4.1 A4.2 takes %s for a miss and repairs it', async (_what, bytes) => {
    const { url, runs } = await served();
    await on.redis().cli('SET', await entryKey(), bytes);
    expect(await body(ask(`${url}/p`))).toBe('page');
    expect(runs()).toBe(2);
    await eventually(async () => (await ask(`${url}/p`)).cache === 'hit');
  });

  it.each([
    ['a list', ['RPUSH', 'a']],
    ['a hash', ['HSET', 'a', 'b']],
    ['a set', ['SADD', 'a']],
  ])('A4.2 B17 replaces %s by an entry', async (_what, [command, ...rest]) => {
    const { url } = await served();
    const key = await entryKey();
    await on.redis().cli('DEL', key);
    await on.redis().cli(command as string, key, ...rest);
    expect(await body(ask(`${url}/p`))).toBe('page');
    await eventually(async () => (await ask(`${url}/p`)).cache === 'hit');
  });

  it('A3.9 takes a huge value for a miss and removes it', async () => {
    const { url } = await served();
    const key = await entryKey();
    await on.redis().cli('SET', key, 'x');
    await on.redis().cli('SETRANGE', key, String(8 * 1024 * 1024), 'x');
    expect(await body(ask(`${url}/p`))).toBe('page');
    await eventually(async () => (await ask(`${url}/p`)).cache === 'hit');
    expect(Number(await on.redis().cli('STRLEN', key))).toBeLessThan(2000);
  });

  it('A4.2 refuses an entry that was copied from another key', async () => {
    const { url, cache } = await served();
    await cache.set('other', 'theirs', { ttl: '1h' });
    const keys = (await on.redis().cli('KEYS', 'warmpath:1:e:*')) as string[];
    for (const from of keys) for (const to of keys) if (from !== to) await on.redis().cli('COPY', from, to, 'REPLACE');
    expect(await body(ask(`${url}/p`))).toBe('page');
    expect(['theirs', undefined]).toContain(await cache.get('other'));
  });

  it('A4.2 counts what is damaged and removes it, but leaves the frames of another release alone', async () => {
    const { url, cache } = await served();
    const reasons: string[] = [];
    cache.events.on('corrupt-entry', ({ reason }) => void reasons.push(reason));
    const key = await entryKey();
    await on.redis().cli('APPEND', key, 'x');
    await ask(`${url}/p`);
    expect(reasons).toEqual(['truncated']);
    await eventually(async () => (await ask(`${url}/p`)).cache === 'hit');
    await on.redis().cli('SETRANGE', key, '2', '\x09');
    reasons.length = 0;
    await cache.get('p');
    await ask(`${url}/p`, { method: 'HEAD' });
    expect(reasons).toEqual(['foreign-version']);
    expect(await on.redis().cli('EXISTS', key)).toBe(1);
  });

  it('A4.3 keeps two versions of an app apart on one Redis', async () => {
    const [one, two] = [await on.cache({ version: '1' }), await on.cache({ version: '2' })];
    await one.set('a', 1, { ttl: '1h' });
    expect(await two.get('a')).toBeUndefined();
    await two.clear();
    expect(await one.get('a')).toBe(1);
  });
});

onEveryBackend('A4 what is stored and replayed', (on) => {
  it('A4.4 never replays framing: bodies of two answers on one connection stay apart', async () => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.get('/p', responseCache(cache, hour), (_req, res) => {
        res.setHeader('Connection', 'x-secret');
        res.setHeader('X-Secret', '1');
        res.send('sixsix');
      });
    });
    await ask(`${url}/p`);
    const request = 'GET /p HTTP/1.1\r\nHost: films.test\r\n\r\n';
    const text = await sendRaw(url, request + request);
    expect(text.split('sixsix').length - 1).toBe(2);
    expect(text.match(/content-length: 6/gi)?.length).toBe(2);
    expect(text.toLowerCase()).not.toContain('x-secret');
  });

  it('A4.5 does not store a body that is shorter or longer than it says', async () => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.get('/p', responseCache(cache, hour), (_req, res) => {
        res.setHeader('Content-Length', '100');
        res.end('short');
      });
    });
    await sendRaw(url, 'GET /p HTTP/1.1\r\nHost: films.test\r\n\r\n');
    await eventually(() => cache.stats().caches['/p']?.notStored['length-mismatch'] === 1);
    expect(cache.stats().entries).toBe(0);
  });

  it.each(['write', 'destroy', 'throw'])('B33 B34 stores nothing of an answer that ends by %s', async (how) => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.get('/p', responseCache(cache, hour), (_req, res) => {
        res.write('half');
        if (how === 'throw') throw new Error('half-way');
        setImmediate(() => res.destroy());
      });
      app.use((_error: unknown, _req: unknown, res: import('express').Response, _next: unknown) => void res.destroy());
    });
    await ask(`${url}/p`).catch(() => 'cut off');
    await eventually(() => (cache.stats().caches['/p']?.fills ?? 0) === 1);
    expect(cache.stats().caches['/p']?.notStored.closed).toBe(1);
  });

  it('B35 answers a second send as Express does, and stores the first', async () => {
    const cache = await on.cache();
    let error: unknown;
    const { url } = await on.serve((app) => {
      app.get('/p', responseCache(cache, hour), (_req, res) => {
        res.json('first');
        try {
          res.json('second');
        } catch (thrown) {
          error = thrown;
        }
      });
    });
    expect(await body(ask(`${url}/p`))).toBe('"first"');
    expect((error as { code?: string }).code).toBe('ERR_HTTP_HEADERS_SENT');
    expect(await body(ask(`${url}/p`))).toBe('"first"');
  });

  it('A4.7 replays neither trailers nor what Connection names', async () => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.get('/p', responseCache(cache, hour), (_req, res) => {
        res.setHeader('Trailer', 'X-Sum');
        res.write('page');
        res.addTrailers({ 'X-Sum': '1' });
        res.end();
      });
    });
    await ask(`${url}/p`);
    expect((await ask(`${url}/p`)).cache).toBe('miss');
  });

  it('A4.8 hands out entries that nobody can change', async () => {
    const cache = await on.cache();
    const shared = Buffer.from('original');
    const { url } = await on.serve((app) => {
      app.use((_req, res, next) => {
        const { end } = res;
        res.end = ((chunk: unknown, ...rest: unknown[]) => {
          const sent = (end as (...args: unknown[]) => unknown).call(res, chunk, ...rest);
          if (Buffer.isBuffer(chunk)) setImmediate(() => chunk.fill('X'));
          return sent;
        }) as never;
        next();
      });
      app.get('/p', responseCache(cache, hour), (_req, res) => void res.end(Buffer.from(shared)));
    });
    expect(await body(ask(`${url}/p`))).toBe('original');
    const object = { list: [1] };
    await cache.set('value', object, { ttl: '1h' });
    const read = (await cache.get<typeof object>('value')) as typeof object;
    read.list.push(2);
    object.list.push(3);
    expect(await cache.get('value')).toEqual({ list: [1] });
  });

  it.each([
    { Age: '999999' },
    { Date: 'Thu, 01 Jan 1970 00:00:00 GMT' },
    { Date: 'Tue, 01 Jan 2099 00:00:00 GMT' },
    { Expires: '0' },
    { Expires: 'garbage' },
    { Age: '-1' },
    { Age: 'garbage' },
  ])('A4.9 stays sane when the handler says %o', async (fields) => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.get(
        '/own',
        responseCache(cache),
        (_req, res) => void res.set({ 'Cache-Control': 'max-age=60', ...fields }).send('page'),
      );
      app.get('/ttl', responseCache(cache, hour), (_req, res) => void res.set(fields).send('page'));
    });
    for (const path of ['/own', '/own', '/ttl', '/ttl']) {
      const answer = await ask(url + path);
      expect(answer.status).toBe(200);
      if (answer.cache === 'hit') expect(Number(answer.headers.age)).toBeGreaterThanOrEqual(0);
    }
  });

  it('A4.10 gives each coding a strong tag of its own', async () => {
    const cache = await on.cache();
    const { url } = await on.serve((app) => {
      app.get(
        '/p',
        responseCache(cache, hour),
        (_req, res) => void res.set('ETag', '"strong"').type('text').send('text '.repeat(1000)),
      );
    });
    await ask(`${url}/p`);
    const coded = await eventually(async () => {
      const answer = await ask(`${url}/p`, { headers: { 'accept-encoding': 'gzip' } });
      return answer.headers['content-encoding'] === 'gzip' ? answer : undefined;
    });
    expect(coded?.headers.etag).toBe('"strong-gzip"');
    expect((await ask(`${url}/p`)).headers.etag).toBe('"strong"');
    expect(
      (await ask(`${url}/p`, { headers: { 'if-none-match': '"strong-gzip"', 'accept-encoding': 'gzip' } })).status,
    ).toBe(304);
  });
});
