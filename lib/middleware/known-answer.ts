import { OutgoingMessage, ServerResponse } from 'node:http';
import { isUsual, type OpenResponse, opened } from './head-text.js';
import { joinedAnswers } from './joined-answer.js';
import { type HeadForm, hitNews, keepOn, keepsFields, putNews } from './prepared-head.js';

const { writeHead } = ServerResponse.prototype;
const { end, write } = OutgoingMessage.prototype;

/** Whether a response can be given its fields at once: forms are shared, so nobody may add to them while the head is written. */
export function takesForms(res: ServerResponse): boolean {
  return keepsFields() && res.writeHead === writeHead;
}

/** {@link sendKnown} for a hit of this age and with this lifetime left, in seconds. */
export function sendHit(
  res: ServerResponse,
  status: number,
  form: HeadForm,
  age: number,
  ttl: number,
  body: Buffer | string | undefined,
): boolean {
  const { kept, statusHeader } = form;
  if (age !== form.age || ttl !== form.ttl) {
    putNews(kept, hitNews(age, ttl, statusHeader));
    form.age = age;
    form.ttl = ttl;
  }
  return sendKnown(res, status, form, kept.age?.[1] as string, kept['cache-status']?.[1] as string, 'hit', body);
}

/**
 * Sends a form whose text is known in one write, head and body together; the values are those of the lines that were
 * learned. `false`, and nothing done, where the text is not known, or where anything about the response or its connection
 * calls for another head than the usual one.
 */
export function sendKnown(
  res: ServerResponse,
  status: number,
  form: HeadForm,
  first: string,
  second: string,
  third: string,
  body: Buffer | string | undefined,
): boolean {
  const open = opened(res);
  const { text } = form;
  if (text === undefined || !isUntouched(res) || !isUsual(open) || !text.suits(open)) return false;
  const head = text.at(first, second, third);
  keepOn(res, form.kept);
  // In Node's own order: properties of a response get their places as they come.
  open.statusMessage = text.reason;
  open.statusCode = status;
  open._contentLength = text.contentLength;
  open._hasBody = text.hasBody;
  open._header = head;
  sendBody(res, open, form, head, body);
  return true;
}

function sendBody(
  res: ServerResponse,
  open: OpenResponse,
  form: HeadForm,
  head: string,
  body: Buffer | string | undefined,
): void {
  if (body === undefined) return void res.end();
  const joined = joinedAnswers.of(form, head, body);
  if (joined !== undefined) {
    // As after a head that was sent: Node adds nothing of its own.
    open._headerSent = true;
    open._send(joined.bytes, 'buffer');
    if (res.writableLength > 0) joined.isBusy = true;
    res.end();
  } else if (typeof body === 'string') {
    // Node sends what it keeps of the head before anything else: with the body behind it, both are one write.
    open._header = head + body;
    res.end();
    open._header = head;
  } else res.end(body);
}

/** Ends a response whose head is written. */
export function endWith(res: ServerResponse, body: Buffer | string | undefined): void {
  if (body === undefined) res.end();
  else if (typeof body !== 'string') res.end(body);
  // Who replaced `end` may reckon with bytes.
  else if (res.end !== end) res.end(Buffer.from(body, 'latin1'));
  else res.end(body, 'latin1');
}

/** Whether nobody replaced a method of the response: whoever did wants to see what is written. */
export function isUntouched(res: ServerResponse): boolean {
  return res.writeHead === writeHead && res.end === end && res.write === write;
}
