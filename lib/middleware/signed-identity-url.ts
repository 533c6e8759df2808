import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** The query parameters a signed URL carries. */
export interface SignedParameters {
  readonly identity: string;
  readonly tier: string;
  readonly expires: string;
  readonly signature: string;
}

/** A secret that signs: text or bytes. */
export type SigningKey = string | Buffer;

/** What the signature covers. */
export interface SignedClaims {
  readonly path: string;
  /** Name and value of every other parameter, as they stand in the URL. */
  readonly query: readonly (readonly [string, string])[];
  readonly identity: string;
  readonly tier: string | undefined;
  /** Seconds since 1970. */
  readonly expires: number;
}

/** A request target taken apart: what is signed and what claims to be the proof. */
export interface ParsedTarget {
  readonly path: string;
  readonly query: readonly (readonly [string, string])[];
  /** Values of our own parameters; more than one is never right. */
  readonly own: ReadonlyMap<keyof SignedParameters, readonly string[]>;
}

// RFC 9112 §3.2.2: a client may send the whole URL; what is routed is its path.
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;

/** Takes a request target apart without decoding what is signed: two spellings of a URL may mean two routes. */
export function parseTarget(target: string, names: SignedParameters): ParsedTarget {
  const local = target.replace(ORIGIN, '');
  const mark = local.indexOf('?');
  const path = canonicalEscapes(mark < 0 ? local : local.slice(0, mark)) || '/';
  const ours = new Map(Object.entries(names).map(([role, name]) => [name, role as keyof SignedParameters]));
  const own = new Map<keyof SignedParameters, string[]>();
  const query: [string, string][] = [];
  for (const part of mark < 0 ? [] : local.slice(mark + 1).split('&')) {
    const equals = part.indexOf('=');
    const [rawName, rawValue] = equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)];
    const name = decoded(rawName);
    const role = name === undefined ? undefined : ours.get(baseName(name));
    if (role) own.set(role, [...(own.get(role) ?? []), name === names[role] ? rawValue : '\0']);
    // `a` and `a=` reach a handler alike only in some parsers, so they are signed as they stand.
    else query.push([canonicalEscapes(rawName), equals < 0 ? '\0' : canonicalEscapes(rawValue)]);
  }
  return { path, query, own };
}

// `sig[]=…` and `sig[0]=…` become arrays in some parsers: they count as a second value of `sig`.
const baseName = (name: string): string => name.split('[')[0] ?? '';

/** Decodes one component; `undefined` when its escapes are broken. */
export function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

// RFC 3986 §6.2.2.1: the case of escapes carries no meaning, so proxies may change it.
const canonicalEscapes = (text: string): string => text.replace(/%[0-9a-f]{2}/gi, (triplet) => triplet.toUpperCase());

/** The MAC of the claims. JSON keeps every part apart from the next; parameters are ordered by name, equal names keep their order. */
export function signatureOf(secret: SigningKey, claims: SignedClaims): string {
  const query = [...claims.query].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const text = JSON.stringify([
    'warmpath-signed-url-1',
    claims.path,
    query,
    claims.expires,
    claims.identity,
    claims.tier ?? null,
  ]);
  return createHmac('sha256', secret).update(text).digest('base64url');
}

// Both sides are hashed under a key nobody knows: equal lengths whatever was sent, and nothing to learn from timing.
const comparisonKey = randomBytes(32);
const comparable = (text: string): Buffer => createHmac('sha256', comparisonKey).update(text).digest();

/** Whether any secret made this signature. Always tries all of them. */
export function isSignedBy(secrets: readonly SigningKey[], claims: SignedClaims, signature: string): boolean {
  const given = comparable(signature);
  let matches = 0;
  for (const secret of secrets) matches |= Number(timingSafeEqual(given, comparable(signatureOf(secret, claims))));
  return matches === 1;
}
