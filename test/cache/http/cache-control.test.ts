import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  deltaSeconds,
  MAX_DELTA_SECONDS,
  parseResponseDirectives,
  type ResponseDirectives,
} from '../../../lib/cache/http/cache-control.js';
import { anyText } from './any-text.js';

/** What differs from "no directives at all". */
function said(...lines: string[]): Partial<ResponseDirectives> {
  const plain = parseResponseDirectives([]);
  const entries = Object.entries(parseResponseDirectives(lines)) as [keyof ResponseDirectives, unknown][];
  return Object.fromEntries(entries.filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(plain[key])));
}

describe('Cache-Control of a response (RFC 9111 §5.2)', () => {
  it.each<[string, Partial<ResponseDirectives>]>([
    ['max-age=3600', { maxAgeSeconds: 3600 }],
    ['MaX-aGe=3600', { maxAgeSeconds: 3600 }],
    ['max-age="3600"', { maxAgeSeconds: 3600 }],
    ['max-age=003600', { maxAgeSeconds: 3600 }],
    ['foobar, max-age=3600', { maxAgeSeconds: 3600 }],
    ['foo="a, no-store", max-age=5', { maxAgeSeconds: 5 }],
    ['foo="a\\", no-store", max-age=5', { maxAgeSeconds: 5 }],
    ['extension="max-age=3600", max-age=1', { maxAgeSeconds: 1 }],
    ['max-age="1", extension="max-age=3600"', { maxAgeSeconds: 1 }],
    ['s-maxage=60, max-age=1', { sMaxAgeSeconds: 60, maxAgeSeconds: 1 }],
    ['stale-while-revalidate=30,stale-if-error=60', { staleWhileRevalidateSeconds: 30, staleIfErrorSeconds: 60 }],
    [' , ,public,, immutable ,', { public: true, immutable: true }],
    ['must-revalidate, proxy-revalidate', { mustRevalidate: true, proxyRevalidate: true }],
    ['must-understand, no-store, no-transform', { mustUnderstand: true, noStore: true, noTransform: true }],
    ['no-store=1', { noStore: true }],
  ])('reads %s', (line, directives) => {
    expect(said(line)).toEqual(directives);
  });

  it.each(['max-age=2147483648', 'max-age=2147483649', 'max-age=99999999999', `max-age=${'9'.repeat(400)}`])(
    'takes %.40s as 2^31 seconds (§1.2.2)',
    (line) => {
      expect(said(line)).toEqual({ maxAgeSeconds: MAX_DELTA_SECONDS });
    },
  );

  it.each([
    'max-age=-3600',
    "max-age='3600'",
    'max-age=3600.0',
    'max-age=3600.5',
    'max-age =3600',
    'max-age= 3600',
    'max-age=a3600',
    'max-age=3600a',
    'max-age=9e99',
    'max-age=',
    'max-age',
    'max-age=""',
    'max-age="3600',
    'max-age=3600"',
    'max-age=60 60',
    'max-age=60;foo=bar',
    'max-age==60',
  ])('takes the malformed %s as stale (§4.2.1)', (line) => {
    expect(said(line)).toEqual({ maxAgeSeconds: 0 });
  });

  it.each([
    [['max-age=3600, max-age=1800']],
    [['max-age=1800, max-age=3600']],
    [['max-age=3600', 'max-age=1800']],
    [['max-age=1800', 'max-age=3600']],
  ])('lets the strictest of repeated directives win: %j', (lines) => {
    expect(said(...lines)).toEqual({ maxAgeSeconds: 1800 });
  });

  it.each([
    'private',
    'Private',
    'private="set-cookie"',
    'private=""',
    'private, private="x"',
    'private="unclosed',
    'private=x',
    'private ; max-age=0',
    'x private',
    '"private"',
  ])('A2.4 takes %s as private', (line) => {
    expect(said(line)).toMatchObject({ private: true });
  });

  it.each([
    'no-store,max-age=60',
    'No-StOrE',
    'foo="bar, no-store',
    'no-store;max-age=60',
    'max-age=60; no-store',
    'foo=a"b, no-store"',
    'no-store\t',
    'no-store =x',
  ])('A2.4 does not overlook the no-store in %s', (line) => {
    expect(said(line)).toMatchObject({ noStore: true });
  });

  it('limits no-cache to the fields it names (§5.2.2.4)', () => {
    expect(said('no-cache="A, b", max-age=5')).toEqual({ noCacheFields: ['a', 'b'], maxAgeSeconds: 5 });
  });

  it.each(['no-cache', 'no-cache=""', 'no-cache=a', 'no-cache=" , "', 'no-cache="a b"', 'no-cache="a", no-cache'])(
    'takes %s as no-cache for the whole response',
    (line) => {
      expect(said(line)).toMatchObject({ noCache: true });
    },
  );

  it('ignores malformed directives that would permit something', () => {
    expect(said('public ; x', 'immutable x')).toEqual({});
    expect(said('public, immutable, ",x')).toEqual({});
    expect(said('must-understand, no-store, "')).toEqual({ noStore: true });
    expect(said('must-understand, "')).toEqual({ mustUnderstand: true });
  });
});

