import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { negotiateCoding } from '../../lib/cache/http/content-coding.js';
import { parseEntityTag, parseEntityTagList } from '../../lib/cache/http/entity-tags.js';
import { parseRange } from '../../lib/cache/http/range.js';
import { markOf } from './app.js';
import type { Answer } from './client.js';
import { type AnyRequest, USERS } from './requests.js';

// What a cache may say or change: itself, ages, framing, and the coding (checked by what it decodes to).
const CACHING = new Set([
  'age',
  'cache-status',
  'x-cache',
  'date',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'content-encoding',
  'content-range',
  'accept-ranges',
  'vary',
  'etag',
]);

/** What is wrong with the answer of the app with a cache, given that of the same app without; `undefined` = nothing. */
export function difference(request: AnyRequest, plain: Answer, cached: Answer): string | undefined {
  return leak(request, cached) ?? misframed(request, cached) ?? substance(request, plain, cached);
}

function leak({ user }: AnyRequest, { status, headers, body }: Answer): string | undefined {
  const whole = status === 206 ? body : decoded({ status, headers, body }); // part of a coded body cannot be decoded
  const text = whole.toString('latin1') + JSON.stringify(headers);
  const other = USERS.find((name) => name !== user && text.includes(markOf(name)));
  return other && `${user ?? 'nobody'} sees what is for ${other}`;
}

function misframed({ method, headers: asked }: AnyRequest, { status, headers, body }: Answer): string | undefined {
  const hasNoBody = method === 'HEAD' || status === 204 || status === 304;
  if (hasNoBody && body.length > 0) return 'a body where none belongs';
  const coding = headers['content-encoding'];
  if (coding === undefined || status >= 300) return undefined;
  const accepted = negotiateCoding(asked['accept-encoding'], [coding as 'gzip']);
  return accepted === undefined ? `content-encoding ${coding} was not accepted` : undefined;
}

function substance(request: AnyRequest, plain: Answer, cached: Answer): string | undefined {
  if (plain.status === cached.status) return sameStatus(request, plain, cached);
  const whole = plain.status === 200 ? decoded(plain) : undefined;
  if (cached.status === 304 && whole)
    return conditionHolds(request, plain, cached) ? undefined : '304 where the condition does not hold';
  if (cached.status === 206 && whole && cached.headers['content-encoding'] === undefined)
    return sameSlice(request, whole, cached);
  if (cached.status === 416 && whole)
    return parseRange(request.headers.range ?? '', whole.length)?.kind === 'unsatisfiable' ? undefined : '416';
  // A server may ignore Range (RFC 9110 §14.2).
  if (cached.status === 200 && (plain.status === 206 || plain.status === 416)) return undefined;
  return `status ${cached.status} instead of ${plain.status}`;
}

function sameStatus(request: AnyRequest, plain: Answer, cached: Answer): string | undefined {
  if (plain.status === 416)
    return plain.headers['content-range'] === cached.headers['content-range'] ? undefined : '416';
  const names =
    cached.status === 304
      ? ['cache-control', 'expires', 'last-modified', 'set-cookie'].filter((name) => cached.headers[name] !== undefined)
      : namesOf(plain, cached);
  const unkept = listOf(/no-cache="([^"]*)"/.exec(plain.headers['cache-control'] ?? '')?.[1]);
  for (const name of names) {
    if (unkept.includes(name) && cached.headers[name] === undefined) continue; // RFC 9111 §5.2.2.4
    if (JSON.stringify(plain.headers[name]) === JSON.stringify(cached.headers[name])) continue;
    return `${name}: ${JSON.stringify(cached.headers[name])} instead of ${JSON.stringify(plain.headers[name])}`;
  }
  const missing = listOf(plain.headers.vary).find((name) => !listOf(cached.headers.vary).includes(name));
  if (missing !== undefined) return `vary lacks ${missing}`;
  if (plain.headers.etag !== undefined && opaque(cached.headers.etag) !== opaque(plain.headers.etag))
    return `etag ${cached.headers.etag} instead of ${plain.headers.etag}`;
  if (request.method === 'HEAD' || plain.status === 304) return undefined;
  if (plain.status === 206)
    return plain.body.equals(cached.body) && plain.headers['content-range'] === cached.headers['content-range']
      ? undefined
      : 'another part';
  return decoded(plain).equals(decoded(cached)) ? undefined : `body ${sample(cached)} instead of ${sample(plain)}`;
}

function namesOf(plain: Answer, cached: Answer): readonly string[] {
  return [...new Set([...Object.keys(plain.headers), ...Object.keys(cached.headers)])].filter(
    (name) => !CACHING.has(name),
  );
}

function listOf(value: string | undefined): readonly string[] {
  return (value ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
}

// One representation has the same tag in every coding, apart from what tells the codings of a strong one apart.
function opaque(tag: string | undefined): string {
  return (tag ?? '').replace(/^W\//, '').replace(/-(gzip|br|zstd)"$/, '"');
}

function conditionHolds({ headers }: AnyRequest, plain: Answer, cached: Answer): boolean {
  const asked = headers['if-none-match'];
  if (asked === undefined)
    return headers['if-modified-since'] !== undefined && plain.headers['last-modified'] !== undefined;
  const list = parseEntityTagList(asked);
  const own = [plain.headers.etag, cached.headers.etag].map((tag) => parseEntityTag(tag)?.opaque);
  return list === '*' || list.some(({ opaque: text }) => own.includes(text));
}

function sameSlice({ headers }: AnyRequest, whole: Buffer, cached: Answer): string | undefined {
  const range = parseRange(headers.range ?? '', whole.length);
  if (range?.kind !== 'range') return '206 without a range';
  if (cached.headers['content-range'] !== range.contentRange) return `content-range ${cached.headers['content-range']}`;
  return cached.body.length === 0 || whole.subarray(range.start, range.end + 1).equals(cached.body)
    ? undefined
    : 'another part';
}

function decoded({ headers, body }: Answer): Buffer {
  if (body.length === 0) return body;
  const coding = headers['content-encoding'];
  if (coding === 'gzip') return gunzipSync(body);
  if (coding === 'br') return brotliDecompressSync(body);
  return coding === 'deflate' ? inflateSync(body) : body;
}

function sample(answer: Answer): string {
  return decoded(answer).toString('latin1').slice(0, 160);
}
