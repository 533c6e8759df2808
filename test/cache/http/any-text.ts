import fc from 'fast-check';

/** Any text at all, lone surrogates and control characters included; mostly of characters that headers are made of. */
export const anyText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) }, { weight: 1, arbitrary: fc.nat(0xffff) }),
    {
      maxLength: 40,
    },
  )
  .map((codes) => String.fromCharCode(...codes));
