import { Duplex } from 'node:stream';

/** A connection without a network: one request after the other goes in, every whole response comes out in one write. */
export class MemoryConnection extends Duplex {
  readonly #request: (turn: number) => Buffer;
  #left: number;
  #turn = 0;
  readonly #done: () => void;
  bytes = 0;

  constructor(request: (turn: number) => Buffer, count: number, done: () => void) {
    super({ decodeStrings: false });
    this.#request = request;
    this.#left = count;
    this.#done = done;
  }

  // What http's server expects of a socket.
  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  readonly remoteAddress = '127.0.0.1';
  readonly remotePort = 4000;

  override _read(): void {}

  start(): void {
    this.push(this.#request(0));
  }

  override _write(chunk: Buffer | string, _encoding: string, callback: () => void): void {
    this.bytes += chunk.length;
    callback();
    this.#answered();
  }

  override _writev(chunks: { chunk: Buffer | string }[], callback: () => void): void {
    for (const { chunk } of chunks) this.bytes += chunk.length;
    callback();
    this.#answered();
  }

  #answered(): void {
    this.#left--;
    if (this.#left === 0) {
      setImmediate(this.#done);
      return;
    }
    this.#turn += 1;
    setImmediate(() => this.push(this.#request(this.#turn)));
  }
}
