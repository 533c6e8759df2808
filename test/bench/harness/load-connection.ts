import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** What a connection tells its owner. */
export interface LoadListener {
  /** The next request to send, or undefined to fall silent. */
  next(connection: LoadConnection): Buffer | 'later' | undefined;
  answered(status: number, bytes: number, elapsedMs: number): void;
  /** Nothing is under way on this connection any more. */
  silent(): void;
  failed(): void;
}

const LENGTH = /\r\ncontent-length: (\d+)/i;
const CHUNKED = /\r\ntransfer-encoding: chunked/i;
const HEAD_END = '\r\n\r\n';
const LAST_CHUNK = Buffer.from('0\r\n\r\n', 'latin1');
// One for all: what is read is looked at before the next read, and what has to wait is copied.
const arrived = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * One keep-alive connection: sends a request, waits for the whole response, sends the next.
 * Reads into one buffer through `onread`, below the stream machinery, so that the generator costs less than what it measures.
 */
export class LoadConnection {
  #listener: LoadListener | undefined;
  readonly #port: number;
  #socket: Socket;
  #sent: Buffer | undefined;
  #answeredHere = 0;
  #held: Buffer | undefined;
  #missing = 0;
  #chunked = false;
  #status = 0;
  #received = 0;
  #sentAt = 0;
  #headOnly = false;

  constructor(port: number) {
    this.#port = port;
    this.#socket = this.#open();
  }

  #open(): Socket {
    const socket = connect({
      port: this.#port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: arrived,
        callback: (size: number) => {
          this.#read(arrived.subarray(0, size));
          return true;
        },
      },
    } as Parameters<typeof connect>[0] & object);
    this.#answeredHere = 0;
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this.#closed());
    return socket;
  }

  // A server may close a connection after any complete answer; a client then takes another one, which is part of the price.
  #closed(): void {
    if (this.#listener === undefined) return;
    if (this.#received > 0 || this.#answeredHere === 0) {
      const listener = this.#listener;
      this.#listener = undefined;
      listener.failed();
      return;
    }
    this.#socket = this.#open();
    if (this.#sent) this.#socket.write(this.#sent);
  }

  /** Resolves when it stands. Rejects when it cannot be made; ask at once. */
  async opened(): Promise<void> {
    if (this.#socket.connecting) await once(this.#socket, 'connect');
  }

  /** Sends what the listener gives until it gives nothing. */
  work(listener: LoadListener): void {
    this.#listener = listener;
    this.#send();
  }

  /** Goes on after `next` said `later`. */
  resume(): void {
    this.#send();
  }

  get closed(): boolean {
    return this.#socket.destroyed;
  }

  #send(): void {
    const request = this.#listener?.next(this);
    if (request === 'later') return;
    if (request === undefined) {
      const listener = this.#listener;
      this.#listener = undefined;
      listener?.silent();
      return;
    }
    this.#headOnly = request[0] === 72; // HEAD
    this.#received = 0;
    this.#sentAt = performance.now();
    this.#sent = request;
    this.#socket.write(request);
  }

  #read(chunk: Buffer): void {
    this.#received += chunk.length;
    if (this.#chunked) {
      this.#readChunked(chunk);
      return;
    }
    if (this.#missing > 0) {
      this.#missing -= chunk.length;
      if (this.#missing <= 0) this.#done();
      return;
    }
    this.#readHead(this.#held ? Buffer.concat([this.#held, chunk]) : chunk);
  }

  #readHead(data: Buffer): void {
    const end = data.indexOf(HEAD_END);
    if (end < 0) {
      this.#held = Buffer.from(data);
      return;
    }
    this.#held = undefined;
    const head = data.toString('latin1', 0, end);
    this.#status = Number(head.slice(9, 12));
    const body = data.length - end - 4;
    if (this.#status === 304 || this.#status === 204 || this.#headOnly) {
      this.#done();
      return;
    }
    if (CHUNKED.test(head)) {
      this.#chunked = true;
      this.#readChunked(data.subarray(end + 4));
      return;
    }
    this.#missing = Number(LENGTH.exec(head)?.[1] ?? 0) - body;
    if (this.#missing <= 0) this.#done();
  }

  // Chunk sizes are not checked: nothing else follows on this connection before the next request is sent.
  #readChunked(data: Buffer): void {
    const tail = this.#held ? Buffer.concat([this.#held, data]) : data;
    if (tail.length >= 5 && tail.subarray(-5).equals(LAST_CHUNK)) {
      this.#chunked = false;
      this.#held = undefined;
      this.#done();
      return;
    }
    this.#held = Buffer.from(tail.subarray(-5));
  }

  #done(): void {
    this.#missing = 0;
    this.#answeredHere++;
    this.#listener?.answered(this.#status, this.#received, performance.now() - this.#sentAt);
    this.#send();
  }
}
