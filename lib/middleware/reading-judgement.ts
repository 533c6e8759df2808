import type { RequestReadings } from './observed-request.js';
import type { ResponseCacheConfig } from './response-cache-options.js';

/** What the readings of a handler mean for its response. */
export interface ReadingJudgement {
  /** Fields that join the secondary key. */
  readonly fields: readonly string[];
  /** Why it must not be stored. */
  readonly refusal: string | undefined;
  /** What to tell the people who wrote the route. */
  readonly findings: readonly { readonly input: string; readonly settledBy: string }[];
}

/** Fields that are covered by the key, or about the message and not about what is asked for. */
export const NO_INPUT: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'content-type',
  'transfer-encoding',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'upgrade',
  'cache-control',
  'pragma',
  'if-none-match',
  'if-modified-since',
  'if-match',
  'if-unmodified-since',
  'if-range',
  'range',
]);

/** Not stored because the handler could not be watched; the next one can. */
export const UNWATCHED = 'unwatched';

const NOTHING: ReadingJudgement = Object.freeze({ fields: [], refusal: undefined, findings: [] });

/**
 * Plain fields join the key (or refuse, with `observe: 'refuse'`); inputs that tell who asks refuse, unless the entry is
 * private to an identity. `negotiated`: `Accept-Encoding` chose only the coding, which this cache chooses anew per client.
 */
export function judgeReadings(
  readings: RequestReadings | undefined,
  config: ResponseCacheConfig,
  hasIdentity: boolean,
  negotiated: boolean,
): ReadingJudgement {
  if (readings === undefined || config.observe === 'off') return NOTHING;
  // Only the first answer of a mounted app comes to this: from then on its requests are watched in another way.
  if (readings.isLost) return { fields: [], refusal: UNWATCHED, findings: [] };
  if (readings.fields.size === 0 && readings.identity.size === 0 && !readings.everything) return NOTHING;
  const isCovered = (input: string): boolean => config.observeIgnore.has(input.toLowerCase());
  const fields = [...readings.fields].filter((name) => !isIgnored(name, config, negotiated));
  const identity = hasIdentity ? [] : [...readings.identity].filter((input) => !isCovered(input));
  const findings = identity.map((input) => ({ input, settledBy: SETTLED_BY_IDENTITY }));
  if (readings.everything && !isCovered('*')) {
    return {
      fields: [],
      refusal: 'observed-all-fields',
      findings: [...findings, { input: 'all header fields', settledBy: SETTLED_BY_OFF }],
    };
  }
  if (identity.length > 0) return { fields: [], refusal: 'observed-identity', findings };
  if (fields.length === 0) return NOTHING;
  const plain = fields.map((input) => ({ input, settledBy: SETTLED_BY_VARY }));
  if (config.observe === 'refuse') return { fields: [], refusal: 'observed-field', findings: plain };
  return { fields: fields.sort(), refusal: undefined, findings: plain };
}

function isIgnored(name: string, config: ResponseCacheConfig, negotiated: boolean): boolean {
  if (NO_INPUT.has(name) || config.vary.includes(name) || config.observeIgnore.has(name)) return true;
  return negotiated && name === 'accept-encoding';
}

const SETTLED_BY_IDENTITY =
  "not stored; set 'identity' for one private entry per user, or 'observe.ignore' if the answer does not depend on it";
const SETTLED_BY_VARY =
  "joined the key; name it in 'vary' to say so, or in 'observe.ignore' if the answer does not depend on it";
const SETTLED_BY_OFF = "not stored; set observe: 'off' and name what matters in 'vary'";
