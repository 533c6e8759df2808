import { optionError } from '../../common/errors.js';
import { checkKnownKeys, textList } from '../../common/options.js';

/** Which query parameters belong to the key; the others are not visible to the handler either. */
export interface QueryOptions {
  /** Only these. A trailing `*` matches any ending. @default every parameter that is not ignored */
  readonly allow?: readonly string[];
  /** All but these. A trailing `*` matches any ending. @default {@link TRACKING_PARAMETERS} */
  readonly ignore?: readonly string[];
}

/** Parameters that advertisers append to links and that no handler looks at. */
export const TRACKING_PARAMETERS: readonly string[] = Object.freeze([
  'utm_*',
  'gclid',
  'gclsrc',
  'dclid',
  'gbraid',
  'wbraid',
  'fbclid',
  'msclkid',
  'twclid',
  'ttclid',
  'yclid',
  'li_fat_id',
  'igshid',
  'mc_cid',
  'mc_eid',
  '_ga',
  '_gl',
  '_hsenc',
  '_hsmi',
  'mkt_tok',
  'srsltid',
  'vero_id',
]);

interface NamePatterns {
  readonly exact: ReadonlySet<string>;
  readonly prefixes: readonly string[];
}

/** {@link QueryOptions}, checked and ready for use. */
export interface QueryPolicy {
  readonly allow: NamePatterns | undefined;
  readonly ignore: NamePatterns;
}

/** Checks the `query` option; `owner` names it in errors. */
export function resolveQueryPolicy(owner: string, options: QueryOptions = {}): QueryPolicy {
  checkKnownKeys(owner, options, ['allow', 'ignore']);
  const { allow, ignore = allow === undefined ? TRACKING_PARAMETERS : [] } = options;
  return Object.freeze({
    allow: allow === undefined ? undefined : patterns(`${owner}.allow`, allow),
    ignore: patterns(`${owner}.ignore`, ignore),
  });
}

/** Whether a parameter belongs to the key. */
export function isKeyed(policy: QueryPolicy, name: string): boolean {
  if (policy.allow !== undefined && !matches(policy.allow, name)) return false;
  return !matches(policy.ignore, name);
}

function matches({ exact, prefixes }: NamePatterns, name: string): boolean {
  return exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
}

function patterns(option: string, value: unknown): NamePatterns {
  const list = textList(option, value);
  for (const pattern of list) {
    const star = pattern.indexOf('*');
    if (star !== -1 && star !== pattern.length - 1) {
      throw optionError(option, "parameter names, with '*' only at the end", pattern);
    }
  }
  return {
    exact: new Set(list.filter((pattern) => !pattern.endsWith('*'))),
    prefixes: list.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1)),
  };
}
