import type { Response } from 'express';
import type { HeadLine } from './head-text.js';
import { sendKnown, takesForms } from './known-answer.js';
import { formFor, isBare, keepOn, keptOn, newFields, type PreparedHead, putField } from './prepared-head.js';
import { writeForm } from './whole-answer.js';

const MAX_BODIES = 100;

/**
 * Refusals whose head is known but for what is said of the client's quota: whoever floods an app is refused for as little as
 * can be. Only where nobody else has set anything for the request, and nobody wants to see the head written.
 */
export class PreparedRefusals {
  readonly #status: number;
  readonly #constant: readonly HeadLine[];
  readonly #heads = new Map<string, PreparedHead>();

  /** @param constant fields that are the same in each refusal, between the quota fields and `Content-Length` */
  constructor(status: number, constant: readonly HeadLine[]) {
    this.#status = status;
    this.#constant = constant;
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
    for (const [name, value] of lines) putField(form.kept, name, value);
    if (!sendKnown(res, this.#status, form, first[1], second[1], third[1], body))
      writeForm(res, this.#status, form, lines, body);
    // The form goes to the next client, whose quota is nothing that a log of this one may show.
    keepOn(res, newFields(form.kept));
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
