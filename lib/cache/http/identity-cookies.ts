// Cookies that name a person or a session, by the words in their names. The list errs on the side of bypassing.
const WHOLE_WORDS: ReadonlySet<string> = new Set([
  'auth',
  'oauth',
  'oauth2',
  'authn',
  'authorization',
  'sso',
  'saml',
  'oidc',
  'login',
  'loggedin',
  'logged',
  'signin',
  'user',
  'userid',
  'username',
  'uid',
  'account',
  'identity',
  'member',
  'apikey',
  'cfid',
]);
const WORD_PARTS = ['sess', 'token', 'jwt', 'remember', 'credential'];

/**
 * Whether a `Cookie` header carries a cookie that looks like a session or a credential: `sid`, `session`, `connect.sid`,
 * `PHPSESSID`, `auth`, `access_token`, `jwt`, `remember_me`, `wordpress_logged_in_…`, anything `__Host-`.
 * Not such: analytics (`_ga`, `_gid`), consent, theme, language, and a CSRF token by itself, which visitors without
 * an account get as well; a handler that reads it is noticed by other means. Linear; never throws.
 */
export function sessionLikeCookie(cookieHeader: string | undefined): boolean {
  if (cookieHeader === undefined || cookieHeader === '') return false;
  let start = 0;
  while (start < cookieHeader.length) {
    let end = cookieHeader.indexOf(';', start);
    if (end === -1) end = cookieHeader.length;
    const pair = cookieHeader.slice(start, end);
    const equals = pair.indexOf('=');
    if (isSessionLike((equals === -1 ? pair : pair.slice(0, equals)).trim())) return true;
    start = end + 1;
  }
  return false;
}

function isSessionLike(cookieName: string): boolean {
  const name = cookieName.toLowerCase();
  if (name.includes('csrf') || name.includes('xsrf')) return false;
  if (name.startsWith('__host-')) return true;
  if (WORD_PARTS.some((part) => name.includes(part)) || name.endsWith('sid')) return true;
  return name.split(/[^a-z0-9]+/).some((word) => WHOLE_WORDS.has(word));
}
