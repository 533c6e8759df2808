import type { ResponseCacheOptions } from '../../lib/middleware/response-cache-options.js';
import type { Random } from './random.js';

/** What of a request a handler's answer depends on, besides the path and its version. */
export type Input =
  | 'query'
  | 'feature'
  | 'language'
  | 'forwarded-host'
  | 'host'
  | 'theme-cookie'
  | 'user'
  | 'user-agent';

const INPUTS: readonly Input[] = [
  'query',
  'feature',
  'language',
  'forwarded-host',
  'host',
  'theme-cookie',
  'user',
  'user-agent',
];

/** How a handler answers. */
const MANNERS = [
  'send',
  'json',
  'buffer',
  'end',
  'write',
  'writeHead',
  'stream',
  'pipe',
  'sendFile',
  'redirect',
  'empty',
  'not-found',
  'error',
  'throw',
  'next-error',
  'late',
] as const;
export type Manner = (typeof MANNERS)[number];

/** One route of a random app: all of it is decided by the seed. */
export interface RouteSpec {
  readonly name: string;
  readonly manner: Manner;
  readonly inputs: readonly Input[];
  /** Names the fields it depends on in `Vary`, as a careful handler does. */
  readonly saysVary: boolean;
  readonly cacheControl: string | undefined;
  readonly setsCookie: boolean;
  readonly ownEtag: 'weak' | 'strong' | undefined;
  readonly lastModified: boolean;
  readonly bodyBytes: number;
  readonly compression: 'outside' | 'inside' | 'none';
  readonly cache: ResponseCacheOptions;
  /** The entry is private to the user. */
  readonly byIdentity: boolean;
}

const CACHE_CONTROLS = [
  undefined,
  undefined,
  undefined,
  undefined,
  'max-age=3600',
  'public, max-age=3600',
  's-maxage=3600',
  'max-age=0',
  'no-cache',
  'no-store',
  'private',
  'private, max-age=3600',
  'max-age=3600, must-revalidate',
  'no-cache="x-a", max-age=3600',
] as const;

/** A random route. Manners that fail take turns with those that do not, so that most answers can be stored. */
export function randomRoute(random: Random, index: number): RouteSpec {
  const manner = random.chance(0.75) ? random.pick(MANNERS.slice(0, 9)) : random.pick(MANNERS);
  const byIdentity = random.chance(0.15);
  const inputs = INPUTS.filter((input) => random.chance(input === 'query' ? 0.6 : 0.12));
  return {
    name: `r${index}`,
    manner,
    inputs: byIdentity && !inputs.includes('user') ? [...inputs, 'user'] : inputs,
    saysVary: random.chance(0.5),
    cacheControl: random.pick(CACHE_CONTROLS),
    setsCookie: random.chance(0.08),
    ownEtag: random.pick([undefined, undefined, 'weak', 'strong'] as const),
    lastModified: random.chance(0.3),
    bodyBytes: random.pick([0, 20, 200, 3000, 20_000]),
    compression: random.pick(['outside', 'inside', 'none', 'none'] as const),
    cache: randomOptions(random),
    byIdentity,
  };
}

function randomOptions(random: Random): ResponseCacheOptions {
  return {
    ...(random.chance(0.8) ? { ttl: '1h' } : {}),
    // Trusts that the answer does not depend on who asks; where it does, only `observe` stands in the way.
    ...(random.chance(0.4) ? { credentials: 'ignore' } : {}),
    ...(random.chance(0.1) ? { observe: 'refuse' } : {}),
    ...(random.chance(0.1) ? { vary: ['X-Feature'] } : {}),
  };
}
