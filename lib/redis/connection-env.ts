import { optionError, WarmpathError } from '../common/errors.js';
import { oneOf } from '../common/options.js';
import type { CreateRedisOptions } from './connection-options.js';
import { parseRedisUrl } from './connection-url.js';

/** Environment variables, e.g. `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

const PLACES = ['REDIS_URL', 'REDIS_HOST', 'REDIS_SENTINELS', 'REDIS_CLUSTER_NODES'] as const;
const ALONE = ['REDIS_PORT', 'REDIS_DB', 'REDIS_USERNAME', 'REDIS_PASSWORD', 'REDIS_TLS'] as const;

/** What the `REDIS_…` variables say, or `undefined` when none is set. An empty variable counts as not set. */
export function redisOptionsFromEnv(env: Environment): CreateRedisOptions | undefined {
  const get = (name: string): string | undefined => present(name, env[name]);
  const places = PLACES.filter((name) => get(name) !== undefined);
  if (places.length > 1) {
    throw new WarmpathError('ERR_OPTION', `${places.join(' and ')} are set: keep the one that says where Redis is`);
  }
  if (places.length === 0 && ALONE.every((name) => get(name) === undefined)) return undefined;
  return { ...entry(get), ...place(get) };
}

function place(get: (name: string) => string | undefined): CreateRedisOptions {
  const url = get('REDIS_URL');
  if (url !== undefined) return parseRedisUrl('REDIS_URL', url);
  const sentinels = get('REDIS_SENTINELS');
  if (sentinels !== undefined) return sentinelPlace(sentinels, get);
  const clusterNodes = get('REDIS_CLUSTER_NODES');
  if (clusterNodes !== undefined) return { clusterNodes: list(clusterNodes) };
  const port = get('REDIS_PORT');
  return { host: get('REDIS_HOST') ?? 'localhost', port: port === undefined ? 6379 : whole('REDIS_PORT', port) };
}

function sentinelPlace(sentinels: string, get: (name: string) => string | undefined): CreateRedisOptions {
  const name = get('REDIS_SENTINEL_NAME');
  if (name === undefined) throw new WarmpathError('ERR_OPTION', 'REDIS_SENTINEL_NAME: required with REDIS_SENTINELS');
  const sentinelUsername = get('REDIS_SENTINEL_USERNAME');
  const sentinelPassword = get('REDIS_SENTINEL_PASSWORD');
  return {
    sentinels: list(sentinels),
    name,
    ...(sentinelUsername !== undefined && { sentinelUsername }),
    ...(sentinelPassword !== undefined && { sentinelPassword }),
  };
}

function entry(get: (name: string) => string | undefined): CreateRedisOptions {
  const [db, username, password, tls] = ['REDIS_DB', 'REDIS_USERNAME', 'REDIS_PASSWORD', 'REDIS_TLS'].map(get);
  return {
    ...(db !== undefined && { db: whole('REDIS_DB', db) }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls !== undefined && isOn('REDIS_TLS', tls) && { tls: true }),
  };
}

// Kubernetes sets REDIS_PORT=tcp://… for a service called redis: that is not ours to read.
function present(name: string, value: string | undefined): string | undefined {
  return value === undefined || value === '' || (name === 'REDIS_PORT' && value.startsWith('tcp://'))
    ? undefined
    : value;
}

const list = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

function whole(name: string, text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw optionError(name, 'a whole number', text);
}

function isOn(name: string, text: string): boolean {
  return ['1', 'true', 'on', 'yes'].includes(oneOf(name, text, ['true', 'false', '1', '0', 'on', 'off', 'yes', 'no']));
}
