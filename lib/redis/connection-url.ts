import { WarmpathError } from '../common/errors.js';

/** Where one server is and how to enter. */
export interface Endpoint {
  readonly host?: string;
  readonly port?: number;
  /** A Unix socket instead of host and port. */
  readonly path?: string;
  readonly db?: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: true;
  /** 4 or 6. */
  readonly family?: number;
}

const ACCEPTED = "'redis://[user:password@]host[:port][/db]', 'rediss://…' (TLS), or the path of a Unix socket";

/** Reads a Redis URL. Errors name `option` and never repeat the URL, since it may hold a password. */
export function parseRedisUrl(option: string, text: string): Endpoint {
  const socket = /^(?:unix:\/\/|redis\+unix:\/\/)?(\/.*)$/.exec(text)?.[1];
  if (socket !== undefined) return socketEndpoint(option, socket);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^rediss?:$/.test(url.protocol) || url.hostname === '') {
    throw wrongUrl(option, `expected ${ACCEPTED}; special characters of a password are percent-encoded`);
  }
  const { password, username } = credentials(option, url);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 6379 : Number(url.port),
    ...(username !== '' && { username }),
    ...(password !== '' && { password }),
    ...(url.protocol === 'rediss:' && { tls: true as const }),
    ...(url.pathname.length > 1 && { db: databaseNumber(option, url.pathname.slice(1)) }),
    ...parameters(option, url.searchParams),
  };
}

function socketEndpoint(option: string, text: string): Endpoint {
  const [path = '', query = ''] = text.split('?', 2);
  return { path, ...parameters(option, new URLSearchParams(query)) };
}

function credentials(option: string, url: URL): { username: string; password: string } {
  try {
    return { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  } catch {
    throw wrongUrl(option, 'user name or password is not percent-encoded');
  }
}

function parameters(option: string, query: URLSearchParams): Endpoint {
  const found: { db?: number; family?: number } = {};
  for (const [name, value] of query) {
    if (name === 'db') found.db = databaseNumber(option, value);
    else if (name === 'family' && /^[46]$/.test(value)) found.family = Number(value);
    else throw wrongUrl(option, `parameter '${name.slice(0, 40)}' is not understood; accepted: db, family=4 or 6`);
  }
  return found;
}

function databaseNumber(option: string, text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw wrongUrl(option, 'the database after the host must be a number');
}

function wrongUrl(option: string, what: string): WarmpathError {
  return new WarmpathError('ERR_OPTION', `${option}: ${what}`);
}
