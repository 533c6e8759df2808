import { optionError } from './errors.js';

/** A length of time: `'250ms'`, `'30s'`, `'5m'` (minutes), `'6h'`, `'7d'`, or a number of **seconds**. */
export type Duration = `${number}ms` | `${number}s` | `${number}m` | `${number}h` | `${number}d` | number;

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

// RFC 9111 §1.2.2: recipients cap at 2^31 seconds; nothing this package keeps lives longer.
const MAX_MS = 2 ** 31 * 1000;

/** Milliseconds of a {@link Duration}. Throws `ERR_OPTION`, naming `option`, for anything else. */
export function durationMs(option: string, value: unknown): number {
  const ms = typeof value === 'number' ? value * 1000 : typeof value === 'string' ? parse(value) : Number.NaN;
  if (!Number.isFinite(ms) || ms < 0) {
    throw optionError(option, "a duration such as '250ms', '30s', '5m', '6h', '7d' or a number of seconds", value);
  }
  return Math.min(ms, MAX_MS);
}

function parse(text: string): number {
  const match = PATTERN.exec(text);
  if (!match) return Number.NaN;
  return Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
}

/** As {@link durationMs}, and refuses zero. */
export function positiveDurationMs(option: string, value: unknown): number {
  const ms = durationMs(option, value);
  if (ms <= 0) throw optionError(option, 'a duration longer than zero', value);
  return ms;
}
