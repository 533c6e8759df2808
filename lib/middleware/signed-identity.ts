import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Clock } from '../common/clock.js';
import { systemClock } from '../common/clock.js';
import type { Duration } from '../common/duration.js';
import { positiveDurationMs } from '../common/duration.js';
import { optionError } from '../common/errors.js';
import { booleanOption, checkKnownKeys } from '../common/options.js';
import type { WarmpathIdentity } from './request-augmentation.js';
import type { ParsedTarget, SignedClaims, SignedParameters, SigningKey } from './signed-identity-url.js';
import { decoded, isSignedBy, parseTarget, signatureOf } from './signed-identity-url.js';

/** Options of {@link signedIdentity}. */
export interface SignedIdentityOptions {
  /** The first signs; all verify, so a key is rotated by putting the new one in front. At least 16 bytes each. */
  readonly secrets: SigningKey | readonly SigningKey[];
  /** Whether a request without a signature is refused like one with a wrong one; else it passes without identity. @default false */
  readonly required?: boolean | undefined;
  /** Names of the query parameters. @default { identity: 'wp_id', tier: 'wp_tier', expires: 'wp_exp', signature: 'wp_sig' } */
  readonly parameters?: Partial<SignedParameters> | undefined;
  readonly clock?: Clock | undefined;
}

/** What to sign into a URL. */
export interface SignOptions {
  readonly identity: string;
  readonly tier?: string | undefined;
  /** @default '1h' */
  readonly expiresIn?: Duration | undefined;
}

/** The middleware, and the way to make URLs for it. */
export interface SignedIdentity extends RequestHandler {
  /** Signs a path or a whole URL for its bearer. The host is not part of the signature. */
  sign(url: string, options: SignOptions): string;
  /** The parameters' names, for `query: { ignore }` of a response cache. */
  readonly parameters: readonly string[];
}

const PARAMETERS: SignedParameters = { identity: 'wp_id', tier: 'wp_tier', expires: 'wp_exp', signature: 'wp_sig' };
const MAX_IDENTITY = 256;
const MAX_TIER = 64;

/**
 * Makes and checks signed user-scoped URLs: HMAC-SHA-256 over path, query, expiry, identity and tier. A valid one sets
 * `req.warmpath`; every invalid one, whatever is wrong with it, gets the same 403.
 */
export function signedIdentity(options: SignedIdentityOptions): SignedIdentity {
  const config = resolveSignedIdentityOptions(options);

  function signedIdentityMiddleware(req: Request, res: Response, next: NextFunction): void {
    const verdict = verify(req.originalUrl ?? req.url, config);
    if (verdict === 'invalid') return void refuse(res);
    if (verdict !== 'unsigned') req.warmpath = verdict;
    next();
  }

  return Object.assign(signedIdentityMiddleware, {
    sign: (url: string, claims: SignOptions) => sign(url, claims, config),
    parameters: Object.freeze(Object.values(config.names)),
  });
}

type Config = ReturnType<typeof resolveSignedIdentityOptions>;

function resolveSignedIdentityOptions(options: SignedIdentityOptions) {
  checkKnownKeys('signedIdentity', options ?? null, ['secrets', 'required', 'parameters', 'clock']);
  const { required = false, parameters = {}, clock = systemClock } = options;
  checkKnownKeys('signedIdentity.parameters', parameters, Object.keys(PARAMETERS));
  const names = { ...PARAMETERS, ...parameters };
  const distinct = new Set(Object.values(names));
  if (distinct.size < 4 || [...distinct].some((name) => typeof name !== 'string' || !/^[\w-]{1,32}$/.test(name))) {
    throw optionError('signedIdentity.parameters', 'four different names of letters, digits, _ and -', parameters);
  }
  return Object.freeze({
    secrets: secretsOption(options.secrets),
    required: booleanOption('signedIdentity.required', required),
    names: Object.freeze(names),
    clock,
  });
}

function secretsOption(given: unknown): readonly SigningKey[] {
  const list: unknown[] = Array.isArray(given) ? given : [given];
  const strong = (secret: unknown): secret is SigningKey =>
    (typeof secret === 'string' || Buffer.isBuffer(secret)) && Buffer.byteLength(secret) >= 16;
  if (list.length > 0 && list.every(strong)) return Object.freeze([...list]) as readonly SigningKey[];
  // The value stays out of the message: it may be a real secret.
  throw optionError('signedIdentity.secrets', 'one or more secrets of at least 16 bytes each', 'something else');
}

