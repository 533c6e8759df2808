import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { bareObject } from '../common/bare-object.js';
import { runHeadWriters } from './cache-headers-at-head.js';
import { setFields } from './set-fields.js';

/** Status and fields of a response at the moment its head is written. Names as the handler spelled them. */
export interface CapturedHead {
  readonly status: number;
  /** Lower-case name to value or values; without those that were there before the capture began and did not change. */
  readonly fields: Readonly<Record<string, string | readonly string[]>>;
  /** All fields, those of middlewares outside the capture too: they bind this cache as well. */
  readonly all: Readonly<Record<string, string | readonly string[]>>;
}

/** What to do with a response once its head is known. */
export interface HeadDecision {
  /** Collect the body. */
  readonly keep: boolean;
  /** Send this client `304 Not Modified` instead; the body is collected all the same. */
  readonly notModified?: boolean;
}

/**
 * Whom a {@link ResponseCapture} tells how the response comes along. Nothing it throws may reach the handler, so it
 * throws nothing.
 */
export interface CaptureListener {
  /**
   * The handler begins to answer with this status. `true` keeps its whole answer from the client; `onSwallowed` is then
   * called when it is over, with the response as it was before, and must answer.
   */
  onBegin(status: number): boolean;
  onSwallowed(head: CapturedHead): void;
  /** The head is handed to the middlewares outside, who may read the request for reasons of their own. */
  onBelow(isBelow: boolean): void;
  /** The head is about to be written: fields may still be set on the response. Called at most once. */
  onHead(head: CapturedHead): HeadDecision;
  /** The whole body was written. Not called when the head said not to keep it. */
  onComplete(head: CapturedHead, body: Buffer): void;
  /** There will be no complete body: the connection closed, the body outgrew the limit, or its length contradicts the head. */
  onAbandoned(reason: AbandonReason): void;
}

/** Why a response was not captured to its end. `declined`: the listener did not want it. */
export type AbandonReason = 'closed' | 'too-large' | 'length-mismatch' | 'trailers' | 'declined';

type CapturedFields = Record<string, string | readonly string[]>;
type PlainWriteHead = (this: ServerResponse, status: number, reason?: string) => ServerResponse;

const NO_BODY_FIELDS = ['content-type', 'content-length', 'content-encoding', 'transfer-encoding', 'content-range'];

/**
 * Copies a response while it is written, as whoever mounted the capture sees it: head and body belong to the same layer,
 * so middlewares outside that change either later (compression does both) are not mixed in. The client waits for nothing.
 */
export function captureResponse(res: ServerResponse, maxBytes: number, listener: CaptureListener): void {
  new ResponseCapture(res, maxBytes, listener).install();
}

class ResponseCapture {
  readonly #res: ServerResponse;
  readonly #maxBytes: number;
  readonly #listener: CaptureListener;
  // What was set before the capture began, name by name.
  readonly #outerNames: readonly string[];
  readonly #outerValues: readonly OutgoingHttpHeaders[string][];
  readonly #writeHead: ServerResponse['writeHead'];
  readonly #write: ServerResponse['write'];
  readonly #end: ServerResponse['end'];
  #head: CapturedHead | undefined;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #state: 'open' | 'over' = 'open';
  #begun = false;
  #swallows = false;

  constructor(res: ServerResponse, maxBytes: number, listener: CaptureListener) {
    this.#res = res;
    this.#maxBytes = maxBytes;
    this.#listener = listener;
    this.#outerNames = res.getHeaderNames();
    this.#outerValues = this.#outerNames.map((name) => res.getHeader(name));
    this.#writeHead = res.writeHead;
    this.#write = res.write;
    this.#end = res.end;
  }

