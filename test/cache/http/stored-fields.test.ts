import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HeaderFields } from '../../../lib/cache/http/header-fields.js';
import { notModifiedFields, selectsStored, updateStoredFields } from '../../../lib/cache/http/not-modified.js';
import { type StoredField, storableFields } from '../../../lib/cache/http/stored-fields.js';

const names = (fields: readonly StoredField[]) => fields.map(([name]) => name);

describe('fields that are stored (RFC 9111 §3.1)', () => {
  it('keep order, lines and Date', () => {
    const fields = storableFields({
      'x-b': 'b',
      date: 'Thu, 15 Jan 2026 12:00:00 GMT',
      link: ['<a>', '<b>'],
      'x-a': '',
    });
    expect(fields).toEqual([
      ['x-b', 'b'],
      ['date', 'Thu, 15 Jan 2026 12:00:00 GMT'],
      ['link', ['<a>', '<b>']],
      ['x-a', ''],
    ]);
  });

  it.each([
    ...['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'content-length', 'age'],
    ...['proxy-authenticate', 'proxy-authorization', 'proxy-authentication-info', 'proxy-connection', 'proxy-foo'],
    ...['set-cookie', 'x-request-id', 'x-correlation-id', 'traceparent'],
  ])('never include %s', (name) => {
    expect(storableFields({ [name]: 'x', other: 'y' })).toEqual([['other', 'y']]);
  });

  it.each(['ratelimit', 'ratelimit-policy', 'x-ratelimit-remaining', 'x-rate-limit-reset', 'retry-after'])(
    'A3.4 never include %s',
    (name) => {
      expect(storableFields({ [name]: 'x' })).toEqual([]);
    },
  );

  it('A4.7 never include what Connection names', () => {
    const fields = storableFields({ connection: ['X-Secret, close', 'b'], 'x-secret': '1', b: '2', c: '3' });
    expect(names(fields)).toEqual(['c']);
  });

  it('leave out what the caller names', () => {
    expect(names(storableFields({ a: '1', b: '2' }, ['a']))).toEqual(['b']);
  });

  it("keep everything that is the handler's own", () => {
    const own = [
      'content-type',
      'content-encoding',
      'content-security-policy',
      'clear-site-data',
      'x-frame-options',
      'set-cookie2',
      'cache-control',
      'etag',
      'expires',
    ];
    expect(names(storableFields(Object.fromEntries(own.map((name) => [name, 'x']))))).toEqual(own);
  });

  it('never throw', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.array(fc.string()))),
        (headers) => void storableFields(headers),
      ),
    );
  });
});

describe('fields of a 304 (RFC 9110 §15.4.5)', () => {
  const stored: StoredField[] = [
    ['content-type', 'text/plain'],
    ['etag', '"a"'],
    ['last-modified', 'x'],
    ['cache-control', 'max-age=5'],
    ['vary', 'Accept'],
    ['x-powered-by', 'Express'],
    ['content-location', '/x'],
    ['date', 'd'],
    ['expires', 'e'],
    ['access-control-allow-origin', '*'],
  ];

  it('A1.9 are those that guide caches, and CORS', () => {
    expect(names(notModifiedFields(stored))).toEqual([
      'etag',
      'cache-control',
      'vary',
      'content-location',
      'date',
      'expires',
      'access-control-allow-origin',
    ]);
  });

  it('include Last-Modified where there is no entity tag', () => {
    expect(
      names(
        notModifiedFields([
          ['last-modified', 'x'],
          ['content-type', 'y'],
        ]),
      ),
    ).toEqual(['last-modified']);
  });
});

describe('freshening by a 304 (RFC 9111 §3.2)', () => {
  const stored: StoredField[] = [
    ['content-type', 'text/plain'],
    ['content-encoding', 'gzip'],
    ['etag', '"a"'],
    ['x-a', '1'],
  ];

  it('replaces, adds and keeps fields', () => {
    const updated = updateStoredFields(stored, { 'content-type': 'text/plain;charset=utf-8', 'x-b': ['2', '3'] });
    expect(updated).toEqual([
      ['content-type', 'text/plain;charset=utf-8'],
      ['content-encoding', 'gzip'],
      ['etag', '"a"'],
      ['x-a', '1'],
      ['x-b', ['2', '3']],
    ]);
  });

  it.each(['content-encoding', 'content-length', 'content-range', 'content-md5', 'content-digest', 'etag'])(
    'leaves %s, which describes the stored bytes',
    (name) => {
      expect(updateStoredFields(stored, { [name]: 'other' })).toEqual(stored);
    },
  );

  it.each(['connection', 'set-cookie', 'proxy-authenticate', 'age', 'x-request-id'])(
    'does not take %s, which is never stored',
    (name) => {
      expect(updateStoredFields(stored, { [name]: 'other' })).toEqual(stored);
    },
  );

  it('lets Vary grow, never shrink', () => {
    const varied: StoredField[] = [['vary', 'Accept, accept-encoding']];
    expect(updateStoredFields(varied, { vary: 'Accept' })).toEqual(varied);
    expect(updateStoredFields(varied, { vary: ['Accept-Encoding', 'Origin'] })).toEqual([
      ['vary', 'Accept, accept-encoding, Origin'],
    ]);
  });

  it('does not touch its input', () => {
    const before = JSON.stringify(stored);
    updateStoredFields(stored, { 'x-a': '2' });
    expect(JSON.stringify(stored)).toBe(before);
  });
});

describe('whether a 304 is about the stored response (RFC 9111 §4.3.4)', () => {
  const LM = 'Wed, 14 Jan 2026 10:00:00 GMT';

  it.each<[HeaderFields, HeaderFields, boolean]>([
    [{ etag: '"a"' }, {}, true],
    [{ etag: '"a"' }, { etag: '"a"' }, true],
    [{ etag: '"a"' }, { etag: 'W/"a"' }, true],
    [{ 'last-modified': LM }, {}, true],
    [{ 'last-modified': LM }, { 'last-modified': LM }, true],
    [{ 'last-modified': LM }, { 'last-modified': 'Wed Jan 14 10:00:00 2026' }, true],
    [{ 'last-modified': LM }, { 'last-modified': 'Wed, 14 Jan 2026 10:00:01 GMT' }, false],
    [{ etag: '"a"' }, { etag: '"b"' }, true],
    [{ etag: '"a"', 'last-modified': LM }, { etag: '"b"', 'last-modified': LM }, false],
    [{ etag: '"a"', 'last-modified': LM }, { etag: 'W/"a"' }, true],
    [{ etag: '"a"', 'last-modified': LM }, { 'last-modified': LM }, true],
    [{}, {}, false],
    [{ etag: 'unquoted' }, {}, false],
  ])('stored %j, 304 with %j: %s', (stored, notModified, selects) => {
    expect(selectsStored(stored, notModified)).toBe(selects);
  });
});
