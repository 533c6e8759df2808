import { describe, expect, it } from 'vitest';
import { redactJsonBody, redactor } from '../../lib/cache/redact.js';

describe('redact', () => {
  const redact = redactor('test', ['password_hash', 'API_KEY', '__proto__']);
  if (redact === undefined) throw new Error('no redactor');

  it('takes fields out at any depth, of objects, arrays, maps and sets, whatever the case of their names', () => {
    const value = {
      users: [{ name: 'Ann', Password_Hash: 'x', keys: new Map([['api_key', 1 as unknown]]) }],
      set: new Set([{ api_key: 1, id: 2 }]),
      at: new Date(0),
    };
    expect(redact(value)).toEqual({
      users: [{ name: 'Ann', keys: new Map() }],
      set: new Set([{ id: 2 }]),
      at: new Date(0),
    });
    expect(value.users[0]).toHaveProperty('Password_Hash');
  });

  it('gives back the very same value when there is nothing to take out', () => {
    const value = { users: [{ name: 'Ann', tags: new Map([[1, new Set([2])]]) }] };
    expect(redact(value)).toBe(value);
  });

  it('sees what an object shows of itself, and names of prototypes as names', () => {
    class User {
      toJSON() {
        return { name: 'Ann', api_key: 'x' };
      }
    }
    expect(redact([new User()])).toEqual([{ name: 'Ann' }]);
    const value = JSON.parse('{"__proto__": {"admin": true}, "a": {"password_hash": 1}}');
    expect(Object.keys(redact(value) as object)).toEqual(['a']);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('refuses circular values and lists that are none', () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;
    expect(() => redact(circular)).toThrow(/circular/);
    expect(() => redactor('x.redact', 'password')).toThrow(/x.redact/);
    expect(redactor('x.redact', [])).toBeUndefined();
  });

  it('takes fields out of JSON bodies, leaves others as they are and vouches for none it cannot read', () => {
    const body = (text: string) => Buffer.from(text);
    const json = 'application/json; charset=utf-8';
    expect(redactJsonBody(body('{"a":1,"api_key":2}'), json, redact)?.toString()).toBe('{"a":1}');
    expect(redactJsonBody(body('{"a":1,"api_key":2}'), 'application/hal+json', redact)?.toString()).toBe('{"a":1}');
    const clean = body('{ "a": 1 }');
    expect(redactJsonBody(clean, json, redact)).toBe(clean);
    const html = body('{"api_key":1}');
    expect(redactJsonBody(html, 'text/html', redact)).toBe(html);
    expect(redactJsonBody(html, undefined, redact)).toBe(html);
    expect(redactJsonBody(body('{"api_key":'), json, redact)).toBeUndefined();
    expect(redactJsonBody(body('{"api_key":1}\n{"api_key":2}\n'), 'application/x-ndjson', redact)).toBeUndefined();
    expect(redactJsonBody(body('{"a":1,"api_key":2}'), 'text/json', redact)?.toString()).toBe('{"a":1}');
  });

  it('keeps no body whose numbers it would change', () => {
    const of = (text: string) => redactJsonBody(Buffer.from(text), 'application/json', redact)?.toString();
    expect(of('{"id":12345678901234567890,"api_key":2}')).toBeUndefined();
    expect(of('{"id":12345678901234567890}')).toBe('{"id":12345678901234567890}');
    expect(of('{"id":"12345678901234567890","x":0.1234567890123456,"api_key":2}')).toBe(
      '{"id":"12345678901234567890","x":0.1234567890123456}',
    );
  });
});
