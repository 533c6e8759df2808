import { fieldLines, type HeaderFields } from './header-fields.js';

/** One field of a stored response: lower-case name; several lines are an array. */
export type StoredField = readonly [name: string, value: string | readonly string[]];

// RFC 9111 §3.1 and RFC 9110 §7.6.1: they describe one connection or one message, not the representation.
const ONE_CONNECTION = [
  'connection',
  'content-length', // recomputed from the stored body
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

// They describe one exchange with one client: replaying them would mislead the next, or hand over what is not theirs.
const ONE_EXCHANGE = [
  'age', // kept as a number, and counted on
  'ratelimit',
  'ratelimit-policy',
  'ratelimit-limit',
  'ratelimit-remaining',
  'ratelimit-reset',
  'retry-after',
  'set-cookie',
  'request-id',
  'x-request-id',
  'x-correlation-id',
  'correlation-id',
  'x-trace-id',
  'x-b3-traceid',
  'x-amzn-trace-id',
  'x-amzn-requestid',
  'x-cloud-trace-context',
  'traceparent',
  'tracestate',
  'traceresponse',
  'server-timing',
  'x-response-time',
  'x-runtime',
];

const NEVER_STORED: ReadonlySet<string> = new Set([...ONE_CONNECTION, ...ONE_EXCHANGE]);
const NEVER_STORED_PREFIXES = ['proxy-', 'x-ratelimit-', 'x-rate-limit-'];

/**
 * The fields of a response that are stored and replayed (RFC 9111 §3.1). Left out: framing, what `Connection` names,
 * `Proxy-*`, rate limits, request ids, `Set-Cookie`, and the fields in `omit` (those of `no-cache="…"`, our own marks).
 * `Date` stays as the handler set it: it tells when the representation was made.
 */
export function storableFields(headers: HeaderFields, omit: readonly string[] = []): StoredField[] {
  const named = connectionOptions(headers);
  const stored: StoredField[] = [];
  for (const name of Object.keys(headers)) {
    if (!isStorable(name) || named.includes(name) || omit.includes(name)) continue;
    const lines = fieldLines(headers, name);
    const [first] = lines;
    if (first !== undefined) stored.push([name, lines.length === 1 ? first : lines]);
  }
  return stored;
}

function isStorable(name: string): boolean {
  return !NEVER_STORED.has(name) && !NEVER_STORED_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** Fields named by `Connection` (RFC 9110 §7.6.1), lower-case. */
export function connectionOptions(headers: HeaderFields): readonly string[] {
  const lines = fieldLines(headers, 'connection');
  if (lines.length === 0) return [];
  return lines.flatMap((line) =>
    line
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  );
}
