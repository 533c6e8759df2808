import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sessionLikeCookie } from '../../../lib/cache/http/identity-cookies.js';
import { anyText } from './any-text.js';

describe('session-like cookies', () => {
  it.each([
    ...[
      'sid',
      'SID',
      'sess',
      'session',
      'session_id',
      'connect.sid',
      'koa.sess',
      'JSESSIONID',
      'PHPSESSID',
      'ASPSESSIONIDQQ',
      'ASP.NET_SessionId',
    ],
    ...[
      'auth',
      'x-auth',
      'token',
      'access_token',
      'refreshToken',
      'jwt',
      'login',
      'user_id',
      'remember_me',
      'rememberMe',
      'remember-me',
    ],
    ...[
      'wordpress_logged_in_abc',
      'next-auth.session-token',
      '__Secure-next-auth.session-token',
      '__Host-session',
      '__Host-anything',
      'laravel_session',
    ],
  ])('include %s', (name) => {
    expect(sessionLikeCookie(`${name}=x`)).toBe(true);
    expect(sessionLikeCookie(`theme=dark; ${name}=x; lang=en`)).toBe(true);
  });

  it.each([
    '_ga',
    '_gid',
    '_ga_ABC123',
    'consent',
    'cookie_consent',
    'theme',
    'lang',
    'locale',
    'a',
    'ab_test',
    'csrf_token',
    'XSRF-TOKEN',
    '_csrf',
    '__Host-csrf',
    'author',
    'inside',
  ])('do not include %s', (name) => {
    expect(sessionLikeCookie(`${name}=session; other=token`)).toBe(false);
  });

  it('are told by name, not by value', () => {
    expect(sessionLikeCookie('theme=sid=1')).toBe(false);
    expect(sessionLikeCookie('sid')).toBe(true);
    expect(sessionLikeCookie(' ;; sid = 1')).toBe(true);
    expect(sessionLikeCookie('')).toBe(false);
    expect(sessionLikeCookie(undefined)).toBe(false);
  });

  it('never throw, and take linear time', () => {
    fc.assert(fc.property(anyText, (header) => void sessionLikeCookie(header)));
    const startedAt = performance.now();
    sessionLikeCookie('a;'.repeat(100_000));
    sessionLikeCookie('-'.repeat(200_000));
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });
});
