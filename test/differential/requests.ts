import type { Random } from './random.js';
import type { RouteSpec } from './route-spec.js';

/** A request to be sent to both apps. */
export interface AnyRequest {
  readonly method: string;
  readonly path: string;
  /** The path without what the cache keeps from the handler. */
  readonly visiblePath: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Whose eyes the answer is for. */
  readonly user: string | undefined;
}

/** The people of the test: nobody may see another's mark. */
export const USERS = ['ada', 'ben', 'cyd', 'dan', 'eve'] as const;

const QUERIES = [
  '',
  '',
  '',
  '?q=1',
  '?q=2',
  '?q=1&p=2',
  '?p=2&q=1',
  '?q=1&q=2',
  '?q=2&q=1',
  '?q',
  '?q=',
  '?q[]=1',
  '?Q=1',
  '?q=%61',
  '?%71=1',
  '?a=1;q=2',
];
const TRACKING = ['utm_source=x', 'fbclid=y', 'gclid=<script>'];
const ENCODINGS = [
  undefined,
  undefined,
  'gzip',
  'gzip, deflate, br',
  'identity',
  'gzip;q=0',
  'br;q=1, gzip;q=0.5',
  '*;q=0, identity',
  'identity;q=0.5, gzip;q=1',
];
const LANGUAGES = [undefined, 'de', 'en', 'de;q=0.5, en', 'en, de;q=0.5', 'fr;q=0.9, de;q=0.8', 'DE', 'xx'];
const RANGES = ['bytes=0-4', 'bytes=5-', 'bytes=-3', 'bytes=0-1,3-4', 'bytes=999999-', 'bytes=x', 'items=0-1'];

/** Tags and dates seen in answers, to ask with. */
export type KnownValidators = ReadonlyMap<
  string,
  { readonly etag: string | undefined; readonly lastModified: string | undefined }
>;

/** A random read of one of the routes. */
export function randomRead(random: Random, routes: readonly RouteSpec[], known: KnownValidators): AnyRequest {
  const spec = random.pick(routes);
  const path = `/${spec.name}/${random.chance(0.7) ? '1' : random.pick(['2', 'x', 'X', '%31', 'a%20b', '1;x.css'])}`;
  const query = random.chance(0.5) ? '' : random.pick(QUERIES);
  const tracking = random.chance(0.1) ? random.pick(TRACKING) : undefined;
  const user = random.chance(0.3) ? random.pick(USERS) : undefined;
  const headers: Record<string, string> = {
    host: random.chance(0.8) ? 'a.test' : random.pick(['A.test', 'b.test:81']),
  };
  if (user !== undefined) addCredentials(headers, user, random.chance(0.5));
  else if (random.chance(0.2)) headers.cookie = `theme=${random.pick(['dark', 'light'])}`;
  addSelecting(headers, random);
  addConditions(headers, random, known.get(path + query));
  const join = query === '' ? '?' : '&';
  return {
    method: random.chance(0.12) ? 'HEAD' : 'GET',
    path: tracking === undefined ? path + query : path + query + join + tracking,
    visiblePath: path + query,
    headers,
    user,
  };
}

/** A random write: it succeeds, or fails and changes nothing. */
export function randomWrite(random: Random, routes: readonly RouteSpec[]): AnyRequest {
  const path = `/${random.pick(routes).name}/${random.pick(['1', '2', 'x'])}`;
  const headers: Record<string, string> = { host: 'a.test' };
  if (random.chance(0.3)) headers['x-fail'] = '1';
  return { method: random.pick(['PUT', 'POST', 'DELETE', 'PATCH']), path, visiblePath: path, headers, user: undefined };
}

// What an identity is known by may differ; what else the app reads of its cookies does not.
function addCredentials(headers: Record<string, string>, user: string, bearer: boolean): void {
  headers.cookie = bearer ? 'theme=dark' : `theme=dark; sid=${user}`;
  if (bearer) headers.authorization = `Bearer ${user}`;
}

function addSelecting(headers: Record<string, string>, random: Random): void {
  const encoding = random.pick(ENCODINGS);
  const language = random.pick(LANGUAGES);
  if (encoding !== undefined) headers['accept-encoding'] = encoding;
  if (language !== undefined) headers['accept-language'] = language;
  if (random.chance(0.2)) headers['x-feature'] = random.pick(['on', 'off', '']);
  if (random.chance(0.05)) headers['x-forwarded-host'] = 'evil.test';
  if (random.chance(0.2)) headers['user-agent'] = random.pick(['one/1.0', 'two/2.0 (a, b)']);
  if (random.chance(0.1)) headers['cache-control'] = random.pick(['no-cache', 'max-age=0', 'no-store']);
}

function addConditions(
  headers: Record<string, string>,
  random: Random,
  known: { etag: string | undefined; lastModified: string | undefined } | undefined,
): void {
  if (random.chance(0.2)) {
    const tag = random.chance(0.7) ? known?.etag : '"other"';
    if (tag !== undefined) headers['if-none-match'] = random.pick([tag, `"x", ${tag}`, `${tag}, W/"y"`]);
  }
  if (random.chance(0.1))
    headers['if-modified-since'] = random.pick([
      known?.lastModified ?? 'garbage',
      'Wed, 14 Jan 2015 10:00:01 GMT',
      'Tue, 13 Jan 2015 10:00:00 GMT',
    ]);
  if (random.chance(0.1)) {
    headers.range = random.pick(RANGES);
    if (random.chance(0.4)) headers['if-range'] = known?.etag ?? '"other"';
  }
}
