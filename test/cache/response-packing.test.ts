import etag from 'etag';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { responsePacking } from '../../lib/cache/response-packing.js';
import type { ResponseMeta } from '../../lib/cache/stored-response.js';
import { PackedEntry, packEntry } from '../../lib/store/packed-entry.js';
import { Shapes } from '../../lib/store/shapes.js';
import type { StoredEntry } from '../../lib/store/stored-entry.js';

const NAME = 'r:9:127.0.0.1/films/1';
const body = Buffer.from('{"id":1,"title":"amber"}');

const meta = (f: ResponseMeta['f'], more: Partial<ResponseMeta> = {}): ResponseMeta => ({
  s: 200,
  f,
  l: 3_600_000,
  a: 0,
  w: 0,
  e: 0,
  m: 0,
  c: 'identity',
  n: body.length,
  g: 1,
  p: 0,
  ...more,
});

const entryOf = (described: unknown): StoredEntry => ({
  kind: 'response',
  meta: described,
  body,
  groups: ['p:/films/1', 't:film:1'],
  storedAt: 1_763_700_000_123.4,
  retainUntil: 1_763_800_000_000,
});

function roundTrip(entry: StoredEntry, shapes = new Shapes()): PackedEntry | undefined {
  const holding = { entry, label: '/films/1', retainUntil: entry.retainUntil, sequence: 5 };
  const packed = packEntry(NAME, holding, shapes, responsePacking);
  return packed === undefined ? undefined : new PackedEntry(NAME, packed, shapes, responsePacking);
}

describe('a packed response', () => {
  it.each([
    ['an entity tag of this cache', ['etag', etag(body, { weak: true })]],
    ['an entity tag of other bytes', ['etag', etag(Buffer.from('other'), { weak: true })]],
    ['an entity tag that looks like one of Express', ['etag', 'W/"00a-AAAAAAAAAAAAAAAAAAAAAAAAAAA"']],
    ['an entity tag with bits that no digest has', ['etag', 'W/"18-AAAAAAAAAAAAAAAAAAAAAAAAAAB"']],
    ['an entity tag of the handler', ['etag', '"v1"']],
    ['an entity tag beyond ASCII', ['etag', '"ÿ"']],
    ['a date before it was stored', ['date', 'Fri, 21 Nov 2025 04:00:00 GMT']],
    ['a date after it was stored', ['expires', 'Sun, 21 Nov 2055 04:00:00 GMT']],
    ['a date of a century ago', ['last-modified', 'Mon, 21 Nov 1921 04:00:00 GMT']],
    ['a date in an obsolete form', ['date', 'Sunday, 06-Nov-94 08:49:37 GMT']],
    ['a date that is none', ['expires', '0']],
    ['a field of several lines', ['link', ['</a>; rel=preload', '</b>; rel=preload']]],
  ])('has %s as it was', (_what, field) => {
    const described = meta([['content-type', 'application/json'], field as [string, string]]);
    const entry = roundTrip(entryOf(described));
    expect(entry?.meta).toEqual(described);
    expect(entry?.body).toEqual(body);
    expect([entry?.label, entry?.groups]).toEqual(['/films/1', ['p:/films/1', 't:film:1']]);
  });

  it('keeps any description', () => {
    const value = fc.string({ unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)) });
    const field = fc.tuple(fc.constantFrom('etag', 'date', 'expires', 'last-modified', 'x-a', 'vary'), value);
    fc.assert(
      fc.property(fc.array(field), fc.nat(), fc.constantFrom('gzip', 'identity', 'opaque'), (f, l, c) => {
        const described = meta(f, { l, c: c as ResponseMeta['c'] });
        expect(roundTrip(entryOf(described))?.meta).toEqual(described);
      }),
    );
  });

  it('keeps what is no description of a response as it is', () => {
    expect(roundTrip(entryOf({ s: 99, odd: true }))?.meta).toEqual({ s: 99, odd: true });
  });

  it('shares what answers of a route have in common', () => {
    const shapes = new Shapes(2);
    const packed = Array.from({ length: 50 }, (_, at) =>
      roundTrip(
        entryOf(
          meta([
            ['etag', `"${at}"`],
            ['content-type', 'text/plain'],
          ]),
        ),
        shapes,
      ),
    );
    expect(shapes.use('{"one":"more"}')).toBe(2);
    expect(packed[49]?.meta).toEqual(
      meta([
        ['etag', '"49"'],
        ['content-type', 'text/plain'],
      ]),
    );
  });

  it('is kept whole where there are too many kinds of description, until there is room again', () => {
    const shapes = new Shapes(1);
    const held = shapes.use('{"another":1}');
    const described = meta([['x-a', 'b']]);
    expect(roundTrip(entryOf(described), shapes)?.meta).toEqual(described);
    expect(shapes.use('{"third":1}')).toBe(0);
    shapes.release(held);
    expect(shapes.use('{"third":1}')).toBe(held);
  });
});
