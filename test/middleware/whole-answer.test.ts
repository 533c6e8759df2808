import { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import express, { type Express, type RequestHandler } from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { createCache } from '../../lib/cache/cache.js';
import { responseCache } from '../../lib/middleware/response-cache.js';
import { serve } from '../flows/support/serve.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const SIZES = { small: 20, text: 3000, large: 40_000 };

/** An app whose hits are under test; `before` stands in front of the cache. */
function films(...before: RequestHandler[]): Express {
  const app = express();
  app.use(...(before.length === 0 ? [pass] : before), responseCache(createCache(), { ttl: '1h' }));
  app.get('/:size', (req, res) => {
    res.set({ 'Content-Type': 'text/plain', 'X-Film': 'Solaris' });
    res.send(`${req.params.size}: ÿ `.padEnd(SIZES[req.params.size as keyof typeof SIZES], 'é'));
  });
  return app;
}

const pass: RequestHandler = (_req, _res, next) => next();
// Who replaces writeHead gets the documented way: fields one by one, head and body apart.
const documented: RequestHandler = (_req, res, next) => {
  res.writeHead = res.writeHead.bind(res) as typeof res.writeHead;
  next();
};

async function started(app: Express): Promise<string> {
  const served = await serve(app);
  closing.push(served.close);
  return served.url;
}

/** Sends requests over one connection, each after the answer to the one before unless they are sent as one; all bytes that came. */
function exchange(url: string, messages: readonly string[], until?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const left = [...messages];
    let received = '';
    socket.setEncoding('latin1');
    socket.write(left.shift() as string);
    socket.on('data', (text: string) => {
      received += text;
      const next = left.shift();
      if (next !== undefined) socket.write(next);
      // Node says that it closes after the last request allowed, and then waits for the client.
      if (until !== undefined && received.includes(until)) socket.end();
    });
    socket.on('end', () => resolve(received));
    socket.on('error', reject);
  });
}

// What may differ from one answer to the next.
function comparable(bytes: string): string {
  return bytes.replace(/^(date: ).*$/gim, '$1…').replace(/ttl=\d+/g, 'ttl=…');
}

