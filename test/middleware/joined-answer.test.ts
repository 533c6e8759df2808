import { connect } from 'node:net';
import express from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { createCache } from '../../lib/cache/cache.js';
import { JoinedAnswers, type JoinHolder } from '../../lib/middleware/joined-answer.js';
import { responseCache } from '../../lib/middleware/response-cache.js';
import { serve } from '../flows/support/serve.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const answers = new JoinedAnswers();
const joinedFor: JoinedAnswers['of'] = (one, head, what) => answers.of(one, head, what);
const holder = (): JoinHolder => ({ joined: undefined, lastHead: undefined });
const body = Buffer.alloc(10_000, 'b');

describe('head and body in one piece', () => {
  it('are made for the second answer with the same head, and are the head and the body', () => {
    const one = holder();
    expect(joinedFor(one, 'head 1', body)).toBeUndefined();
    const joined = joinedFor(one, 'head 1', body);
    expect(joined?.bytes.toString('latin1')).toBe(`head 1${body}`);
    expect(joinedFor(one, 'head 1', body)).toBe(joined);
    const text = `é${body}`;
    const other = holder();
    for (let turn = 0; turn < 2; turn++) joinedFor(other, 'head', text);
    expect(joinedFor(other, 'head', text)?.bytes.toString('latin1')).toBe(`head${text}`);
  });

  it('take a head of the same length in place, and are made anew for another', () => {
    const one = holder();
    for (let turn = 0; turn < 2; turn++) joinedFor(one, 'head 8', body);
    const joined = joinedFor(one, 'head 9', body);
    expect(joined?.bytes.toString('latin1', 0, 8)).toBe('head 9bb');
    expect(joinedFor(one, 'head 10', body)).toBeUndefined();
    const longer = joinedFor(one, 'head 10', body);
    expect(longer).not.toBe(joined);
    expect(longer?.bytes.toString('latin1', 0, 9)).toBe('head 10bb');
    expect(joined?.bytes.toString('latin1', 0, 8)).toBe('head 9bb');
  });

  it('do not change while they are being read, nor serve another body', () => {
    const one = holder();
    for (let turn = 0; turn < 2; turn++) joinedFor(one, 'head 1', body);
    const joined = joinedFor(one, 'head 1', body);
    if (joined !== undefined) joined.isBusy = true;
    expect(joinedFor(one, 'head 1', body)).toBe(joined);
    expect(joinedFor(one, 'head 2', body)).toBeUndefined();
    expect(joinedFor(one, 'head 2', body)?.bytes.toString('latin1', 0, 7)).toBe('head 2b');
    expect(joined?.bytes.toString('latin1', 0, 7)).toBe('head 1b');
    const other = Buffer.alloc(10_000, 'c');
    expect(joinedFor(one, 'head 2', other)?.bytes.toString('latin1', 0, 7)).toBe('head 2c');
  });

  it('are not made of what is small or large', () => {
    for (const size of [100, 70_000]) {
      const one = holder();
      for (let turn = 0; turn < 3; turn++) expect(joinedFor(one, 'head', Buffer.alloc(size))).toBeUndefined();
    }
  });

  it('stay within their budget however many there are, and none is given up for another in its first second', () => {
    let now = 0;
    const answers = new JoinedAnswers(100_000, () => now);
    const all = Array.from({ length: 50 }, holder);
    const isMade = (one: JoinHolder): boolean => {
      answers.of(one, 'head', body);
      return answers.of(one, 'head', body) !== undefined;
    };
    expect(all.map(isMade).filter(Boolean)).toHaveLength(9);
    now += 1000;
    expect(isMade(all[30] as JoinHolder)).toBe(true);
    expect(all.map(({ joined }) => joined !== undefined).indexOf(true)).toBe(1);
    const held = all.reduce((sum, { joined }) => sum + (joined?.bytes.length ?? 0), 0);
    expect([held, answers.heldBytes]).toEqual([9 * 10_004, 9 * 10_004]);
  });

  it('reach a client whole that does not read while seconds go by, as everybody else', async () => {
    let now = 1_000_000;
    const clock = { now: () => now, wallNow: () => now };
    const app = express();
    app.use(responseCache(createCache({ jitter: 0, clock } as never), { ttl: '1h' }));
    const film = 'Solaris ÿ '.repeat(5000);
    app.get('/film', (_req, res) => void res.type('text').set('Cache-Control', 'no-transform').send(film));
    const served = await serve(app);
    closing.push(served.close);
    const { port } = new URL(served.url);
    const request = 'GET /film HTTP/1.1\r\nHost: films.test\r\n\r\n';
    const slow = connect(Number(port), '127.0.0.1');
    closing.push(() => slow.destroy());
    slow.pause();
    const SLOW = 200;
    const ROUNDS = 12;
    for (let round = 0; round < ROUNDS; round++) {
      for (let turn = 0; turn < 4; turn++) {
        const quick = connect(Number(port), '127.0.0.1');
        const answer = await readAll(quick, `${request.slice(0, -2)}Connection: close\r\n\r\n`);
        expect(ages(answer)).toEqual(round === 0 && turn === 0 ? [undefined] : [String(round)]);
        expect(bodies(answer, film)).toBe(1);
      }
      slow.write(request.repeat(SLOW / 4));
      await new Promise((resolve) => setTimeout(resolve, 20));
      now += 1000;
    }
    slow.resume();
    const received = await readUntil(slow, film, (ROUNDS * SLOW) / 4);
    expect(bodies(received, film)).toBe((ROUNDS * SLOW) / 4);
    for (const age of ages(received)) expect(Number(age)).toBeLessThan(ROUNDS + 1);
    expect(ages(received)).toHaveLength((ROUNDS * SLOW) / 4);
  }, 30_000);
});

const ages = (text: string): (string | undefined)[] =>
  text
    .split('HTTP/1.1 200 OK\r\n')
    .slice(1)
    .map((answer) => /^age: (\d+)\r$/im.exec(answer)?.[1]);

const bodies = (text: string, film: string): number =>
  text.split(`\r\n\r\n${Buffer.from(film).toString('latin1')}`).length - 1;

function readAll(socket: ReturnType<typeof connect>, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
    });
    socket.on('end', () => resolve(received)).on('error', reject);
    socket.write(request);
  });
}

function readUntil(socket: ReturnType<typeof connect>, film: string, count: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let length = 0;
    const least = Buffer.byteLength(film) * count;
    socket.on('error', reject).on('data', (piece: Buffer) => {
      pieces.push(piece);
      length += piece.length;
      if (length < least) return;
      const text = Buffer.concat(pieces).toString('latin1');
      if (bodies(text, film) >= count) resolve(text);
    });
  });
}
