import type { QuotaDecision } from './quota-decision.js';

/** Media type of {@link quotaProblem}. RFC 9457 §3. */
export const PROBLEM_TYPE = 'application/problem+json';

const bodies = new Map<string, string>();
const MAX_BODIES = 1000;

/**
 * The problem details of a refusal: `quota-exceeded` with the names of the violated policies, or
 * `temporary-reduced-capacity` when nothing could be counted (draft-ietf-httpapi-ratelimit-headers-08, Problem Types).
 */
export function quotaProblem({ violated }: QuotaDecision, status: number, prefix: string): string {
  let names = prefix;
  for (const policy of violated) names += `\n${policy.name}`;
  const key = `${status}${names}`;
  const known = bodies.get(key);
  if (known) return known;
  const body = JSON.stringify(
    violated.length > 0
      ? exceeded(
          violated.map(({ name }) => prefix + name),
          status,
        )
      : uncounted(status),
  );
  if (bodies.size < MAX_BODIES) bodies.set(key, body);
  return body;
}

const exceeded = (names: readonly string[], status: number) => ({
  type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
  title: 'Request cannot be satisfied as assigned quota has been exceeded',
  status,
  'violated-policies': names,
});

const uncounted = (status: number) => ({
  type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
  title: 'Request cannot be satisfied due to temporary server capacity constraints',
  status,
});
