import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PackedReader, PackedWriter } from '../../lib/store/packed-text.js';

const upTo = (max: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.integer({ min: 0, max }).map((code) => String.fromCharCode(code)) });
// Halves of surrogate pairs are among them.
const text = fc.oneof(upTo(255), upTo(0xffff));

describe('a packed text', () => {
  it('gives back any numbers, texts and bytes in their order', () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeNat()), fc.array(text), fc.uint8Array(), (numbers, texts, bytes) => {
        const writer = new PackedWriter();
        for (const number of numbers) writer.number(number);
        for (const text of texts) writer.text(text);
        const reader = new PackedReader(writer.rest(Buffer.from(bytes)).finish() as string);
        expect(numbers.map(() => reader.number())).toEqual(numbers);
        expect(texts.map(() => reader.text())).toEqual(texts);
        expect(Buffer.from(reader.rest(), 'latin1')).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('is none with the number %s in it', (number) => {
    expect(new PackedWriter().number(number).finish()).toBeUndefined();
  });

  it('has one byte a character, whatever is in it', () => {
    expect(new PackedWriter().text('čaj').finish()).toMatch(/^[\0-\xff]{7}$/);
    expect(new PackedWriter().text('thé').finish()).toHaveLength(4);
  });

  it('grows with what is written', () => {
    const long = '√'.repeat(100_000);
    const reader = new PackedReader(new PackedWriter().text(long).rest(Buffer.alloc(70_000, 0xff)).finish() as string);
    expect(reader.text()).toBe(long);
    expect(reader.rest()).toBe('ÿ'.repeat(70_000));
  });
});
