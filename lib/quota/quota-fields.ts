import type { QuotaDecision } from './quota-decision.js';
import type { QuotaPolicy } from './quota-policy.js';
import type { TierPlan } from './tier-plan.js';

/** Which of the RateLimit fields to write. */
export interface QuotaFieldFormat {
  /** Version of the IETF draft; `false` for none. */
  readonly draft: 'draft-6' | 'draft-7' | 'draft-8' | false;
  /** `X-RateLimit-*` as well. */
  readonly legacy: boolean;
  /** Put before the policies' names, so that two limiters on one response stay apart. */
  readonly prefix: string;
}

/** Receives a field: `list` means that it joins what another limiter wrote, else it replaces it. */
export type FieldWriter = (name: string, value: string, list: boolean) => void;

/** Seconds as the fields tell them. */
export const wholeSeconds = (ms: number): number => Math.max(0, Math.ceil(ms / 1000));

/** Seconds for `Retry-After`: never 0, which would invite an immediate retry. */
export const retryAfterSeconds = (decision: QuotaDecision): number => Math.max(1, wholeSeconds(decision.retryAfterMs));

/**
 * Writes the fields of a decision, in the very form express-rate-limit gives them (a test compares). `RateLimit` reports
 * the tightest policy, `RateLimit-Policy` lists all of the tier.
 * @see draft-ietf-httpapi-ratelimit-headers, sections 3 and 4 of versions 06 to 08
 * @param identifier replaces the name of the reported policy (draft-8)
 */
export function writeQuotaFields(
  write: FieldWriter,
  decision: QuotaDecision,
  format: QuotaFieldFormat,
  identifier?: string,
): void {
  if (decision.source === 'none') return;
  if (format.legacy) writeLegacy(write, decision);
  if (format.draft === 'draft-8') writeDraft8(write, decision, format.prefix, identifier);
  else if (format.draft === 'draft-7') writeDraft7(write, decision);
  else if (format.draft === 'draft-6') writeDraft6(write, decision);
}

function writeLegacy(write: FieldWriter, { policy, remaining, resetMs }: QuotaDecision): void {
  const now = new Date();
  write('X-RateLimit-Limit', String(policy.limit), false);
  write('X-RateLimit-Remaining', String(remaining), false);
  write('Date', now.toUTCString(), false);
  write('X-RateLimit-Reset', String(Math.ceil((now.getTime() + resetMs) / 1000)), false);
}

function writeDraft6(write: FieldWriter, { policy, plan, remaining, resetMs }: QuotaDecision): void {
  write('RateLimit-Policy', policyNumbers(plan), false);
  write('RateLimit-Limit', String(policy.limit), false);
  write('RateLimit-Remaining', String(remaining), false);
  write('RateLimit-Reset', String(wholeSeconds(resetMs)), false);
}

function writeDraft7(write: FieldWriter, { policy, plan, remaining, resetMs }: QuotaDecision): void {
  write('RateLimit-Policy', policyNumbers(plan), false);
  write('RateLimit', `limit=${policy.limit}, remaining=${remaining}, reset=${wholeSeconds(resetMs)}`, false);
}

function writeDraft8(
  write: FieldWriter,
  decision: QuotaDecision,
  prefix: string,
  identifier: string | undefined,
): void {
  const { policy, plan, partition, remaining, resetMs } = decision;
  const name = identifier === undefined ? prefix + policy.name : sfText(String(identifier));
  write('RateLimit', `"${name}"; r=${remaining}; t=${wholeSeconds(resetMs)}`, true);
  const { policies } = plan;
  let list = '';
  for (let index = 0; index < policies.length; index++) {
    const listed = policies[index] as QuotaPolicy;
    if (index > 0) list += ', ';
    list += `"${listed === policy ? name : prefix + listed.name}"; q=${listed.limit}; w=${windowSeconds(listed)}; pk=:${partition.label}:`;
  }
  write('RateLimit-Policy', list, true);
}

const windowSeconds = (policy: QuotaPolicy): number => Math.ceil(policy.windowUs / 1e6);

// Drafts 6 and 7 (§3.5) forbid two policies with the same number; the first stands for both.
function policyNumbers({ policies }: TierPlan): string {
  const distinct = policies.filter(
    (policy, index) => policies.findIndex(({ limit }) => limit === policy.limit) === index,
  );
  return distinct.map((policy) => `${policy.limit};w=${windowSeconds(policy)}`).join(', ');
}

/** Text fit for an sf-string (RFC 8941 §3.3.3): anything else would make the whole field, or the response, invalid. */
export function sfText(text: string): string {
  return text
    .slice(0, 64)
    .replace(/[^\x20-\x7e]/g, '?')
    .replace(/["\\]/g, (character) => `\\${character}`);
}
