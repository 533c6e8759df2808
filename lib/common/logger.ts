import { optionError } from './errors.js';

/** What a logger must offer; `console` and pino both fit. */
export interface Logger {
  debug(...args: unknown[]): void;
  info(...args: unknown[]): void;
  warn(...args: unknown[]): void;
  error(...args: unknown[]): void;
}

const nothing = (): void => {};

/** The default: warnings and errors to the console, the rest dropped. */
export const warningsOnly: Logger = Object.freeze({
  debug: nothing,
  info: nothing,
  warn: (...args: unknown[]) => console.warn(...args),
  error: (...args: unknown[]) => console.error(...args),
});

/** A logger as pino and the console are one. @throws WarmpathError `ERR_OPTION` when a level is missing */
export function loggerOption(option: string, value: unknown): Logger {
  const fits = (['debug', 'info', 'warn', 'error'] as const).every(
    (level) => typeof (value as Record<string, unknown> | null)?.[level] === 'function',
  );
  if (fits) return value as Logger;
  throw optionError(option, 'a logger with debug, info, warn and error', value);
}
