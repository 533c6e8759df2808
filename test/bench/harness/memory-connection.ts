import { Duplex } from 'node:stream';

/** A connection without a network: one request after the other goes in, every whole response comes out in one write. */
export class MemoryConnection extends Duplex {
  readonly #requests: readonly Buffer[];
  #left: number;
  #turn = 0;
  readonly #done: () => void;
  bytes = 0;

  constructor(requests: readonly Buffer[], count: number, done: () => void) {
    super({ decodeStrings: false });
    this.#requests = requests;
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
    this.push(this.#requests[0]);
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
    this.#turn = (this.#turn + 1) % this.#requests.length;
    setImmediate(() => this.push(this.#requests[this.#turn]));
  }
}
