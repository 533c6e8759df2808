/**
 * Required and optimal cases that are not passed with safe defaults and `heuristicFreshness`, each with its reason.
 * The conformance test fails when a case is missing here, and when one is here that passes.
 */
export const KNOWN_FAILURES: ReadonlyMap<string, string> = new Map([
  // Required. A response that sets a cookie is not stored: a cookie is for one client.
  ['headers-store-Set-Cookie', 'responses with Set-Cookie are never stored'],
  ['304-etag-update-response-Set-Cookie', 'responses with Set-Cookie are never stored'],

  // Required. The handler declares 10 bytes and writes 36; Node sends them all, and the client cannot parse the
  // answer, with or without a cache. Such a response is not stored: its length contradicts its head (RFC 9111 §3.3).
  ['headers-store-Content-Length', 'a body longer than its Content-Length is not stored, and breaks the connection'],
  ['304-etag-update-response-Content-Length', 'a body longer than its Content-Length is not stored'],

  // Required, but judged only where the check `stale-close` says yes: there a stale response is served although no
  // stale-if-error window allows it. Nor could it be served here: the suite's handler destroys the client's own socket.
  ['stale-close-must-revalidate', 'depends on serving stale without a window'],
  ['stale-close-proxy-revalidate', 'depends on serving stale without a window'],
  ['stale-close-no-cache', 'depends on serving stale without a window'],
  ['stale-close-s-maxage=2', 'depends on serving stale without a window'],

  // Required. `Age: 0,7200` must be reused, `Age: 0, 0` must not: any list of ages counts as malformed, hence as stale.
  ['age-parse-prefix', 'a list of ages is stale, whatever its first member says'],

  // Optimal. Partial responses are not stored; ranges are cut from complete ones.
  ['partial-store-partial-reuse-partial', '206 is never stored'],
  ['partial-store-partial-reuse-partial-byterange', '206 is never stored'],
  ['partial-store-partial-reuse-partial-absent', '206 is never stored'],
  ['partial-store-partial-reuse-partial-suffix', '206 is never stored'],
  ['partial-store-partial-complete', '206 is never stored'],

  // Optimal.
  ['other-set-cookie', 'responses with Set-Cookie are never stored'],
  ['method-POST', 'only GET fills: an answer to POST is never reused for GET'],
  ['conditional-lm-fresh-no-lm', 'RFC 9111 §4.3.2 compares with Date, which is later than the date asked about: 200'],
  ['vary-normalise-lang-order', 'common negotiators, Express among them, take the first of equally weighted languages'],
]);
