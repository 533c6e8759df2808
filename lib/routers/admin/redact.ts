/** Names of query parameters whose values are shown unless the option says otherwise: how a list is cut, never who asks. */
export const SHOWN_QUERY = [
  'page',
  'per_page',
  'limit',
  'offset',
  'sort',
  'order',
  'lang',
  'locale',
  'format',
  'fields',
];

const MASK = '•••';
const MAX_SHOWN = 300;

/**
 * A key as it may be shown: values of unlisted query parameters, e-mail addresses and path segments that look like
 * tokens are masked.
 */
export function redactKey(label: string, shownQuery: ReadonlySet<string>): string {
  const mark = label.indexOf('?');
  const path = mark < 0 ? label : label.slice(0, mark);
  const query = mark < 0 ? '' : `?${redactQuery(label.slice(mark + 1), shownQuery)}`;
  const shown = path.split('/').map(redactSegment).join('/') + query;
  return shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN - 1)}…` : shown;
}

function redactQuery(query: string, shownQuery: ReadonlySet<string>): string {
  return query
    .split('&')
    .map((pair) => {
      const equals = pair.indexOf('=');
      // A pair without a value can be a secret itself: ?<token>
      if (equals < 0) return redactSegment(pair);
      const name = pair.slice(0, equals);
      return shownQuery.has(name.toLowerCase()) ? pair : `${redactSegment(name)}=${MASK}`;
    })
    .join('&');
}

function redactSegment(segment: string): string {
  return looksSecret(segment) ? MASK : segment.replace(/[^\s:/@]+@[^\s:/@]+\.[a-z]{2,}/gi, MASK);
}

// Long and without the separators of words: hexadecimal, base64, a signed token.
function looksSecret(segment: string): boolean {
  if (segment.length < 24) return false;
  if (/^[A-Za-z0-9]+$/.test(segment)) return /\d/.test(segment) && /[A-Za-z]/.test(segment);
  if (/^eyJ[\w-]+\.[\w-]+\.[\w-]*$/.test(segment)) return true;
  return /^[\w+=-]+$/.test(segment) && /[a-z]/.test(segment) && /[A-Z]/.test(segment) && /\d/.test(segment);
}
