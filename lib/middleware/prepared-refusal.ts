import type { Response } from 'express';
import type { QuotaDecision } from '../quota/quota-decision.js';
import { wholeSeconds } from '../quota/quota-fields.js';
import type { HeadLine } from './head-text.js';
import { sendKnown, takesForms } from './known-answer.js';
import {
  fieldIn,
  formFor,
  type HeadForm,
  isBare,
  keptOn,
  newFields,
  type PreparedHead,
  putField,
} from './prepared-head.js';
import { writeForm } from './whole-answer.js';

const MAX_BODIES = 100;

/** What a refusal says: three lines of its head, and its body. */
export interface RefusalWords {
  readonly lines: readonly HeadLine[];
  readonly body: string;
}

/** What the words of a refusal depend on, besides the limiter's options. */
interface Occasion {
  readonly decision: QuotaDecision;
  readonly seconds: number;
  readonly retry: string;
  readonly words: RefusalWords;
}

/**
 * Refusals whose head is known but for what is said of the client's quota: whoever floods an app is refused for as little as
 * can be. Only where nobody else has set anything for the request, and nobody wants to see the head written.
 */
export class PreparedRefusals {
  readonly #status: number;
  readonly #constant: readonly HeadLine[];
  readonly #heads = new Map<string, PreparedHead>();
  #last: Occasion | undefined;

  /** @param constant fields that are the same in each refusal, between the quota fields and `Content-Length` */
  constructor(status: number, constant: readonly HeadLine[]) {
    this.#status = status;
    this.#constant = constant;
  }

  /** What was said last, if it fits: a client that floods is told the same thousands of times a second. */
  wordsFor(decision: QuotaDecision, retry: string): RefusalWords | undefined {
    const last = this.#last;
    if (last === undefined || last.retry !== retry || last.seconds !== wholeSeconds(decision.resetMs)) return undefined;
    return isSaidAlike(last.decision, decision) ? last.words : undefined;
  }

  remember(decision: QuotaDecision, retry: string, words: RefusalWords): void {
    this.#last = { decision, seconds: wholeSeconds(decision.resetMs), retry, words };
  }

  /** Whether a response can be refused with: ask before making up lines. */
  suits(res: Response): boolean {
    return takesForms(res) && isBare(keptOn(res));
  }

  /**
   * Refuses with these lines, always the same three names, and this body, on a response that suits. `false`, and nothing
   * done: it has to be done field by field.
   */
  send(res: Response, lines: readonly HeadLine[], body: string): boolean {
    const [first, second, third] = lines;
    if (first === undefined || second === undefined || third === undefined || lines.length !== 3) return false;
    const form = formFor(this.#headOf(lines, body), keptOn(res), undefined);
    if (form === undefined) return false;
    put(form, lines);
    if (!sendKnown(res, this.#status, form, first[1], second[1], third[1], body))
      writeForm(res, this.#status, form, lines, body);
    return true;
  }

  #headOf(lines: readonly HeadLine[], body: string): PreparedHead {
    const known = this.#heads.get(body);
    if (known !== undefined) return known;
    const fields = [...lines, ...this.#constant, ['Content-Length', String(body.length)] as const];
    const head: PreparedHead = {
      names: fields.map(([name]) => name.toLowerCase()),
      fields: fields.map(([name, value]) => [name, value]),
      plain: undefined,
      powered: undefined,
    };
    if (this.#heads.size < MAX_BODIES) this.#heads.set(body, head);
    return head;
  }
}

// What differs goes into fields of its own: the quota of the next client is nothing that a log of this one may show.
function put(form: HeadForm, lines: readonly HeadLine[]): void {
  if (lines.every(([name, value]) => fieldIn(form.kept, name) === value)) return;
  form.kept = newFields(form.kept);
  for (const [name, value] of lines) putField(form.kept, name, value);
}

function isSaidAlike(one: QuotaDecision, other: QuotaDecision): boolean {
  return (
    one.policy === other.policy &&
    one.plan === other.plan &&
    one.remaining === other.remaining &&
    one.source === other.source &&
    one.partition.label === other.partition.label &&
    one.violated.length === 1 &&
    other.violated.length === 1 &&
    one.violated[0] === other.violated[0]
  );
}
