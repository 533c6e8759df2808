/**
 * Small parts and a body in one text of one byte a character: a single object on the heap, without pointers, that a
 * response can be written from as it is.
 */

// Below it, arithmetic of 32 bits will do.
const SMALL = 2 ** 31;

const BEYOND_ONE_BYTE = /[\u0100-\uffff]/;

// Shared by all writers, which therefore write one at a time.
let scratch = Buffer.allocUnsafeSlow(16 * 1024);

/** Puts a packed text together. Finish one before the next is begun. */
export class PackedWriter {
  #at = 0;
  #isSound = true;

  /** A whole number from 0 to 2^53, in 7 bits a character. Anything else makes the text unsound. */
  number(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) this.#isSound = false;
    let rest = this.#isSound ? value : 0;
    this.#reserve(8);
    for (; rest >= SMALL; rest = Math.floor(rest / 128)) scratch[this.#at++] = (rest % 128) + 128;
    for (; rest >= 128; rest >>>= 7) scratch[this.#at++] = (rest & 127) | 128;
    scratch[this.#at++] = rest;
    return this;
  }

  /** A text with its length; two bytes a character where one is not enough for all of them. */
  text(value: string): this {
    const isWide = BEYOND_ONE_BYTE.test(value);
    this.number(value.length * 2 + (isWide ? 1 : 0));
    this.#reserve(value.length * 2);
    this.#at += scratch.write(value, this.#at, isWide ? 'utf16le' : 'latin1');
    return this;
  }

  /** Bytes up to the end. */
  rest(bytes: Buffer): this {
    this.#reserve(bytes.length);
    this.#at += bytes.copy(scratch, this.#at);
    return this;
  }

  /** The text; `undefined` when something in it could not be written. */
  finish(): string | undefined {
    return this.#isSound ? scratch.toString('latin1', 0, this.#at) : undefined;
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= scratch.length) return;
    const larger = Buffer.allocUnsafeSlow(needed * 2);
    scratch.copy(larger, 0, 0, this.#at);
    scratch = larger;
  }
}

/** Takes a packed text apart, in the order in which it was written. */
export class PackedReader {
  readonly #packed: string;
  #at = 0;

  constructor(packed: string) {
    this.#packed = packed;
  }

  number(): number {
    let byte = this.#packed.charCodeAt(this.#at++);
    if (byte < 128) return byte;
    let value = 0;
    let unit = 1;
    for (; byte >= 128; unit *= 128) {
      value += (byte - 128) * unit;
      byte = this.#packed.charCodeAt(this.#at++);
    }
    return value + byte * unit;
  }

  text(): string {
    const coded = this.number();
    const isWide = coded % 2 === 1;
    const start = this.#at;
    this.#at += isWide ? coded - 1 : coded / 2;
    const bytes = this.#packed.slice(start, this.#at);
    return isWide ? Buffer.from(bytes, 'latin1').toString('utf16le') : bytes;
  }

  rest(): string {
    return this.#packed.slice(this.#at);
  }
}
