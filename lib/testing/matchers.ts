type Verdict = { readonly pass: boolean; message(): string };
type Headers = { get(name: string): string | null } | Readonly<Record<string, string | string[] | undefined>>;

/** A response of `fetch`, of `node:http`, of supertest or of light-my-request: anything with header fields. */
export interface AnswerWithHeaders {
  readonly headers: Headers;
}

/**
 * For `expect.extend(cacheMatchers)` of vitest and jest. `toBeHit`, `toBeMiss`, `toBeStored` read `Cache-Status`;
 * `toLeak(secret)` looks for a secret in texts, bytes and whole object trees, plain, percent-encoded, base64 and hex.
 */
export const cacheMatchers = {
  toBeHit: (answer: AnswerWithHeaders): Verdict => byStatus(answer, 'a hit', (status) => /; *hit\b/.test(status)),
  toBeMiss: (answer: AnswerWithHeaders): Verdict =>
    byStatus(answer, 'a miss', (status) => /; *fwd=(uri-miss|vary-miss|miss|stale)\b/.test(status)),
  toBeStored: (answer: AnswerWithHeaders): Verdict =>
    byStatus(answer, 'stored', (status) => /; *stored\b(?!=\?0)/.test(status)),
  toLeak(received: unknown, secret: string): Verdict {
    const text = flatten(received);
    const found = spellings(secret).filter((spelling) => text.includes(spelling));
    // The secret itself must not end up in the report of a test.
    return verdict(
      found.length > 0,
      `to show the secret${found.length > 0 ? `, which it does as ${found.length} spellings` : ''}`,
    );
  },
};

function byStatus(answer: AnswerWithHeaders, what: string, test: (status: string) => boolean): Verdict {
  const status = ownMember(answer.headers);
  return verdict(test(status), `to be ${what}; Cache-Status says "${status}"`);
}

function verdict(pass: boolean, expectation: string): Verdict {
  return { pass, message: () => `expected it ${pass ? 'not ' : ''}${expectation}` };
}

// RFC 9211 §2: one member per cache, in the order the answer passed them.
function ownMember(headers: Headers): string {
  const field =
    typeof headers.get === 'function'
      ? headers.get('cache-status')
      : (headers as Record<string, unknown>)['cache-status'];
  const members = String(field ?? '').match(/(?:"[^"]*"|[^,"])+/g) ?? [];
  return members.map((member) => member.trim()).find((member) => /^"?warmpath\b/.test(member)) ?? '';
}

function spellings(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  // Without the ends, which depend on what stands beside it.
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(4, -4),
  );
  const all = [
    secret,
    encodeURIComponent(secret),
    bytes.toString('hex'),
    ...base64,
    ...base64.map((one) => one.replaceAll('+', '-').replaceAll('/', '_')),
  ];
  return [...new Set(all.filter((one) => one.length >= 4))];
}

function flatten(value: unknown, seen = new Set<unknown>()): string {
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  if (typeof value !== 'object' || value === null) return String(value);
  if (seen.has(value)) return '';
  seen.add(value);
  const entries = value instanceof Map || value instanceof Set ? [...value] : [];
  // Errors keep what matters in properties that do not enumerate.
  const own = Object.getOwnPropertyNames(value).map((name) => [name, Reflect.get(value, name)]);
  return [...entries, ...own]
    .flat()
    .map((one) => flatten(one, seen))
    .join('\n');
}
