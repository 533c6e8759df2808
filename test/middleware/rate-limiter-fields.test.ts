import { rateLimit } from 'express-rate-limit';
import { parseList } from 'structured-headers';
import { describe, expect, it, vi } from 'vitest';
import type { RateLimiterOptions } from '../../lib/middleware/rate-limiter.js';
import { rateLimiter } from '../../lib/middleware/rate-limiter.js';
import { EXPRESSES, serve } from '../quota/quota-support.js';

const FIELDS = [
  ...['ratelimit', 'ratelimit-policy', 'ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset', 'retry-after'],
  ...['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset'],
];

describe.each(EXPRESSES)('RateLimit fields, %s', (_name, express) => {
  async function answers(middleware: ReturnType<typeof rateLimit>, count: number) {
    const app = express();
    app.get('/', middleware, (_req, res) => void res.send('ok'));
    const { get } = await serve(app);
    const found = [];
    for (let index = 0; index < count; index++) {
      const { status, headers } = await get();
      // The hash of the key is each library's own; its form is compared, not its value.
      const shown = FIELDS.map((field) => [field, String(headers[field]).replace(/pk=:[A-Za-z0-9+/]{16}:/, 'pk=:…:')]);
      found.push({ status, ...Object.fromEntries(shown) });
    }
    return found;
  }

  it.each([
    ['draft-8', 'draft-8', false],
    ['draft-7', 'draft-7', false],
    ['draft-6', 'draft-6', false],
    ['draft-6 by `true`', true, false],
    ['legacy fields alone', false, true],
    ['draft-7 with legacy fields', 'draft-7', true],
  ] as const)('are those of express-rate-limit, byte for byte: %s', async (_case, standardHeaders, legacyHeaders) => {
    const options = { limit: 3, windowMs: 3_600_000, standardHeaders, legacyHeaders };
    // The fields tell seconds, and a second may turn between the two: then they are asked once more.
    await vi.waitFor(
      async () => {
        const theirs = await answers(rateLimit(options), 5);
        const ours = await answers(rateLimiter(options) as unknown as ReturnType<typeof rateLimit>, 5);
        expect(ours).toEqual(theirs);
      },
      { timeout: 10_000, interval: 50 },
    );
  });

  async function fields(options: RateLimiterOptions) {
    const app = express();
    app.get('/', rateLimiter(options), (_req, res) => void res.send('ok'));
    return (await (await serve(app)).get()).headers;
  }

  it('have the form of the examples of draft 8 (§3.2, §4.2)', async () => {
    const tiers = {
      a: [
        { limit: 50, window: '1m', name: 'permin' },
        { limit: 1000, window: '1h', name: 'perhr' },
      ] as const,
    };
    const headers = await fields({ tiers });
    const policies = parseList(String(headers['ratelimit-policy']));
    expect(policies.map(([name, parameters]) => [name, parameters.get('q'), parameters.get('w')])).toEqual([
      ['permin', 50, 60],
      ['perhr', 1000, 3600],
    ]);
    expect(policies.every(([, parameters]) => parameters.get('pk') instanceof ArrayBuffer)).toBe(true);
    const [limit] = parseList(String(headers.ratelimit));
    expect([limit?.[0], limit?.[1].get('r'), limit?.[1].get('t')]).toEqual(['permin', 49, 60]);
  });

  it('have the form of the examples of draft 7 (§3.5): all windows listed, the closest limit reported', async () => {
    const tiers = {
      a: [
        { limit: 10, window: '1s' },
        { limit: 50, window: '1m' },
        { limit: 1000, window: '1h' },
        { limit: 5000, window: '1d' },
      ] as const,
    };
    const headers = await fields({ tiers, standardHeaders: 'draft-7' });
    expect(headers['ratelimit-policy']).toBe('10;w=1, 50;w=60, 1000;w=3600, 5000;w=86400');
    expect(headers.ratelimit).toBe('limit=10, remaining=9, reset=1');
  });

  it('never list one number for two windows in draft 7 (§3.5)', async () => {
    const tiers = {
      a: [
        { limit: 10, window: '1s' },
        { limit: 10, window: '1m', name: 'other' },
      ] as const,
    };
    expect((await fields({ tiers, standardHeaders: 'draft-7' }))['ratelimit-policy']).toBe('10;w=1');
  });

  it('take the identifier, made safe for a structured field', async () => {
    const tiers = { a: { limit: 5, window: '1m' } } as const;
    expect((await fields({ tiers, identifier: 'mine' })).ratelimit).toBe('"mine"; r=4; t=60');
    const odd = await fields({ tiers, identifier: () => 'a"b\\c\r\nSet-Cookie: x=ü' });
    expect(odd['set-cookie']).toBeUndefined();
    expect(parseList(String(odd.ratelimit))[0]?.[0]).toBe('a"b\\c??Set-Cookie: x=?');
  });

  it('can be left out', async () => {
    const headers = await fields({ tiers: { a: { limit: 5, window: '1m' } }, standardHeaders: false });
    for (const field of FIELDS) expect(headers[field]).toBeUndefined();
  });
});
