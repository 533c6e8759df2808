import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rateLimiter } from '../../lib/middleware/rate-limiter.js';
import type { SignedIdentityOptions } from '../../lib/middleware/signed-identity.js';
import { signedIdentity } from '../../lib/middleware/signed-identity.js';
import { fakeClock } from '../../lib/testing/fake-clock.js';
import { EXPRESSES, serve } from '../quota/quota-support.js';

const SECRET = 'a secret of enough bytes';
const OLD = 'an older one, long enough';

describe.each(EXPRESSES)('signedIdentity, %s', (_name, express) => {
  async function site(options: Partial<SignedIdentityOptions> = {}) {
    const clock = fakeClock(Date.now());
    const signed = signedIdentity({ secrets: [SECRET, OLD], clock, ...options });
    const app = express();
    app.use(signed);
    app.use((req, res) => void res.json(req.warmpath ?? null));
    const { get } = await serve(app);
    const seen = async (path: string) => {
      const { status, body } = await get(path);
      return status === 200 ? JSON.parse(body) : status;
    };
    return { clock, signed, get, seen };
  }

  it('sets identity and tier from a valid URL', async () => {
    const { signed, seen } = await site();
    expect(await seen(signed.sign('/movies/1?page=2', { identity: 'ann', tier: 'member' }))).toEqual({
      identity: 'ann',
      tier: 'member',
    });
    expect(await seen(signed.sign('/', { identity: 'bén & co=1' }))).toEqual({ identity: 'bén & co=1' });
  });

  it('lets unsigned requests pass without identity, unless a signature is required', async () => {
    expect(await (await site()).seen('/movies')).toBeNull();
    expect(await (await site({ required: true })).seen('/movies')).toBe(403);
  });

  it('signs whole URLs, leaving the host out of it', async () => {
    const { signed, seen } = await site();
    const url = new URL(signed.sign('https://films.example:8443/movies?page=2', { identity: 'ann' }));
    expect(url.origin).toBe('https://films.example:8443');
    expect(await seen(url.pathname + url.search)).toEqual({ identity: 'ann' });
  });

  it('ends at its expiry, which is part of what is signed', async () => {
    const { signed, seen, clock } = await site();
    const url = signed.sign('/p', { identity: 'ann', expiresIn: '1m' });
    clock.advance(59_000);
    expect(await seen(url)).toEqual({ identity: 'ann' });
    clock.advance(2_000);
    expect(await seen(url)).toBe(403);
    expect(await seen(url.replace(/wp_exp=\d+/, (text) => `wp_exp=${Number(text.slice(7)) + 3600}`))).toBe(403);
  });

  it('verifies with every secret and signs with the first', async () => {
    const { signed, seen } = await site();
    const before = signedIdentity({ secrets: OLD });
    const after = signedIdentity({ secrets: ['the next secret, also long', SECRET] });
    const foreign = signedIdentity({ secrets: 'somebody else’s secret' });
    expect(await seen(before.sign('/p', { identity: 'ann' }))).toEqual({ identity: 'ann' });
    expect(await seen(after.sign('/p', { identity: 'ann' }))).toBe(403);
    expect(await seen(foreign.sign('/p', { identity: 'ann' }))).toBe(403);
    expect(await seen(signed.sign('/p', { identity: 'ann' }))).toEqual({ identity: 'ann' });
  });

  it('covers path, query, identity and tier', async () => {
    const { signed, seen } = await site();
    const url = signed.sign('/movies/1?page=2&sort=a', { identity: 'ann', tier: 'member' });
    for (const changed of [
      url.replace('/movies/1', '/movies/2'),
      url.replace('/movies/1', '/Movies/1'),
      url.replace('/movies/1', '/movies/1/'),
      url.replace('/movies', '/%6dovies'),
      url.replace('page=2', 'page=3'),
      url.replace('page=2', 'page=2&page=3'),
      url.replace('page=2&', ''),
      url.replace('sort=a', 'sort'),
      url.replace('wp_id=ann', 'wp_id=ben'),
      url.replace('wp_id=ann', 'wp_id=annwp_tier'),
      url.replace('wp_tier=member&', ''),
      url.replace('wp_tier=member', 'wp_tier=gold'),
      `${url}&extra=1`,
    ]) {
      expect(changed).not.toBe(url);
      expect(await seen(changed), changed).toBe(403);
    }
  });

  it('accepts another order of parameters and another case of escapes, which mean the same', async () => {
    const { signed, seen } = await site();
    const [path, query = ''] = signed.sign('/p?a=1&b=%C3%A9&a=2', { identity: 'ann' }).split('?');
    const reordered = [...query.split('&').filter((part) => !part.startsWith('a=')), 'a=1', 'a=2']
      .join('&')
      .replace('%C3%A9', '%c3%a9');
    expect(await seen(`${path}?${reordered}`)).toEqual({ identity: 'ann' });
    expect(await seen(`${path}?${reordered.replace('a=1&a=2', 'a=2&a=1')}`)).toBe(403);
  });

  it('answers every failure alike: wrong first or last byte, length, encoding, arrays, missing parts (A6.9)', async () => {
    const { signed, get } = await site();
    const url = signed.sign('/p', { identity: 'ann', tier: 'member' });
    const signature = /wp_sig=([\w-]+)/.exec(url)?.[1] as string;
    const flip = (character: string) => (character === 'A' ? 'B' : 'A');
    const failures = [
      url.replace(signature, flip(signature.slice(0, 1)) + signature.slice(1)),
      url.replace(signature, signature.slice(0, -2) + flip(signature.slice(-2, -1)) + signature.slice(-1)),
      ...['', 'x', signature.slice(1), `${signature}A`, `${signature}=`, '%00', '%C3%A9', '%zz', 'a'.repeat(4000)].map(
        (text) => url.replace(signature, text),
      ),
      ...['wp_sig', 'wp_id', 'wp_exp', 'wp_tier'].map((name) => url.replace(new RegExp(`&?${name}=[^&]*`), '')),
      ...['wp_sig', 'wp_id', 'wp_exp', 'wp_tier'].map(
        (name) => `${url}&${/[^?&]+/.exec(url.slice(url.indexOf(name)))?.[0]}`,
      ),
      `${url}&wp_sig[]=x`,
      `${url}&wp_id[a]=x`,
      url.replace('wp_sig=', 'wp_sig[]='),
      url.replace('wp_sig=', 'wp_sig[0]='),
      `${url}&wp%5Fsig=x`,
      url.replace('wp_id=ann', 'wp_id='),
      url.replace(/wp_exp=\d+/, 'wp_exp=99999999999999999999'),
      url.replace(/wp_exp=(\d+)/, 'wp_exp=0$1'),
      url.replace(/wp_exp=\d+/, 'wp_exp=1e12'),
      url.replace(/wp_exp=\d+/, 'wp_exp=-1'),
      '/p?wp_sig=x',
      '/p?wp_id=ann',
    ];
    const answers = await Promise.all(failures.map((path) => get(path)));
    for (const [index, { status, body, headers }] of answers.entries()) {
      expect([status, body, headers['cache-control']], failures[index]).toEqual([403, answers[0]?.body, 'no-store']);
    }
  });

  it('survives any query string', async () => {
    const { get } = await site();
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.constantFrom(
            'wp_sig',
            'wp_id',
            'wp_exp',
            'wp_tier',
            '=',
            '&',
            '%',
            '[',
            ']',
            'a',
            '%20',
            '+',
            ';',
            '?',
            '/',
          ),
        ),
        async (parts) => {
          expect([200, 403]).toContain((await get(`/p?${parts.join('')}`)).status);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('names the tier of a limiter', async () => {
    const signed = signedIdentity({ secrets: SECRET });
    const app = express();
    app.use(
      signed,
      rateLimiter({
        tiers: { free: { limit: 1, window: '1m' }, gold: { limit: 3, window: '1m' } },
        key: (req) => req.warmpath?.identity,
      }),
    );
    app.get('/', (_req, res) => void res.send('ok'));
    const { get } = await serve(app);
    const gold = signed.sign('/', { identity: 'ann', tier: 'gold' });
    const statuses = [];
    for (let index = 0; index < 4; index++) statuses.push((await get(gold)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect([(await get('/')).status, (await get('/')).status]).toEqual([200, 429]);
  });
});

describe('signedIdentity options', () => {
  it.each([
    [undefined],
    [{}],
    [{ secrets: [] }],
    [{ secrets: 'short' }],
    [{ secrets: [SECRET, 'short'] }],
    [{ secrets: [SECRET, 5] }],
    [{ secrets: SECRET, requird: true }],
    [{ secrets: SECRET, parameters: { signature: 'wp_id' } }],
    [{ secrets: SECRET, parameters: { signature: 'a b' } }],
    [{ secrets: SECRET, parameters: { sig: 'x' } }],
  ])('%# refuses what it does not understand', (options) => {
    expect(() => signedIdentity(options as unknown as SignedIdentityOptions)).toThrow(/signedIdentity/);
  });

  it('does not show a secret in its errors', () => {
    expect(() => signedIdentity({ secrets: 'tooshort' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('tooshort') }),
    );
  });

  it.each([
    ['', 'ann'],
    ['movies', 'ann'],
    ['//evil.example/p', 'ann'],
    ['ftp://example/p', 'ann'],
    ['/p?wp_sig=x', 'ann'],
    ['/p', ''],
    ['/p', 'x'.repeat(257)],
    ['/p', '\ud800'],
  ])('%# refuses to sign %j for %j', (url, identity) => {
    expect(() => signedIdentity({ secrets: SECRET }).sign(url, { identity })).toThrow(/sign\./);
  });

  it('signs what a browser will send: dot segments resolved, characters escaped, no fragment', () => {
    const url = signedIdentity({ secrets: SECRET }).sign('/a/../b c?q=é#top', { identity: 'ann' });
    expect(url).toMatch(/^\/b%20c\?q=%C3%A9&wp_id=ann&wp_exp=\d+&wp_sig=[\w-]{43}$/);
  });

  it('tells the names of its parameters', () => {
    expect(signedIdentity({ secrets: SECRET, parameters: { signature: 'sig' } }).parameters).toEqual([
      'wp_id',
      'wp_tier',
      'wp_exp',
      'sig',
    ]);
  });
});
