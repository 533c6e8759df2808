import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PackedReader, PackedWriter } from '../../lib/store/packed-text.js';

const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });

describe('a packed text', () => {
  it('gives back any numbers, texts and bytes in their order', () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeNat()), fc.array(latin1), fc.uint8Array(), (numbers, texts, bytes) => {
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

  it('is none with a text of characters beyond one byte', () => {
    expect(new PackedWriter().text('čaj').finish()).toBeUndefined();
  });

  it('grows with what is written', () => {
    const long = 'x'.repeat(100_000);
    const reader = new PackedReader(new PackedWriter().text(long).rest(Buffer.alloc(70_000, 0xff)).finish() as string);
    expect(reader.text()).toBe(long);
    expect(reader.rest()).toBe('ÿ'.repeat(70_000));
  });
});
