import type { Answer } from './client.js';
import type { Random } from './random.js';

/** A request for the whole app. */
export interface LaneRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

const PATHS = [
  '/api/films/1',
  '/api/films/1',
  '/api/films/2',
  '/api/films/2?utm_source=x',
  '/api/films/1?a=1&b=2',
  '/api/search?q=rain',
  '/api/search?q=rain&page=2',
  '/api/language',
  '/api/silent',
  '/api/big',
  '/api/binary',
  '/api/dated',
  '/api/headers',
  '/api/tagged',
  '/api/moved',
  '/api/empty',
  '/api/private',
  '/api/cookie',
  '/api/who',
  '/api/anyone',
  '/api/brief',
  '/api/broken',
  '/api/dir',
  '/api/dir/',
  '/api/probe',
  '/guarded/key/page',
  '/guarded/address/page',
  '/guarded/session/page',
  '/guarded/raw/page',
  '/guarded/secure/page',
  '/guarded/agent/page',
  '/guarded/free/page',
  '/host/page',
  '/random',
  '/per-request',
  '/shops/a/hat',
  '/shops/b/hat?club=1',
  '/shop/shelves/hat',
  '/shop/open',
  '/nowhere',
];
// Other spellings of a path, which may or may not mean the same to Express.
const SPELLINGS: readonly ((path: string) => string)[] = [
  (path) => path.toUpperCase(),
  (path) => `/${path}`,
  (path) => path.replace('/', '//').replace('//', '/.//'),
  (path) => `${path}/`,
  (path) => `${path}#part`,
  (path) => `${path}?`,
  (path) => `http://a.test${path}`,
  (path) => path.replace('a', '%61'),
  (path) => `${path};x`,
];
const RANGES = ['bytes=0-4', 'bytes=5-', 'bytes=-3', 'bytes=0-1,3-4', 'bytes=999999-', 'items=0-1'];
const IDENTITIES: readonly Readonly<Record<string, string>>[] = [
  { cookie: 'sid=ada' },
  { cookie: 'theme=dark' },
  { cookie: '_ga=1' },
  { authorization: 'Bearer ada' },
  { 'x-api-key': 'k1' },
  { 'x-api-key': 'wrong' },
];
const ODD: readonly Readonly<Record<string, string>>[] = [
  { 'x-http-method-override': 'DELETE' },
  { 'x-original-url': '/api/films/2' },
  { 'content-length': '0' },
  { 'cache-control': 'no-cache' },
  { pragma: 'no-cache' },
  { expect: '100-continue' },
  { 'if-match': '*' },
  { 'if-unmodified-since': 'Wed, 14 Jan 2015 10:00:00 GMT' },
  { 'x-forwarded-proto': 'https' },
  { 'x-forwarded-host': 'evil.test' },
  { 'user-agent': 'one/1.0' },
  { 'user-agent': 'two/2.0' },
  { 'x-plan': 'paid' },
  { te: 'trailers' },
  { origin: 'https://films.test' },
  { connection: 'close' },
  { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
];

/** A random request. Most are plain, so that the lane has something to do. */
export function randomLaneRequest(random: Random, known: ReadonlyMap<string, Answer>): LaneRequest {
  const plain = random.pick(PATHS);
  if (random.chance(0.02))
    return { method: 'PUT', path: `/api/films/${random.pick(['1', '2'])}`, headers: host(random) };
  const path = random.chance(0.06) ? random.pick(SPELLINGS)(plain) : plain;
  const headers: Record<string, string> = { ...host(random) };
  if (random.chance(0.15)) Object.assign(headers, random.pick(IDENTITIES));
  if (random.chance(0.15)) Object.assign(headers, random.pick(ODD));
  if (random.chance(0.4)) headers['x-forwarded-for'] = `10.0.0.${1 + random.below(3)}`;
  if (random.chance(0.3))
    headers['accept-encoding'] = random.pick(['gzip', 'gzip, br', 'identity', 'gzip;q=0', '*;q=0']);
  if (random.chance(0.2)) headers['accept-language'] = random.pick(['de', 'en', 'de;q=0.5, en', 'xx']);
  if (random.chance(0.1)) headers['x-feature'] = random.pick(['on', 'off']);
  addConditions(headers, random, known.get(path));
  return { method: random.chance(0.1) ? 'HEAD' : random.chance(0.01) ? 'OPTIONS' : 'GET', path, headers };
}

function host(random: Random): Record<string, string> {
  return { host: random.chance(0.9) ? 'a.test' : random.pick(['A.test', 'b.test:81']) };
}

function addConditions(headers: Record<string, string>, random: Random, last: Answer | undefined): void {
  const tag = random.chance(0.8) ? last?.headers.etag : '"other"';
  if (random.chance(0.12) && tag !== undefined) headers['if-none-match'] = random.pick([tag, `"x", ${tag}`, '*']);
  if (random.chance(0.05))
    headers['if-modified-since'] = last?.headers['last-modified'] ?? 'Tue, 13 Jan 2015 10:00:00 GMT';
  if (random.chance(0.06)) headers.range = random.pick(RANGES);
  if (headers.range !== undefined && random.chance(0.4)) headers['if-range'] = tag ?? '"other"';
}
