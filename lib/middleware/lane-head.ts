import type { ServerResponse } from 'node:http';
import type { StoredResponse } from '../cache/stored-response.js';
import { mergedVary, TEXT_LIMIT_BYTES } from './deliver-response.js';
import { sendHit, takesForms } from './known-answer.js';
import type { FieldPair } from './lane-trace.js';
import { type HeadForm, headForm, hitNews, keptOn, newFields } from './prepared-head.js';
import type { Representation } from './representation.js';
import { endJoined, sendForm } from './whole-answer.js';

/** The head of a whole answer: names and values in turn, as `writeHead` takes them. All but two values are constant. */
export interface LaneHead {
  readonly form: Representation;
  readonly lines: string[];
  readonly ageAt: number;
  /** The same fields as a response keeps them. */
  readonly kept: HeadForm;
}

/** Makes the head of a form: what was set before the cache, what is stored, and what the cache says. */
export function laneHead(
  form: Representation,
  outer: readonly FieldPair[],
  statusHeader: string | undefined,
): LaneHead {
  const fields = new Map<string, readonly [name: string, value: string | string[]]>();
  const put = (name: string, value: unknown): unknown =>
    fields.set(name.toLowerCase(), [name, Array.isArray(value) ? value.map(String) : String(value)]);
  for (const [name, value] of outer) put(name, value);
  for (const [name, value] of Object.entries(form.block)) {
    const before = name === 'vary' ? fields.get(name)?.[1] : undefined;
    put(name, before === undefined ? value : mergedVary(before, value));
  }
  fields.delete('age');
  if (statusHeader !== undefined) fields.delete(statusHeader.toLowerCase());
  const lines = [...fields.values()].flat() as string[]; // Node takes lists of lines as values, too
  const ageAt = lines.length + 1;
  lines.push('age', '', 'cache-status', '');
  if (statusHeader !== undefined) lines.push(statusHeader, 'hit');
  const kept = newFields();
  for (let at = 0; at < lines.length; at += 2)
    kept[(lines[at] as string).toLowerCase()] = [lines[at] as string, lines[at + 1]];
  return { form, lines, ageAt, kept: headForm(kept, statusHeader) };
}

/**
 * Takes fields as a response does. Node writes a list of fields in one go, but only while none is set on the response itself.
 */
export class FieldList {
  readonly headersSent = false;
  readonly #fields = new Map<string, readonly [name: string, value: string]>();

  getHeader(name: string): string | undefined {
    return this.#fields.get(name.toLowerCase())?.[1];
  }

  setHeader(name: string, value: string): void {
    this.#fields.set(name.toLowerCase(), [name, value]);
  }

  /** Puts the fields on a response. */
  moveTo(res: ServerResponse): void {
    for (const [name, value] of this.#fields.values()) res.setHeader(name, value);
  }

  /** `lines` and these fields; what is stored has the last word. */
  after(lines: readonly string[], stored: Representation['block']): string[] {
    const all = [...lines];
    for (const [key, field] of this.#fields) if (stored[key] === undefined) all.push(...field);
    return all;
  }
}

/** Sends a whole fresh answer. Age and remaining lifetime are written anew once a second. */
export function sendWhole(
  res: ServerResponse,
  head: LaneHead,
  response: StoredResponse,
  body: Buffer | string,
  now: number,
  isHead: boolean,
  more: FieldList | undefined,
): void {
  const age = response.ageSeconds(now);
  const ttl = response.ttlSeconds(now);
  const { form, kept } = head;
  const sent = isHead ? undefined : asText(body, form);
  if (more === undefined && takesForms(res) && keptOn(res) === null) {
    if (sendHit(res, response.status, kept, age, ttl, sent)) return;
    return sendForm(res, response.status, kept, hitNews(age, ttl, kept.statusHeader), sent);
  }
  const lines = linesAt(head, age, ttl);
  res.writeHead(response.status, more === undefined ? lines : more.after(lines, form.block));
  endJoined(res, sent);
}

function linesAt(head: LaneHead, age: number, ttl: number): string[] {
  const { lines, ageAt } = head;
  const news = hitNews(age, ttl, undefined);
  lines[ageAt] = news.age;
  lines[ageAt + 2] = news.cacheStatus;
  return lines;
}

// A small body leaves in one write with its head.
function asText(body: Buffer | string, form: Representation): Buffer | string {
  if (typeof body === 'string' || body.length > TEXT_LIMIT_BYTES) return body;
  form.text ??= body.toString('latin1');
  return form.text;
}
