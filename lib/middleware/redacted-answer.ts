import type { CacheCore } from '../cache/cache-core.js';
import { fieldValue, type HeaderFields } from '../cache/http/header-fields.js';
import { bothRedactors, type Redactor, redactJsonBody } from '../cache/redact.js';

/** What may be stored of an answer. */
export interface StorableAnswer {
  readonly fields: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer;
}

// They describe the bytes as the handler wrote them.
const OF_THE_BYTES = new Set(['etag', 'content-length', 'content-md5', 'content-digest', 'digest']);
const JSON_TYPE = /json/i;

/**
 * A JSON answer without the fields that the cache or its route (`ofRoute`) names; others as they are. `undefined` when it
 * says it is JSON and its bytes cannot be looked at, so that nothing is stored that nobody has seen.
 */
export function redactedAnswer(
  core: CacheCore,
  answer: StorableAnswer,
  ofRoute: Redactor | undefined,
): StorableAnswer | undefined {
  const redact = bothRedactors(core.config.redact, ofRoute);
  if (redact === undefined) return answer;
  const headers: HeaderFields = answer.fields;
  const type = fieldValue(headers, 'content-type');
  const coding = fieldValue(headers, 'content-encoding') ?? 'identity';
  if (coding !== 'identity') return type !== undefined && JSON_TYPE.test(type) ? undefined : answer;
  const body = redactJsonBody(answer.body, type, redact);
  if (body === undefined || body === answer.body) return body && answer;
  const fields = Object.fromEntries(Object.entries(answer.fields).filter(([name]) => !OF_THE_BYTES.has(name)));
  return { fields, body };
}
