import type { ServerResponse } from 'node:http';
import { isAsNodeDoes } from './answer-proof.js';
import { type HeadLine, HeadText, isUsual, type OpenResponse, opened } from './head-text.js';
import { endWith, isUntouched, sendKnown, takesForms } from './known-answer.js';
import {
  fillFields,
  formFor,
  type HeadForm,
  type HeadNews,
  keepOn,
  keptOn,
  linesOf,
  type PreparedHead,
  putNews,
} from './prepared-head.js';

/**
 * Sends a head of prepared fields over whatever was set before, and a body: bytes, or text of one byte a character;
 * `undefined` where none belongs to it. `writeHead` with an object sets each of its fields anew and checks name and value
 * again; these were checked when they were stored. `false`, and nothing done, where somebody replaced `writeHead`, or
 * where this Node keeps fields in another way: then the fields have to go through `writeHead`.
 */
export function sendPrepared(
  res: ServerResponse,
  status: number,
  head: PreparedHead,
  news: HeadNews,
  body: Buffer | string | undefined,
): boolean {
  if (!takesForms(res)) return false;
  const before = keptOn(res);
  const form = formFor(head, before, news.statusHeader);
  if (form !== undefined) {
    sendForm(res, status, form, news, body);
    return true;
  }
  // Others have set fields: they stay, and what is stored comes over them.
  putNews(fillFields(head, before as NonNullable<typeof before>), news);
  res.writeHead(status);
  endJoined(res, body);
  return true;
}

/** Sends a form of a head over nothing that was set before, and a body, where {@link takesForms}. */
export function sendForm(
  res: ServerResponse,
  status: number,
  form: HeadForm,
  news: HeadNews,
  body: Buffer | string | undefined,
): void {
  putNews(form.kept, news);
  form.age = Number.NaN;
  if (!sendKnown(res, status, form, news.age, news.cacheStatus, news.word, body))
    writeForm(res, status, form, linesOf(news), body);
}

/**
 * Sends a form as it is, and learns how Node writes it with these lines in it, if this is the second time: most forms of
 * an entry that is not asked for often are sent once.
 */
export function writeForm(
  res: ServerResponse,
  status: number,
  form: HeadForm,
  lines: readonly HeadLine[],
  body: Buffer | string | undefined,
): void {
  const open = opened(res);
  const learns =
    form.wasSent &&
    form.text === undefined &&
    (body !== undefined) === bodyBelongs(status) &&
    isUntouched(res) &&
    isUsual(open);
  form.wasSent = true;
  keepOn(res, form.kept);
  res.writeHead(status);
  if (learns && isAsNodeDoes()) form.text = HeadText.learn(open, lines);
  endJoined(res, body);
}

/**
 * Ends a response whose head is written, though not sent, with its whole body: one write for both, where Node itself would
 * make two pieces of a text and its head, and the system call for pieces is the dearer one.
 */
export function endJoined(res: ServerResponse, body: Buffer | string | undefined): void {
  const open = opened(res);
  const head = open._header;
  if (
    typeof body !== 'string' ||
    typeof head !== 'string' ||
    !joins(open, body) ||
    !isUntouched(res) ||
    !isAsNodeDoes()
  )
    return endWith(res, body);
  open._header = head + body;
  res.end();
  open._header = head;
}

// Nothing is to be added to the body on its way, and nobody counts what is written of it.
function joins(open: OpenResponse, body: string): boolean {
  return (
    open._hasBody &&
    !open._headerSent &&
    !open.chunkedEncoding &&
    !open.strictContentLength &&
    open._contentLength === body.length
  );
}

function bodyBelongs(status: number): boolean {
  return status !== 304 && status !== 204;
}
