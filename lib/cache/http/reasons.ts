/** Why a response was not stored: the words of `Cache-Status`, events and metric labels. A closed set. */
export const NOT_STORED_REASONS = [
  'method',
  'request-no-store',
  'status',
  'partial',
  'no-store',
  'private',
  'must-understand',
  'authorization',
  'set-cookie',
  'vary-wildcard',
  'vary-identity',
  'vary-limit',
  'no-lifetime',
  'uninteresting',
] as const;

/** One of {@link NOT_STORED_REASONS}: the same word in `Cache-Status`, events, metrics and on the admin page. */
export type NotStoredReason = (typeof NOT_STORED_REASONS)[number];

/** Whether a response is stored and, if not, why. */
export type StoreDecision = { readonly store: true } | { readonly store: false; readonly reason: NotStoredReason };