  install(): void {
    const res = this.#res;
    replaceMethod(res, 'writeHead', (...args: unknown[]) => this.#onWriteHead(args));
    replaceMethod(res, 'write', (...args: unknown[]) => this.#onWrite(args));
    replaceMethod(res, 'end', (...args: unknown[]) => this.#onEnd(args));
    // It is emitted once, and nothing happens where there is nothing left to abandon: `once` would only cost more.
    res.on('close', () => this.#abandon('closed'));
  }

  #onWriteHead(args: unknown[]): ServerResponse {
    const res = this.#res;
    if (this.#head !== undefined || res.headersSent) return this.#writeHead.apply(res, args as never);
    const [status, reasonOrFields, maybeFields] = args as [number, unknown, unknown];
    const reason = typeof reasonOrFields === 'string' ? reasonOrFields : undefined;
    // Fields passed here are not in getHeaders() yet; set first, they are seen like all others.
    setFields(res, typeof reasonOrFields === 'string' ? maybeFields : reasonOrFields);
    if (this.#begin(status)) {
      res.statusCode = status;
      return res;
    }
    // What cacheHeaders has to say belongs to the head, though its own place is further out.
    runHeadWriters(res, status);
    this.#head = this.#snapshot(status);
    const decision = this.#listener.onHead(this.#head);
    if (!decision.keep) this.#abandon('declined');
    if (decision.notModified === true) {
      for (const name of NO_BODY_FIELDS) res.removeHeader(name);
      // For 304 Node itself drops what the handler goes on to write.
      return this.#handDown(304, undefined);
    }
    return this.#handDown(status, reason);
  }

  #handDown(status: number, reason: string | undefined): ServerResponse {
    this.#listener.onBelow(true);
    try {
      return (this.#writeHead as PlainWriteHead).call(this.#res, status, reason);
    } finally {
      this.#listener.onBelow(false);
    }
  }

  #snapshot(status: number): CapturedHead {
    const res = this.#res;
    const fields: CapturedFields = bareObject();
    const all: CapturedFields = bareObject();
    for (const name of res.getHeaderNames()) {
      const value = res.getHeader(name);
      if (value === undefined) continue;
      const text = Array.isArray(value) ? value.map(String) : String(value);
      all[name] = text;
      if (!this.#isOuter(name, value)) fields[name] = text;
    }
    return { status, fields, all };
  }

  #isOuter(name: string, value: unknown): boolean {
    const at = this.#outerNames.indexOf(name);
    return at !== -1 && sameValue(value, this.#outerValues[at]);
  }

  #begin(status: number): boolean {
    if (!this.#begun) {
      this.#begun = true;
      this.#swallows = this.#listener.onBegin(status);
    }
    return this.#swallows;
  }

  /** Ends a swallowed answer: the response is as it was when the capture began, and nobody watches it any more. */
  #answerInstead(): void {
    const res = this.#res;
    const head = this.#snapshot(res.statusCode);
    this.#state = 'over';
    this.#chunks = [];
    for (const name of res.getHeaderNames()) if (!this.#outerNames.includes(name)) res.removeHeader(name);
    this.#outerNames.forEach((name, at) => {
      const value = this.#outerValues[at];
      if (value !== undefined) res.setHeader(name, value);
    });
    res.statusCode = 200;
    res.writeHead = this.#writeHead;
    res.write = this.#write;
    res.end = this.#end;
    this.#listener.onSwallowed(head);
  }

  #onWrite(args: unknown[]): boolean {
    if (this.#begin(this.#res.statusCode)) return true;
    this.#collect(args[0], args[1]);
    return this.#write.apply(this.#res, args as never);
  }

  #onEnd(args: unknown[]): ServerResponse {
    if (this.#begin(this.#res.statusCode)) {
      if (this.#state === 'open') this.#answerInstead();
      return this.#res;
    }
    const open = this.#state === 'open';
    const result = this.#end.apply(this.#res, args as never) as ServerResponse;
    if (!open) return result;
    if (typeof args[0] !== 'function') this.#collect(args[0], args[1]);
    this.#complete();
    return result;
  }

  #collect(chunk: unknown, encoding: unknown): void {
    if (this.#state === 'over' || chunk === undefined || chunk === null || typeof chunk === 'function') return;
    const bytes = copyOf(chunk, encoding);
    if (bytes === undefined) return;
    this.#bytes += bytes.length;
    if (this.#bytes > this.#maxBytes) this.#abandon('too-large');
    else this.#chunks.push(bytes);
  }

  #complete(): void {
    const head = this.#head;
    if (this.#state === 'over') return;
    if (head === undefined) return this.#abandon('closed');
    if (this.#res.getHeader('trailer') !== undefined) return this.#abandon('trailers');
    const declared = this.#res.statusCode === 304 ? undefined : head.fields['content-length'];
    // RFC 9111 §3.3: what is shorter or longer than it says is incomplete.
    if (declared !== undefined && Number(declared) !== this.#bytes) return this.#abandon('length-mismatch');
    this.#state = 'over';
    const body = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks, this.#bytes);
    this.#chunks = [];
    this.#listener.onComplete(head, body);
  }

  #abandon(reason: AbandonReason): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#chunks = [];
    this.#listener.onAbandoned(reason);
  }
}

/**
 * Replaces a method of this one response. Defined, not set: where a property is set to a function of its own on one response
 * after the other, V8 (Node 24) keeps each of them, with its request, until the next full collection.
 */
function replaceMethod(res: ServerResponse, name: 'writeHead' | 'write' | 'end', value: unknown): void {
  Object.defineProperty(res, name, { configurable: true, enumerable: true, writable: true, value });
}

// Handlers may use a buffer again after writing it, so what is kept is a copy.
function copyOf(chunk: unknown, encoding: unknown): Buffer | undefined {
  if (typeof chunk === 'string')
    return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
  return chunk instanceof Uint8Array ? Buffer.from(chunk) : undefined;
}

function sameValue(value: unknown, before: unknown): boolean {
  if (value === before) return true;
  return (
    Array.isArray(value) &&
    Array.isArray(before) &&
    value.length === before.length &&
    value.every((item, index) => item === before[index])
  );
}
