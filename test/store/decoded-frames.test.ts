import { describe, expect, it } from 'vitest';
import { DecodedFrames } from '../../lib/store/decoded-frames.js';
import { decodeFrame, encodeFrame } from '../../lib/store/entry-frame.js';

const digest = Buffer.alloc(16, 7);
const stamp = { group: '', hard: Buffer.alloc(16, 1), soft: Buffer.alloc(8, 2) };

const frameOf = (body: string | Buffer): Buffer =>
  encodeFrame(
    {
      entry: { kind: 'value', meta: {}, body: Buffer.from(body), groups: [], storedAt: 1, retainUntil: 2 },
      label: 'a',
      stamps: [stamp],
      prefixSequence: 0,
    },
    digest,
  );

function counting() {
  const state = { decodes: 0 };
  const decode = (frame: Buffer) => {
    state.decodes += 1;
    return decodeFrame(frame, digest);
  };
  return { state, decode };
}

describe('decoded frames', () => {
  it('are found again for a reply of the same bytes, under the same key only', () => {
    const frames = new DecodedFrames();
    const { state, decode } = counting();
    const decoded = frames.remember('k', frameOf('one'), decode);
    expect(frames.get('k', frameOf('one'))).toBe(decoded.ok && decoded.framed);
    expect(frames.get('other', frameOf('one'))).toBeUndefined();
    expect(state.decodes).toBe(1);
  });

  it('are not those of another reply, by one bit', () => {
    const frames = new DecodedFrames();
    const { decode } = counting();
    frames.remember('k', frameOf('one'), decode);
    const damaged = frameOf('one');
    damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1;
    expect(frames.get('k', damaged)).toBeUndefined();
    expect(frames.get('k', frameOf('two'))).toBeUndefined();
  });

  it('remember nothing that is damaged', () => {
    const frames = new DecodedFrames();
    const { decode } = counting();
    const damaged = frameOf('one').subarray(0, 70);
    expect(frames.remember('k', damaged, decode).ok).toBe(false);
    expect(frames.get('k', damaged)).toBeUndefined();
  });

  it('keep nothing of the reply they were cut from, and shared ones of one turn are decoded once', () => {
    const frames = new DecodedFrames();
    const { decode } = counting();
    const frame = frameOf('x'.repeat(100));
    const reply = Buffer.concat([Buffer.alloc(100_000), frame]);
    const view = reply.subarray(100_000);
    const decoded = frames.remember('k', view, decode);
    expect(decoded.ok && decoded.framed.entry.body.buffer.byteLength).toBe(frame.length);
    expect(frames.get('another key of the same turn', view)).toBe(decoded.ok && decoded.framed);
  });

  it('are bounded', () => {
    const frames = new DecodedFrames();
    const { decode } = counting();
    const body = 'x'.repeat(10_000);
    for (let at = 0; at < 1000; at++) frames.remember(`k${at}`, frameOf(body), decode);
    expect(frames.get('k0', frameOf(body))).toBeUndefined();
    expect(frames.get('k999', frameOf(body))).toBeDefined();
  });
});
