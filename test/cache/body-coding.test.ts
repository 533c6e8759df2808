import { randomBytes } from 'node:crypto';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { compressed, DecodedBodies, decoded, isCompressible } from '../../lib/cache/body-coding.js';
import type { ContentCoding } from '../../lib/cache/http/content-coding.js';
import { type ResponseMeta, StoredResponse } from '../../lib/cache/stored-response.js';

function stored(body: Buffer, coding: ContentCoding, identityLength: number): StoredResponse {
  const meta: ResponseMeta = {
    s: 200,
    f: [],
    l: 1000,
    a: 0,
    w: 0,
    e: 0,
    m: 0,
    c: coding,
    n: identityLength,
    g: 0,
    p: 0,
  };
  return new StoredResponse({ kind: 'response', meta, body, groups: [], storedAt: 0, retainUntil: 1000 }, meta);
}

const TWO_HUNDRED_MIB = 200 * 1024 * 1024;

describe('stored codings', () => {
  it.each([
    ['gzip', gzipSync(Buffer.alloc(TWO_HUNDRED_MIB))],
    ['br', brotliCompressSync(Buffer.alloc(TWO_HUNDRED_MIB / 4))],
  ] as const)('A3.8 decodes no more of %s than was declared', async (coding, bomb) => {
    const bodies = new DecodedBodies(1024 * 1024);
    expect(await bodies.of(stored(bomb, coding, 1000))).toBeUndefined();
    expect(await bodies.of(stored(bomb, coding, 100_000))).toBeUndefined();
    expect(await decoded(bomb, coding, 100_000)).toBeUndefined();
  });

  it('A4.6 refuses bytes that are not of their coding, or not of their length', async () => {
    const bodies = new DecodedBodies(1024 * 1024);
    expect(await bodies.of(stored(Buffer.from('plain text'), 'gzip', 10))).toBeUndefined();
    expect(await bodies.of(stored(gzipSync('twelve bytes'), 'gzip', 11))).toBeUndefined();
    expect((await bodies.of(stored(gzipSync('twelve bytes'), 'gzip', 12)))?.toString()).toBe('twelve bytes');
  });

  it('A3.5 keeps no more of decoded bodies than its limit, with all that stays for their sake', () => {
    const limit = 256 * 1024;
    const bodies = new DecodedBodies(limit);
    const responses = Array.from({ length: 200 }, (_, i) =>
      stored(gzipSync(Buffer.alloc(2000, `${i} `)), 'gzip', 2000),
    );
    const first = responses.map((response) => bodies.of(response) as Buffer);
    const kept = responses.filter((_, i) => bodies.of(responses.at(-1 - i) as StoredResponse) === first.at(-1 - i));
    expect(kept.length).toBeGreaterThan(0);
    // Node decodes into pieces of 16 kB, and a response is some objects and its text besides.
    expect(first.map(({ buffer }) => buffer.byteLength)).toEqual(Array(200).fill(2000));
    expect(kept.length * 8000).toBeLessThan(limit);
  });

  it('compresses what shrinks, and leaves what does not', async () => {
    expect((await compressed(Buffer.alloc(5000, 'a')))?.length).toBeLessThan(200);
    expect(await compressed(randomBytes(2000))).toBeUndefined();
    expect([
      isCompressible('application/json; charset=utf-8'),
      isCompressible('image/png'),
      isCompressible(undefined),
    ]).toEqual([true, false, false]);
  });
});
