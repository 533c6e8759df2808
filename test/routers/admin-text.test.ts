import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { html, jsonForScript } from '../../lib/routers/admin/html.js';
import { redactKey } from '../../lib/routers/admin/redact.js';

const shown = new Set(['page']);

describe('keys as they are shown', () => {
  it.each([
    ['/movies/1', '/movies/1'],
    ['/movies?page=2&q=alice', '/movies?page=2&q=•••'],
    ['/movies?PAGE=2', '/movies?PAGE=2'],
    ['/movies?token', '/movies?token'],
    ['/reset/5f4dcc3b5aa765d61d8327deb882cf99', '/reset/•••'],
    ['/x?5f4dcc3b5aa765d61d8327deb882cf99', '/x?•••'],
    ['/s/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc', '/s/•••'],
    ['/movies/the-shawshank-redemption-1994', '/movies/the-shawshank-redemption-1994'],
    ['user:alice@example.com', 'user:•••'],
    ['/x?S3CRETS3CRETS3CRETS3CRETS3=1', '/x?•••=•••'],
    ['user:42', 'user:42'],
  ])('%s', (label, expected) => {
    expect(redactKey(label, shown)).toBe(expected);
  });

  it('never show the value of an unlisted query parameter, and are never long', () => {
    fc.assert(
      fc.property(fc.webPath(), fc.stringMatching(/^[a-z0-9]{8,40}$/), (path, secret) => {
        const text = redactKey(`${path.replaceAll(secret, '')}?q=${secret}&page=1&t=${secret}`, shown);
        expect(text).not.toContain(secret);
        expect(text.length).toBeLessThanOrEqual(300);
      }),
    );
  });
});

describe('markup', () => {
  it('escapes every text put into it, and nothing twice (A6.5)', () => {
    const hostile = `"><img src=x onerror='alert(1)'>&`;
    const inner = html`<b title="${hostile}">${hostile}</b>`;
    const text = html`<i>${inner}${[inner]}${false}${undefined}</i>`.text;
    expect(text).not.toContain('<img');
    expect(text.match(/&quot;&gt;&lt;img src=x onerror=&#39;alert\(1\)&#39;&gt;&amp;/g)).toHaveLength(4);
    expect(text).not.toContain('&amp;quot;');
  });

  it('writes JSON that cannot end its script element and reads back equal', () => {
    fc.assert(
      fc.property(
        fc.anything({ values: [fc.string(), fc.constant('</script><!--'), fc.constant('\u2028\u2029')] }),
        (value) => {
          const plain = JSON.parse(JSON.stringify(value) ?? 'null');
          const { text } = jsonForScript(plain);
          expect(text).not.toMatch(/[<>\u2028\u2029]/);
          expect(JSON.parse(text)).toEqual(plain);
        },
      ),
    );
  });
});
