/** The closed set of error codes; each has an entry in the README. */
export type WarmpathErrorCode =
  | 'ERR_OPTION'
  | 'ERR_UNKNOWN_OPTION'
  | 'ERR_TARGET'
  | 'ERR_KEY'
  | 'ERR_VALUE'
  | 'ERR_PARAM'
  | 'ERR_CLOSED'
  | 'ERR_UNAVAILABLE'
  | 'ERR_TIMEOUT'
  | 'ERR_QUEUE_FULL'
  | 'ERR_TRUST_PROXY'
  | 'ERR_AUTHORIZE_MISSING';

/** Every error this package throws. `code` is the contract; the message is for people. */
export class WarmpathError extends Error {
  readonly code: WarmpathErrorCode;

  constructor(code: WarmpathErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'WarmpathError';
    this.code = code;
  }
}

/** A wrong option value: names the option, what is accepted and what was given. */
export function optionError(option: string, accepted: string, given: unknown): WarmpathError {
  return new WarmpathError('ERR_OPTION', `${option}: expected ${accepted}, got ${describe(given)}`);
}

// Values may be secrets (passwords, signing keys), so only short plain ones are shown.
function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'string')
    return value.length <= 32 ? JSON.stringify(value) : `a string of ${value.length} characters`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'function' ? 'a function' : 'an object';
}

/** What of a foreign error may be logged: name, code and the first word of its message, never arguments or values. */
export function safeErrorText(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const firstWord = /^[A-Z]{2,24}\b/.exec(error.message)?.[0];
  return [error.name, code, firstWord].filter(Boolean).join(' ');
}
