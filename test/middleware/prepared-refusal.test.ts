import { connect } from 'node:net';
import express, { type RequestHandler, type Response } from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { type RateLimiterOptions, rateLimiter } from '../../lib/index.js';
import { serve } from '../flows/support/serve.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const pass: RequestHandler = (_req, _res, next) => next();
// Who replaces writeHead gets the documented way: fields one by one, head and body apart.
const documented: RequestHandler = (_req, res, next) => {
  res.writeHead = res.writeHead.bind(res) as typeof res.writeHead;
  next();
};

async function limited(before: RequestHandler, options: Partial<RateLimiterOptions> = {}, isPowered = true) {
  const app = express();
  if (!isPowered) app.disable('x-powered-by');
  const seen: unknown[] = [];
  app.use(before, (req, res, next) => {
    res.on('finish', () => seen.push([res.statusCode, res.getHeader('ratelimit') !== undefined, req.rateLimit?.used]));
    next();
  });
  app.use(
    rateLimiter({
      tiers: {
        all: [
          { limit: 2, window: '1h' },
          { name: 'day', limit: 100, window: '1d' },
        ],
      },
      key: (req) => String(req.headers['x-client'] ?? 'nobody'),
      ...options,
    } as RateLimiterOptions),
  );
  app.use((_req, res) => void res.send('film'));
  const served = await serve(app);
  closing.push(served.close);
  return { port: Number(new URL(served.url).port), seen };
}

/** Everything that comes back on one connection for these requests, each sent after the answer to the one before. */
function exchange(port: number, requests: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const left = [...requests];
    let received = '';
    const socket = connect(port, '127.0.0.1').setEncoding('latin1');
    socket.write(left.shift() as string);
    socket.on('data', (text: string) => {
      received += text;
      const next = left.shift();
      if (next !== undefined) socket.write(next);
    });
    socket.on('end', () => resolve(received)).on('error', reject);
  });
}

const get = (client: string, more = ''): string => `GET / HTTP/1.1\r\nHost: a\r\nX-Client: ${client}\r\n${more}\r\n`;
const head = `HEAD / HTTP/1.1\r\nHost: a\r\nX-Client: ann\r\n\r\n`;
const last = get('ann', 'Connection: close\r\n');
const CONVERSATIONS = [
  [get('ann'), get('ann'), get('ann'), get('ann'), get('ann'), get('ann'), last],
  [get('bob'), get('bob'), get('bob'), get('ann'), get('bob'), head, get('ann'), last],
  [`${get('ann')}${get('bob')}${get('ann')}${last}`],
  ['GET / HTTP/1.0\r\nHost: a\r\nX-Client: ann\r\n\r\n'],
];

// What depends on the moment: whole seconds may tick between two answers.
const comparable = (text: string): string =>
  text
    .replace(/^(Date: ).*$/gm, '$1…')
    .replace(/t=\d+|reset=\d+/g, 't=…')
    .replace(/^(Retry-After: |RateLimit-Reset: )\d+/gm, '$1…');

async function conversations(port: number): Promise<string> {
  const received: string[] = [];
  for (const one of CONVERSATIONS) received.push(await exchange(port, one));
  return comparable(received.join('\n'));
}

describe('a refusal with a prepared head', () => {
  for (const [what, options, isPowered] of [
    ['as it comes', {}, true],
    ['without X-Powered-By', {}, false],
    ['of draft 7', { standardHeaders: 'draft-7' }, true],
    ['of draft 6, with legacy fields', { standardHeaders: 'draft-6', legacyHeaders: true }, true],
    ['without quota fields', { standardHeaders: false }, true],
    [
      'of a limiter with a name, a status and a Retry-After of its own',
      { name: 'films', statusCode: 503, retryAfter: 7 },
      true,
    ],
    ['by functions of the user', { identifier: () => 'mine', retryAfter: () => 9 }, true],
  ] as const) {
    it(`is byte by byte the one that is put together field by field, ${what}`, async () => {
      const ways: { text: string; seen: unknown[] }[] = [];
      for (const before of [pass, documented]) {
        const { port, seen } = await limited(before, options as Partial<RateLimiterOptions>, isPowered);
        ways.push({ text: await conversations(port), seen });
      }
      expect(ways[0]?.text).toMatch(/HTTP\/1\.1 (429|503) /);
      expect(ways[0]?.text).toBe(ways[1]?.text);
      expect(ways[0]?.seen).toEqual(ways[1]?.seen);
      expect(ways[0]?.seen).toHaveLength(20);
    });
  }

  it('keeps what others have set for the request', async () => {
    let count = 0;
    const { port } = await limited((_req, res, next) => {
      res.set('X-Request-Id', `r${++count}`);
      next();
    });
    const text = await exchange(port, [get('ann'), get('ann'), get('ann'), get('ann'), last]);
    expect(text.match(/X-Request-Id: r\d/g)).toEqual(['r1', 'r2', 'r3', 'r4', 'r5'].map((id) => `X-Request-Id: ${id}`));
    expect(text.match(/HTTP\/1\.1 429/g)).toHaveLength(3);
  });

  it('leaves on each response what that client was told, however many are refused afterwards', async () => {
    const all: Response[] = [];
    const { port } = await limited((_req, res, next) => {
      all.push(res);
      next();
    });
    const names = ['ann', 'bob', 'cleo'].flatMap((name) => Array(4).fill(name) as string[]);
    const text = await exchange(port, [...names.map((name) => get(name)), last]);
    const told = [...text.matchAll(/^RateLimit-Policy: (.*)\r$/gm)].map(([, policy]) => policy);
    expect(all.map((res) => res.getHeader('RateLimit-Policy'))).toEqual(told);
    expect(new Set(told).size).toBe(3);
  });

  it('tells each client its own quota', async () => {
    const { port } = await limited(pass);
    const text = await exchange(port, [get('ann'), get('ann'), get('ann'), get('bob'), get('bob'), get('bob'), last]);
    const keys = [...text.matchAll(/RateLimit-Policy: .*?pk=:(.*?):/g)].map(([, key]) => key);
    expect(keys).toHaveLength(7);
    expect(new Set(keys.slice(0, 3)).size).toBe(1);
    expect(new Set(keys.slice(3, 6)).size).toBe(1);
    expect(keys[0]).not.toBe(keys[3]);
    expect(keys[6]).toBe(keys[0]);
  });
});
