/** Bytes as Redis writes them: `1.05M`. */
export function humanBytes(bytes: number): string {
  const units = ['B', 'K', 'M', 'G', 'T'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${Math.round(value)}B` : `${value.toFixed(2)}${units[unit]}`;
}

/** A whole number with separators. */
export const count = (value: number): string => Math.round(value).toLocaleString('en-US');

/** A share as a percentage with one place; a dash when there is none. */
export const percent = (share: number | undefined): string =>
  share === undefined ? '–' : `${(share * 100).toFixed(1)}\u202f%`;

/** Seconds in the unit that reads best. */
export function seconds(value: number | undefined): string {
  if (value === undefined) return '–';
  if (value < 0.001) return `${(value * 1e6).toFixed(0)} µs`;
  if (value < 1) return `${(value * 1000).toFixed(value < 0.01 ? 2 : value < 0.1 ? 1 : 0)} ms`;
  return `${value.toFixed(2)} s`;
}

/** A length of time in whole words: `3 h 20 min`. */
export function span(ms: number | undefined): string {
  if (ms === undefined) return '–';
  const total = Math.round(Math.abs(ms) / 1000);
  const sign = ms < 0 ? '−' : '';
  if (total < 60) return `${sign}${total} s`;
  if (total < 3600) return `${sign}${Math.floor(total / 60)} min ${total % 60} s`;
  if (total < 86_400) return `${sign}${Math.floor(total / 3600)} h ${Math.floor((total % 3600) / 60)} min`;
  return `${sign}${Math.floor(total / 86_400)} d ${Math.floor((total % 86_400) / 3600)} h`;
}

/** A rate per second. */
export function perSecond(value: number | undefined): string {
  if (value === undefined) return '–';
  if (value === 0) return '0';
  return value < 10 ? value.toFixed(1) : count(value);
}
