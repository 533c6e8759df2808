import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { prepareFields } from '../../lib/middleware/prepared-head.js';
import { sendPrepared } from '../../lib/middleware/whole-answer.js';
import { ask, serve } from '../flows/support/serve.js';

const head = prepareFields([
  ['content-type', 'text/plain'],
  ['etag', '"a"'],
  ['vary', 'Accept, Origin'],
  ['content-length', '2'],
]);
const news = { age: '3', cacheStatus: 'warmpath; hit; ttl=9', statusHeader: 'X-Cache', word: 'hit' };

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function answeredBy(write: (res: ServerResponse) => void) {
  const listener = (_req: IncomingMessage, res: ServerResponse): void => write(res);
  const served = await serve(listener as never);
  closing.push(served.close);
  return ask(served.url);
}

describe('a prepared head', () => {
  it('is sent over what was set before, and can be read from the response', async () => {
    let seen: unknown;
    const answer = await answeredBy((res) => {
      res.setHeader('X-Powered-By', 'Express');
      res.setHeader('ETag', '"before"');
      res.setHeader('X-Frame-Options', 'DENY');
      expect(sendPrepared(res, 200, head, news, 'ok')).toBe(true);
      seen = [res.getHeader('ETag'), res.getHeader('x-cache'), res.headersSent];
    });
    expect(seen).toEqual(['"a"', 'hit', true]);
    expect(answer.headers).toMatchObject({
      'x-powered-by': 'Express',
      'x-frame-options': 'DENY',
      etag: '"a"',
      vary: 'Accept, Origin',
      age: '3',
      'x-cache': 'hit',
      'cache-status': 'warmpath; hit; ttl=9',
    });
  });

  it('leaves nothing of one answer in the next', async () => {
    const ages: unknown[] = [];
    for (const age of ['1', '2']) {
      const answer = await answeredBy((res) => {
        sendPrepared(res, 200, head, { ...news, age }, 'ok');
        expect(() => res.setHeader('x-late', 'a')).toThrow();
      });
      ages.push(answer.headers.age, answer.headers['x-late']);
    }
    expect(ages).toEqual(['1', undefined, '2', undefined]);
  });

  it('is left to writeHead where somebody replaced that', async () => {
    const answer = await answeredBy((res) => {
      res.writeHead = res.writeHead.bind(res) as ServerResponse['writeHead'];
      expect(sendPrepared(res, 200, head, news, 'ok')).toBe(false);
      expect(res.getHeaderNames()).toEqual([]);
      res.end('ok');
    });
    expect(answer.headers.etag).toBeUndefined();
  });

  it('sends nothing that all objects inherit', async () => {
    const value = { value: 'yes', enumerable: true, configurable: true, writable: true };
    Object.defineProperty(Object.prototype, 'polluted', value);
    let headers: object;
    try {
      const answer = await answeredBy((res) => {
        sendPrepared(res, 200, prepareFields([['etag', '"b"']]), news, 'ok');
      });
      headers = answer.headers;
    } finally {
      Reflect.deleteProperty(Object.prototype, 'polluted');
    }
    expect(Object.keys(headers)).toContain('etag');
    expect(Object.keys(headers)).not.toContain('polluted');
  });
});
