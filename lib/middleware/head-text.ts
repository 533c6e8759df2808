import type { ServerResponse } from 'node:http';

/** What Node keeps of a response's connection and framing, under names that are the same since Node 0.12. */
export interface OpenResponse {
  statusCode: number;
  statusMessage: string | undefined;
  readonly req: { readonly method?: string };
  readonly sendDate: boolean;
  readonly shouldKeepAlive: boolean;
  readonly useChunkedEncodingByDefault: boolean;
  readonly strictContentLength: boolean | undefined;
  readonly maxRequestsOnConnectionReached: boolean | undefined;
  readonly _defaultKeepAlive: boolean;
  readonly _keepAliveTimeout: number;
  readonly _maxRequestsPerSocket: number | undefined;
  readonly _removedConnection: boolean;
  readonly _removedContLen: boolean;
  readonly _expect_continue: boolean | undefined;
  _headerSent: boolean;
  readonly chunkedEncoding: boolean;
  _contentLength: number | null;
  _hasBody: boolean;
  _header: string | null;
  _send(data: Buffer, encoding: 'buffer'): boolean;
}

/** The fields Node keeps besides those that `ServerResponse` declares. */
export function opened(res: ServerResponse): OpenResponse {
  return res as unknown as OpenResponse;
}

/**
 * Whether nothing was said about a response or its connection that would make Node write another head than the usual one:
 * HTTP/1.1, kept alive, with a `Date`, and a length that is not checked.
 */
export function isUsual(res: OpenResponse): boolean {
  return (
    res._header === null &&
    res._hasBody &&
    res.shouldKeepAlive &&
    res.sendDate &&
    res.useChunkedEncodingByDefault &&
    res._defaultKeepAlive &&
    res.statusMessage === undefined &&
    !res.strictContentLength &&
    !res.maxRequestsOnConnectionReached &&
    !res._removedConnection &&
    !res._removedContLen &&
    !res._expect_continue
  );
}

/** A line of a head that is another from answer to answer: the name as it is sent, and the value. */
export type HeadLine = readonly [name: string, value: string];

/**
 * A head as the text that Node made of it, cut where it changes from answer to answer. Everything between the cuts is
 * Node's own, so what is put together later is what Node would write again.
 */
export class HeadText {
  readonly reason: string;
  readonly contentLength: number | null;
  readonly hasBody: boolean;
  readonly #keepAliveTimeout: number;
  readonly #maxRequests: number | undefined;
  readonly #pieces: readonly string[];
  readonly #lines: number;
  readonly #hasDate: boolean;
  #first = '';
  #second = '';
  #third = '';
  #date = '';
  #text = '';

  private constructor(res: OpenResponse, pieces: readonly string[], lines: number, hasDate: boolean) {
    this.reason = res.statusMessage ?? '';
    this.contentLength = res._contentLength;
    this.hasBody = res._hasBody;
    this.#keepAliveTimeout = res._keepAliveTimeout;
    this.#maxRequests = res._maxRequestsPerSocket;
    this.#pieces = pieces;
    this.#lines = lines;
    this.#hasDate = hasDate;
  }

  /**
   * Learns from a usual response whose head Node has just written with these lines, two or three, in their order. `undefined`:
   * it is not as expected.
   */
  static learn(res: OpenResponse, lines: readonly HeadLine[]): HeadText | undefined {
    const head = res._header;
    if (typeof head !== 'string' || !head.endsWith('\r\n\r\n')) return undefined;
    // A stored answer has a date of its own, as a rule; where it has none, Node writes that of the moment.
    const date = DATE_BY_NODE.exec(head)?.slice(0, 1) ?? [];
    const pieces = cut(head, [...lines.map(([name, value]) => `\r\n${name}: ${value}\r\n`), ...date]);
    if (pieces === undefined) return undefined;
    return new HeadText(res, pieces, lines.length, date.length > 0);
  }

  /** Whether the connection of a usual response is one of those it was learned from. */
  suits(res: OpenResponse): boolean {
    return res._keepAliveTimeout === this.#keepAliveTimeout && res._maxRequestsPerSocket === this.#maxRequests;
  }

  /** The head with these values in its lines, as of now. The text stays the same object as long as nothing changes. */
  at(first: string, second: string, third: string): string {
    const date = this.#hasDate ? dateField() : '';
    if (first !== this.#first || second !== this.#second || third !== this.#third || date !== this.#date) {
      this.#first = first;
      this.#second = second;
      this.#third = third;
      this.#date = date;
      this.#text = this.#compose();
    }
    return this.#text;
  }

  #compose(): string {
    const values = [this.#first, this.#second, this.#third].slice(0, this.#lines);
    if (this.#hasDate) values.push(this.#date);
    let text = this.#pieces[0] as string;
    for (let at = 0; at < values.length; at++) text += `${values[at]}${this.#pieces[at + 1]}`;
    // Through bytes: a text put together by `+` is put together anew by everyone who writes it.
    return Buffer.from(text, 'latin1').toString('latin1');
  }
}

const DATE_BY_NODE = /\r\nDate: [A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT\r\n/;

/** What stands before, between and after the values of these lines, which must come in this order and once each. */
function cut(head: string, lines: readonly string[]): string[] | undefined {
  const pieces: string[] = [];
  let from = 0;
  for (const line of lines) {
    // The end of one line is the beginning of the next.
    const at = head.indexOf(line, Math.max(0, from - 2));
    if (at === -1 || head.indexOf(line, at + 2) !== -1) return undefined;
    const valueAt = at + line.indexOf(': ') + 2;
    pieces.push(head.slice(from, valueAt));
    from = at + line.length - 2;
  }
  pieces.push(head.slice(from));
  return pieces;
}

let dateSecond = -1;
let dateText = '';

/** RFC 9110 §5.6.7, for the second that the system's clock shows. */
function dateField(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(second * 1000).toUTCString();
  }
  return dateText;
}
