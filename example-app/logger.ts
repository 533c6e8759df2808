import type { Logger } from './warmpath.js';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const silent = () => {};

/** The console from `level` on. An app of your own passes its pino or winston logger as it is. */
export function consoleLogger(level: LogLevel): Logger {
  const from = LOG_LEVELS.indexOf(level);
  const at = (one: LogLevel) => (LOG_LEVELS.indexOf(one) < from ? silent : console[one].bind(console));
  const isLevelEnabled = (one: string) => LOG_LEVELS.indexOf(one as LogLevel) >= from; // as pino and winston have it
  const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), isLevelEnabled };
  return logger;
}
