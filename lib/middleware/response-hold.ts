import type { ServerResponse } from 'node:http';
import { setFields } from './set-fields.js';

type Call = { readonly method: 'writeHead' | 'write' | 'end' | 'flushHeaders'; readonly args: unknown[] };

/**
 * Holds an answer back until a promise settles: nothing reaches the client before. `decide` is asked once, when the
 * handler begins to answer, with the status it decided on; `undefined` lets the answer through at once.
 */
export function holdResponse(res: ServerResponse, decide: (status: number) => Promise<unknown> | undefined): void {
  new ResponseHold(res, decide).install();
}

class ResponseHold {
  readonly #res: ServerResponse;
  readonly #decide: (status: number) => Promise<unknown> | undefined;
  readonly #own: Pick<ServerResponse, Call['method']>;
  readonly #held: Call[] = [];
  #state: 'undecided' | 'holding' | 'through' = 'undecided';
  #refusedWrite = false;

  constructor(res: ServerResponse, decide: (status: number) => Promise<unknown> | undefined) {
    this.#res = res;
    this.#decide = decide;
    const { writeHead, write, end, flushHeaders } = res;
    this.#own = { writeHead, write, end, flushHeaders };
  }

  install(): void {
    const res = this.#res;
    res.writeHead = ((...args: unknown[]) => this.#call('writeHead', args, res)) as ServerResponse['writeHead'];
    res.write = ((...args: unknown[]) => this.#call('write', args, false)) as ServerResponse['write'];
    res.end = ((...args: unknown[]) => this.#call('end', args, res)) as ServerResponse['end'];
    res.flushHeaders = () => void this.#call('flushHeaders', [], undefined);
  }

  #call(method: Call['method'], args: unknown[], whileHeld: unknown): unknown {
    if (this.#state === 'undecided') this.#begin(method, args);
    if (this.#state === 'through') return this.#pass({ method, args });
    this.#held.push({ method, args: method === 'writeHead' ? this.#settleHead(args) : args });
    if (method === 'write') this.#refusedWrite = true;
    return whileHeld;
  }

  #begin(method: Call['method'], args: unknown[]): void {
    const status = method === 'writeHead' ? Number(args[0]) : this.#res.statusCode;
    const pending = this.#decide(status);
    this.#state = pending === undefined ? 'through' : 'holding';
    if (pending === undefined) return;
    // To the handler the answer has begun: a second attempt to answer must fail as it would without the hold.
    Object.defineProperty(this.#res, 'headersSent', { configurable: true, get: () => true });
    pending.then(
      () => this.#release(),
      () => this.#release(),
    );
  }

  // Fields are taken over now: the handler may change its object before the answer goes out.
  #settleHead(args: unknown[]): unknown[] {
    const [status, reason] = args;
    this.#res.statusCode = Number(status);
    setFields(this.#res, typeof reason === 'string' ? args[2] : reason);
    return typeof reason === 'string' ? [status, reason] : [status];
  }

  #release(): void {
    const res = this.#res;
    delete (res as { headersSent?: boolean }).headersSent;
    this.#state = 'through';
    let writable = true;
    for (const call of this.#held.splice(0)) {
      if (res.destroyed) return;
      if (this.#pass(call) === false) writable = false;
    }
    // A write was answered "not now", so somebody waits for this.
    if (this.#refusedWrite && writable && !res.writableEnded) res.emit('drain');
  }

  #pass({ method, args }: Call): unknown {
    return (this.#own[method] as (...args: unknown[]) => unknown).apply(this.#res, args);
  }
}
