import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame, type FramedEntry } from '../../lib/store/entry-frame.js';

const digest = Buffer.alloc(16, 7);

const framed = (): FramedEntry => ({
  label: '/films?page=1',
  entry: {
    kind: 'response',
    meta: { s: 200, f: [['etag', 'W/"1"']] },
    body: Buffer.from('bytes of the body'),
    groups: ['t:films', 'p:/films'],
    storedAt: 1e12,
    retainUntil: 1e12 + 5000,
  },
  stamps: ['', 't:films', 'p:/films'].map((group, index) => ({
    group,
    hard: Buffer.alloc(16, index + 1),
    soft: Buffer.alloc(8, index + 9),
  })),
  prefixSequence: 3,
});

describe('the entry frame', () => {
  it('gives back what was put in', () => {
    const decoded = decodeFrame(encodeFrame(framed(), digest), digest);
    expect(decoded).toEqual({ ok: true, framed: framed() });
  });

  it('gives back any text and any bytes', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 200 }),
        fc.jsonValue(),
        fc.uint8Array({ maxLength: 500 }),
        fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { maxLength: 5 }),
        (label, meta, bytes, groups) => {
          const one = framed();
          const stamps = ['', ...groups].map((group) => ({
            group,
            hard: Buffer.alloc(16, 1),
            soft: Buffer.alloc(8, 2),
          }));
          const frame = encodeFrame(
            { ...one, label, stamps, entry: { ...one.entry, meta, body: Buffer.from(bytes), groups } },
            digest,
          );
          const decoded = decodeFrame(frame, digest);
          expect(decoded.ok && decoded.framed.label).toBe(label);
          expect(decoded.ok && decoded.framed.entry.body.equals(Buffer.from(bytes))).toBe(true);
          expect(decoded.ok && decoded.framed.entry.groups).toEqual(groups);
          expect(decoded.ok && JSON.stringify(decoded.framed.entry.meta)).toBe(JSON.stringify(meta));
        },
      ),
    );
  });

  it('A4.2 is a miss for every truncation', () => {
    const frame = encodeFrame(framed(), digest);
    for (let length = 0; length < frame.length; length++)
      expect(decodeFrame(frame.subarray(0, length), digest).ok).toBe(false);
  });

  it('A4.2 is a miss for every flipped bit', () => {
    const frame = encodeFrame(framed(), digest);
    for (let at = 0; at < frame.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = Buffer.from(frame);
        flipped[at] = (flipped[at] as number) ^ (1 << bit);
        expect(decodeFrame(flipped, digest).ok).toBe(false);
      }
    }
  });

  it('A4.2 is a miss under another key, and for whatever else is in its place', () => {
    expect(decodeFrame(encodeFrame(framed(), digest), Buffer.alloc(16, 8))).toEqual({ ok: false, fault: 'other-key' });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => decodeFrame(Buffer.from(bytes), digest).ok === false),
    );
  });

  it('A4.3 tells the frame of another release from damage', () => {
    const frame = encodeFrame(framed(), digest);
    frame.writeUInt8(9, 2);
    expect(decodeFrame(frame, digest)).toEqual({ ok: false, fault: 'foreign-version' });
  });
});