function sign(
  url: string,
  { identity, tier, expiresIn = '1h' }: SignOptions,
  { secrets, names, clock }: Config,
): string {
  checkClaim('identity', identity, MAX_IDENTITY);
  if (tier !== undefined) checkClaim('tier', tier, MAX_TIER);
  const expires = Math.ceil((clock.wallNow() + positiveDurationMs('sign.expiresIn', expiresIn)) / 1000);
  const { origin, target } = splitUrl(url);
  const parsed = parseTarget(target, names);
  if (parsed.own.size > 0) throw optionError('sign.url', 'a URL that is not signed yet', url);
  const signature = signatureOf(secrets[0] as SigningKey, { ...parsed, identity, tier, expires });
  const added = [
    `${names.identity}=${encodeURIComponent(identity)}`,
    `${names.expires}=${expires}`,
    `${names.signature}=${signature}`,
  ];
  if (tier !== undefined) added.unshift(`${names.tier}=${encodeURIComponent(tier)}`);
  return `${origin}${target}${target.includes('?') ? '&' : '?'}${added.join('&')}`;
}

// Half a character has no escape in a URL.
const LONE_SURROGATE = /\p{Cs}/u;

function checkClaim(name: string, value: unknown, most: number): void {
  const fits = typeof value === 'string' && value.length > 0 && value.length <= most && !LONE_SURROGATE.test(value);
  if (!fits) throw optionError(`sign.${name}`, `a text of 1 to ${most} characters`, value);
}

// Through a URL parser, so that what is signed is what browsers will send: dot segments resolved, other characters escaped.
function splitUrl(url: unknown): { readonly origin: string; readonly target: string } {
  const text = typeof url === 'string' ? url : url instanceof URL ? url.href : '';
  const absolute = /^https?:\/\//i.test(text);
  if ((!absolute && !/^\/(?!\/)/.test(text)) || !URL.canParse(text, 'http://path.invalid')) {
    throw optionError('sign.url', "a path such as '/movies?page=2' or an http(s) URL", url);
  }
  const parsed = new URL(text, 'http://path.invalid');
  return { origin: absolute ? parsed.origin : '', target: parsed.pathname + parsed.search };
}

function verify(target: string, config: Config): WarmpathIdentity | 'unsigned' | 'invalid' {
  const parsed = parseTarget(target, config.names);
  if (parsed.own.size === 0) return config.required ? 'invalid' : 'unsigned';
  const claims = claimsOf(parsed);
  const [signature = ''] = parsed.own.get('signature') ?? [];
  // Checked in any case, so that a malformed request takes as long as a wrong one.
  const genuine = isSignedBy(config.secrets, claims ?? NO_CLAIMS, signature);
  if (!claims || !genuine || claims.expires * 1000 <= config.clock.wallNow()) return 'invalid';
  return Object.freeze({ identity: claims.identity, tier: claims.tier });
}

const NO_CLAIMS: SignedClaims = { path: '/', query: [], identity: '', tier: undefined, expires: 0 };

// Each parameter once; anything doubled, empty or out of form makes the whole invalid.
function claimsOf({ path, query, own }: ParsedTarget): SignedClaims | undefined {
  if ([...own.values()].some((values) => values.length !== 1)) return undefined;
  const value = (role: keyof SignedParameters): string | undefined => decoded(own.get(role)?.[0] ?? '');
  const [identity, expires] = [value('identity'), value('expires')];
  const tier = own.has('tier') ? value('tier') : undefined;
  if (!identity || identity.length > MAX_IDENTITY || !expires || !/^[1-9]\d{0,14}$/.test(expires)) return undefined;
  if (own.has('tier') && (!tier || tier.length > MAX_TIER)) return undefined;
  if (!own.has('signature')) return undefined;
  return { path, query, identity, tier, expires: Number(expires) };
}

const REFUSAL = JSON.stringify({ type: 'about:blank', title: 'Forbidden', status: 403 });

function refuse(res: Response): void {
  res.statusCode = 403;
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('Content-Type', 'application/problem+json');
  res.setHeader('Content-Length', Buffer.byteLength(REFUSAL));
  res.end(REFUSAL);
}