describe('any Cache-Control whatever', () => {
  const word = fc.constantFrom(
    ...[
      'max-age',
      's-maxage',
      'no-store',
      'private',
      'no-cache',
      'public',
      'x',
      '=',
      '"',
      ',',
      ' ',
      ';',
      '\\',
      '0',
      '60',
      '-1',
      '\u00e9',
      '\t',
    ],
  );
  const line = fc.oneof(
    anyText,
    fc.array(word, { maxLength: 12 }).map((words) => words.join('')),
  );

  it('never throws, and yields only lifetimes between 0 and 2^31', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 4 }), (lines) => {
        const { maxAgeSeconds, sMaxAgeSeconds, staleIfErrorSeconds } = parseResponseDirectives(lines);
        for (const seconds of [maxAgeSeconds, sMaxAgeSeconds, staleIfErrorSeconds]) {
          if (seconds !== undefined) expect(seconds >= 0 && seconds <= MAX_DELTA_SECONDS).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('is never read looser than by the grammar', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 3 }), (lines) => {
        const strict = byTheGrammar(lines);
        const ours = parseResponseDirectives(lines);
        if (strict.names.has('no-store')) expect(ours.noStore).toBe(true);
        if (strict.names.has('private')) expect(ours.private).toBe(true);
        if (strict.names.has('no-cache')) expect(ours.noCache || ours.noCacheFields.length > 0).toBe(true);
        if (ours.public) expect(strict.names.has('public')).toBe(true);
        if (ours.maxAgeSeconds) expect(strict.maxAges).toContain(ours.maxAgeSeconds);
        if (strict.maxAges.length > 0) expect(ours.maxAgeSeconds).toBeLessThanOrEqual(Math.min(...strict.maxAges));
      }),
      { numRuns: 3000 },
    );
  });

  it('takes no more lifetime for one more line', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 3 }), line, (lines, more) => {
        const before = parseResponseDirectives(lines).maxAgeSeconds;
        if (before !== undefined)
          expect(parseResponseDirectives([...lines, more]).maxAgeSeconds).toBeLessThanOrEqual(before);
      }),
    );
  });

  it.each([
    ['commas', ','.repeat(200_000)],
    ['opening quotes', 'a="'.repeat(100_000)],
    ['escapes', `a="${'\\"'.repeat(100_000)}`],
    ['words', 'x '.repeat(100_000)],
    ['equals', '='.repeat(200_000)],
  ])('reads 200 kB of %s in linear time', (_name, text) => {
    const startedAt = performance.now();
    parseResponseDirectives([text]);
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });
});

describe('delta-seconds (§1.2.2)', () => {
  it('is digits only', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(deltaSeconds(text) === 0 || /^[0-9]+$/.test(text)).toBe(true);
      }),
    );
    expect(deltaSeconds('60')).toBe(60);
  });
});

/**
 * A second reading, written from the grammar: a list splits at commas outside quoted strings, wherever they stand; a
 * directive that does not match is no directive.
 */
function byTheGrammar(lines: readonly string[]): { names: Set<string>; maxAges: number[] } {
  const names = new Set<string>();
  const maxAges: number[] = [];
  for (const line of lines) {
    const members: string[] = [''];
    let quoted = false;
    for (let i = 0; i < line.length; i++) {
      const char = line[i] as string;
      if (quoted && char === '\\') {
        members[members.length - 1] += char + (line[++i] ?? '');
        continue;
      }
      if (char === '"') quoted = !quoted;
      if (char === ',' && !quoted) members.push('');
      else members[members.length - 1] += char;
    }
    for (const member of members) {
      const match =
        /^[\t ]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:=([!#$%&'*+.^_`|~0-9A-Za-z-]+|"(?:[^"\\]|\\.)*"))?[\t ]*$/.exec(member);
      if (!match) continue;
      names.add((match[1] as string).toLowerCase());
      const argument = (match[2] ?? '').replace(/^"([0-9]*)"$/, '$1');
      if (match[1]?.toLowerCase() === 'max-age' && /^[0-9]+$/.test(argument))
        maxAges.push(Math.min(Number(argument), 2 ** 31));
    }
  }
  return { names, maxAges };
}
