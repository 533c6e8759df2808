import { optionError } from './errors.js';

/** A number of bytes: `'64kb'`, `'8mb'`, `'2gb'` (powers of 1024), or a plain number. */
export type Size = `${number}b` | `${number}kb` | `${number}mb` | `${number}gb` | number;

const UNIT_BYTES = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 } as const;
const PATTERN = /^(\d+(?:\.\d+)?)(b|kb|mb|gb)$/i;

/** Bytes of a {@link Size}. Throws `ERR_OPTION`, naming `option`, for anything else. */
export function sizeBytes(option: string, value: unknown): number {
  const bytes = typeof value === 'number' ? value : typeof value === 'string' ? parse(value) : Number.NaN;
  if (!Number.isFinite(bytes) || bytes < 0) {
    throw optionError(option, "a size such as '64kb', '8mb', '2gb' or a number of bytes", value);
  }
  return Math.floor(bytes);
}

function parse(text: string): number {
  const match = PATTERN.exec(text);
  if (!match) return Number.NaN;
  return Number(match[1]) * UNIT_BYTES[(match[2] as string).toLowerCase() as keyof typeof UNIT_BYTES];
}
