import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { ClusterOptions, RedisOptions } from 'ioredis';
import { optionError, WarmpathError } from '../common/errors.js';
import { checkKnownKeys, textOption, wholeNumber } from '../common/options.js';
import { clusterDefaults, connectionDefaults, standaloneDefaults } from './client-defaults.js';
import { parseRedisUrl } from './connection-url.js';
import { ioredis } from './ioredis.js';

/** An address as `'host:port'`, `'[::1]:port'` or an object. */
export type RedisAddress = string | { readonly host: string; readonly port?: number };

/** One server (`url`, `host`/`port` or `path`), Sentinel (`sentinels` and `name`) or Cluster (`clusterNodes`). The rest is ioredis', and overrides our defaults. */
export interface CreateRedisOptions extends Omit<RedisOptions, 'sentinels' | 'tls' | 'replyMapping'> {
  /** `redis://`, `rediss://` or the path of a Unix socket. */
  readonly url?: string | undefined;
  /** @default false */
  readonly tls?: boolean | ConnectionOptions | undefined;
  readonly sentinels?: readonly RedisAddress[] | undefined;
  readonly clusterNodes?: readonly RedisAddress[] | undefined;
  /** ioredis' options of the Cluster object itself. */
  readonly clusterOptions?: Omit<ClusterOptions, 'redisOptions'> | undefined;
}

type SingleOptions = Omit<RedisOptions, 'replyMapping'>;
type NodeOptions = Omit<NonNullable<ClusterOptions['redisOptions']>, 'replyMapping'>;
type ClusterPlanOptions = Omit<ClusterOptions, 'redisOptions'> & { redisOptions: NodeOptions };

/** What to construct. */
export type ConnectionPlan =
  | { readonly kind: 'single'; readonly options: SingleOptions }
  | {
      readonly kind: 'cluster';
      readonly nodes: { host: string; port: number }[];
      readonly options: ClusterPlanOptions;
    };

type Host = { host: string; port: number };

const OWN_KEYS = [
  'url',
  'host',
  'port',
  'path',
  'db',
  'username',
  'password',
  'tls',
  'sentinels',
  'name',
  'clusterNodes',
  'clusterOptions',
];
// Options of ioredis that have no default, so that its own list does not name them.
const IOREDIS_KEYS = [
  ...[
    'commandTimeout',
    'socketTimeout',
    'blockingTimeout',
    'scripts',
    'Connector',
    'preferredSlaves',
    'sentinelTLS',
    'himportFieldsets',
  ],
  ...[
    'sentinelUsername',
    'sentinelPassword',
    'sentinelCommandTimeout',
    'keyPrefix',
    'monitor',
    'family',
    'showFriendlyErrorStack',
  ],
];

/** Checks the options and says what to construct. Throws a {@link WarmpathError} that names the option; never prints a secret. */
export function connectionPlan(given: string | CreateRedisOptions): ConnectionPlan {
  const { url, ...options } = typeof given === 'string' ? { url: given } : checked(given);
  const merged: CreateRedisOptions =
    url === undefined ? options : { ...parseRedisUrl('createRedis.url', url), ...options };
  checkOnePlace(merged);
  return merged.clusterNodes ? clusterPlan(merged) : singlePlan(merged);
}

function checked(options: CreateRedisOptions): CreateRedisOptions {
  checkKnownKeys('createRedis', options, [
    ...new Set([...OWN_KEYS, ...Object.keys(defaultsOfIoredis()), ...IOREDIS_KEYS]),
  ]);
  if (options.port !== undefined) portNumber('createRedis.port', options.port);
  if (options.db !== undefined) wholeNumber('createRedis.db', options.db);
  if (options.host !== undefined) textOption('createRedis.host', options.host);
  if (options.tls !== undefined && typeof options.tls !== 'boolean' && typeof options.tls !== 'object') {
    throw optionError('createRedis.tls', 'true, false or TLS options', options.tls);
  }
  if (options.url !== undefined && typeof options.url !== 'string') {
    throw optionError('createRedis.url', 'a text', options.url);
  }
  return options;
}