const HOST = 'Host: films.test\r\n';
const LAST = `GET /small HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;
const get = (path: string, fields = ''): string => `GET ${path} HTTP/1.1\r\n${HOST}${fields}\r\n`;
const TAG = /etag: (.*)\r\n/i;

describe('an answer sent in one write', () => {
  it('is byte by byte what the documented way sends, whatever the request and its connection', async () => {
    const sent: string[] = [];
    for (const url of [await started(films()), await started(films(documented))]) {
      for (const path of ['/small', '/text', '/large']) await exchange(url, [get(path), get(path), get(path), LAST]);
      const tag = TAG.exec(await exchange(url, [LAST]))?.[1] as string;
      const conversations = [
        [get('/small'), get('/text'), get('/large'), LAST],
        [get('/small') + get('/text') + get('/large') + LAST],
        [get('/small', `If-None-Match: ${tag}\r\n`), get('/small', `If-None-Match: ${tag}\r\n`), LAST],
        [get('/small', `If-None-Match: "other", ${tag}\r\n`), LAST],
        [`HEAD /text HTTP/1.1\r\n${HOST}\r\n`, get('/text'), LAST],
        [`GET /small HTTP/1.0\r\n${HOST}\r\n`],
        [`GET /small HTTP/1.0\r\n${HOST}Connection: keep-alive\r\n\r\n`, LAST],
        [get('/text', 'Range: bytes=2-5\r\n'), LAST],
        [get('/text', 'Accept-Encoding: gzip\r\n'), LAST],
        [get('/small', 'Expect: 100-continue\r\n'), LAST],
      ];
      const received: string[] = [];
      for (const one of conversations) received.push(await exchange(url, one));
      sent.push(comparable(received.join('\n')));
    }
    expect(sent[0]).toContain('X-Cache: hit');
    expect(sent[0]).toContain('304 Not Modified');
    expect(sent[0]).toBe(sent[1]);
  });

  it('follows the server when it changes what it says of its connections', async () => {
    const app = films();
    const served = await serve(app);
    closing.push(served.close);
    const seen: string[] = [];
    const server = await new Promise<{ keepAliveTimeout: number; maxRequestsPerSocket: number }>((resolve) => {
      app.get('/server/of', (req, res) => {
        resolve(
          (req.socket as unknown as { server: { keepAliveTimeout: number; maxRequestsPerSocket: number } }).server,
        );
        res.end();
      });
      void exchange(served.url, [get('/server/of', 'Connection: close\r\n')]);
    });
    for (const seconds of [5, 5, 9, 9]) {
      server.keepAliveTimeout = seconds * 1000;
      const bytes = await exchange(served.url, [get('/small'), LAST]);
      seen.push(/Keep-Alive: (.*)\r\n/.exec(bytes)?.[1] ?? '');
    }
    server.maxRequestsPerSocket = 3;
    const limited = await exchange(served.url, [get('/small'), get('/small'), get('/small')], 'Connection: close');
    expect(seen).toEqual(['timeout=5', 'timeout=5', 'timeout=9', 'timeout=9']);
    expect(limited.match(/Keep-Alive: .*|Connection: close/g)).toEqual([
      'Keep-Alive: timeout=9, max=3',
      'Keep-Alive: timeout=9, max=3',
      'Connection: close',
    ]);
  });

  it('leaves a response as others expect it: status, fields, events', async () => {
    const seen: unknown[] = [];
    const url = await started(
      films((_req, res, next) => {
        res.on('finish', () => {
          const { statusCode, statusMessage, headersSent, writableEnded } = res;
          seen.push([
            statusCode,
            statusMessage,
            headersSent,
            writableEnded,
            res.getHeader('x-cache'),
            res.get('X-Film'),
          ]);
        });
        res.on('close', () => seen.push('close'));
        next();
      }),
    );
    await exchange(url, [get('/small'), get('/small'), get('/small'), LAST]);
    const told = [200, 'OK', true, true, 'hit', 'Solaris'];
    expect(seen.slice(2)).toEqual([told, 'close', told, 'close', told, 'close']);
  });

  it.each([
    [
      'end',
      (res: ServerResponse, see: (chunk: unknown) => void) => {
        const { end } = res;
        res.end = ((...args: unknown[]) => {
          see(args[0]);
          return (end as (...all: unknown[]) => ServerResponse).apply(res, args);
        }) as ServerResponse['end'];
      },
    ],
    [
      'write',
      (res: ServerResponse) => {
        res.write = res.write.bind(res) as ServerResponse['write'];
      },
    ],
    [
      'statusMessage',
      (res: ServerResponse) => {
        res.statusMessage = 'Fine';
      },
    ],
    [
      'sendDate',
      (res: ServerResponse) => {
        res.sendDate = false;
      },
    ],
    [
      'the Connection field',
      (res: ServerResponse) => {
        res.removeHeader('Connection');
      },
    ],
    [
      'a field',
      (res: ServerResponse) => {
        res.setHeader('X-Frame-Options', 'DENY');
      },
    ],
  ])('takes the documented way where %s is somebody else’s business', async (_what, change) => {
    const ends: unknown[] = [];
    const changed: RequestHandler = (_req, res, next) => {
      change(res, (chunk) => ends.push(chunk));
      next();
    };
    const sent: string[] = [];
    for (const url of [await started(films(changed)), await started(films(documented, changed))]) {
      await exchange(url, [get('/small'), get('/small'), LAST]);
      sent.push(comparable(await exchange(url, [get('/small'), get('/small'), LAST])));
    }
    expect(sent[0]).toContain('X-Cache: hit');
    expect(sent[0]).toBe(sent[1]);
    expect(ends.every((chunk) => typeof chunk === 'string' || Buffer.isBuffer(chunk))).toBe(true);
  });

  it('lets a replaced prototype see every head', async () => {
    const url = await started(films());
    await exchange(url, [get('/small'), get('/small'), LAST]);
    const { writeHead } = ServerResponse.prototype;
    let heads = 0;
    ServerResponse.prototype.writeHead = function (this: ServerResponse, ...args: unknown[]) {
      heads += 1;
      return (writeHead as (...all: unknown[]) => ServerResponse).apply(this, args);
    } as ServerResponse['writeHead'];
    try {
      await exchange(url, [get('/small'), LAST]);
    } finally {
      ServerResponse.prototype.writeHead = writeHead;
    }
    expect(heads).toBe(2);
  });

  it('says hit, miss and stale under the name each route gave the field, though they share the entry', async () => {
    const cache = createCache();
    const named = express();
    named.get(
      '/film',
      responseCache(cache, { ttl: '1h', statusHeader: 'X-One' }),
      (_req, res) => void res.send('Solaris'),
    );
    const plain = express();
    plain.get(
      '/film',
      responseCache(cache, { ttl: '1h', statusHeader: false }),
      (_req, res) => void res.send('Solaris'),
    );
    const [one, other] = [await started(named), await started(plain)];
    const answers: string[] = [];
    for (let turn = 0; turn < 4; turn++)
      for (const url of [one, other]) answers.push(await exchange(url, [get('/film', 'Connection: close\r\n')]));
    expect(answers.map((bytes) => /X-One: (.*)\r\n/.exec(bytes)?.[1])).toEqual([
      'miss',
      undefined,
      'hit',
      undefined,
      'hit',
      undefined,
      'hit',
      undefined,
    ]);
    expect(answers.every((bytes) => bytes.endsWith('Solaris'))).toBe(true);
  });
});