function defaultsOfIoredis(): object {
  return (ioredis().Redis as unknown as { defaultOptions?: object }).defaultOptions ?? {};
}

function checkOnePlace({ host, path, sentinels, clusterNodes, name, db }: CreateRedisOptions): void {
  const places = { host, path, sentinels, clusterNodes };
  const set = Object.entries(places).filter(([, value]) => value !== undefined);
  if (set.length > 1) {
    throw new WarmpathError('ERR_OPTION', `createRedis: ${set.map(([key]) => key).join(' and ')} exclude each other`);
  }
  if (sentinels && !name)
    throw new WarmpathError('ERR_OPTION', 'createRedis.name: required with sentinels: the name of the master');
  if (clusterNodes && db) throw new WarmpathError('ERR_OPTION', 'createRedis.db: a cluster has database 0 only');
}

function singlePlan({ sentinels, tls, clusterOptions, ...rest }: CreateRedisOptions): ConnectionPlan {
  if (clusterOptions) throw new WarmpathError('ERR_OPTION', 'createRedis.clusterOptions: only with clusterNodes');
  const options: SingleOptions = { ...standaloneDefaults(), ...rest };
  if (tls) options.tls = tlsOptions(tls, rest.host);
  if (sentinels) {
    options.sentinels = addresses('createRedis.sentinels', sentinels, 26_379);
    if (tls) options.enableTLSForSentinelMode = true;
  }
  return { kind: 'single', options };
}

function clusterPlan({
  clusterNodes = [],
  clusterOptions,
  tls,
  enableAutoPipelining,
  keyPrefix,
  ...rest
}: CreateRedisOptions): ConnectionPlan {
  const { host: _host, port: _port, path: _path, db: _db, sentinels: _sentinels, name: _name, ...shared } = rest;
  const options: ClusterPlanOptions = { ...clusterDefaults(), redisOptions: { ...connectionDefaults(), ...shared } };
  if (keyPrefix !== undefined) options.keyPrefix = keyPrefix;
  if (enableAutoPipelining !== undefined) options.enableAutoPipelining = enableAutoPipelining;
  if (tls) {
    options.redisOptions.tls = tlsOptions(tls, undefined);
    // Certificates name hosts, so hosts must stay names.
    options.dnsLookup = (address, callback) => callback(null, address);
  }
  return {
    kind: 'cluster',
    nodes: addresses('createRedis.clusterNodes', clusterNodes, 6379),
    options: { ...options, ...clusterOptions },
  };
}

// Hosted Redis often tells its tenants apart by the name in the TLS hello, which Node sends only if told.
function tlsOptions(tls: true | ConnectionOptions, host: string | undefined): ConnectionOptions {
  const options = tls === true ? {} : tls;
  return host !== undefined && isIP(host) === 0 ? { servername: host, ...options } : { ...options };
}

function addresses(option: string, list: readonly RedisAddress[], defaultPort: number): Host[] {
  if (!Array.isArray(list) || list.length === 0) throw optionError(option, "a list of 'host:port'", list);
  return list.map((item) => address(option, item, defaultPort));
}

function address(option: string, given: RedisAddress, defaultPort: number): Host {
  if (typeof given === 'object' && given !== null) {
    return {
      host: textOption(`${option}.host`, given.host),
      port: portNumber(`${option}.port`, given.port ?? defaultPort),
    };
  }
  const match = /^(?:\[([\da-fA-F:.]+)\]|([^\s:/@[\]]+))(?::(\d{1,5}))?$/.exec(String(given));
  const host = match?.[1] ?? match?.[2];
  if (host === undefined)
    throw new WarmpathError('ERR_OPTION', `${option}: expected addresses such as 'host:6379' or '[::1]:6379'`);
  return { host, port: portNumber(option, match?.[3] === undefined ? defaultPort : Number(match[3])) };
}

function portNumber(option: string, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535) return value;
  throw optionError(option, 'a port from 1 to 65535', value);
}
