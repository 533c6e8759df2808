import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { parseFrame } from './resp.js';

/** A TCP proxy with faults. They concern what the target sends; requests pass, except while black-holed. */
export interface TcpProxy {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly url: string;
  /** Open client connections. */
  readonly connections: number;
  /** Holds back everything the target sends by `ms`, so that a round trip takes that much longer. */
  setDelay(ms: number): void;
  /** Resets each connection after `bytes` more of what the target sends, now and later, until `pass()`. */
  cutAfter(bytes: number): void;
  /** Loses everything in both directions and closes nothing. Connections open meanwhile stay dead after `pass()`. */
  blackhole(): void;
  /** Loses the next `frames` whole Redis replies or pushes that contain `containing`. Call it while no reply is half-way. */
  dropNext(frames: number, containing?: string): void;
  /** Resets (RST) every open connection. */
  resetAll(): void;
  /** Forgets all faults. */
  pass(): void;
  close(): Promise<void>;
}

interface Faults {
  delayMs: number;
  cutAfter: number | undefined;
  isBlackhole: boolean;
  drops: number;
  dropContaining: string;
}

const NO_FAULTS: Faults = { delayMs: 0, cutAfter: undefined, isBlackhole: false, drops: 0, dropContaining: '' };

/** A proxy on a free port of 127.0.0.1 in front of a server there. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const faults: Faults = { ...NO_FAULTS };
  const tunnels = new Set<Tunnel>();
  const server = createServer((client) => {
    const tunnel = new Tunnel(client, targetPort, faults);
    tunnels.add(tunnel);
    client.once('close', () => tunnels.delete(tunnel));
  });
  const port = await listen(server);
  const resetAll = (): void => {
    for (const tunnel of tunnels) tunnel.reset();
  };

  return {
    host: '127.0.0.1',
    port,
    url: `redis://127.0.0.1:${port}`,
    get connections() {
      return tunnels.size;
    },
    setDelay(ms) {
      faults.delayMs = ms;
    },
    cutAfter(bytes) {
      faults.cutAfter = bytes;
      for (const tunnel of tunnels) tunnel.sentBytes = 0;
    },
    blackhole() {
      faults.isBlackhole = true;
      for (const tunnel of tunnels) tunnel.isDead = true;
    },
    dropNext(frames, containing = '') {
      faults.drops = frames;
      faults.dropContaining = containing;
    },
    resetAll,
    pass() {
      Object.assign(faults, NO_FAULTS);
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      resetAll();
      await closed;
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
}

/** One client connection and its connection to the target. */
class Tunnel {
  /** What the client got since the last `cutAfter`. */
  sentBytes = 0;
  /** Nothing passes any more, and nobody is told. */
  isDead: boolean;
  readonly #client: Socket;
  readonly #target: Socket;
  readonly #faults: Faults;
  #partial: Buffer = Buffer.alloc(0);

  constructor(client: Socket, targetPort: number, faults: Faults) {
    this.#client = client.setNoDelay(true);
    this.#target = createConnection({ host: '127.0.0.1', port: targetPort, noDelay: true });
    this.#faults = faults;
    this.isDead = faults.isBlackhole;
    client.on('data', (chunk) => this.#toTarget(chunk));
    this.#target.on('data', (chunk) => this.#fromTarget(chunk));
    for (const [socket, other] of [
      [client, this.#target],
      [this.#target, client],
    ] as const) {
      socket.on('error', () => other.destroy());
      socket.on('close', () => this.isDead || other.destroy());
    }
    client.once('close', () => this.#target.destroy());
  }

  reset(): void {
    this.#client.resetAndDestroy();
    this.#target.destroy();
  }

  #toTarget(chunk: Buffer): void {
    if (!this.isDead) this.#target.write(chunk);
  }

  #fromTarget(chunk: Buffer): void {
    if (this.isDead) return;
    const kept = this.#faults.drops > 0 || this.#partial.length > 0 ? this.#withoutDrops(chunk) : chunk;
    if (this.#faults.delayMs > 0) setTimeout(() => this.#toClient(kept), this.#faults.delayMs);
    else this.#toClient(kept);
  }

  #toClient(chunk: Buffer): void {
    if (this.isDead || this.#client.destroyed) return;
    const room = (this.#faults.cutAfter ?? Number.POSITIVE_INFINITY) - this.sentBytes;
    this.sentBytes += chunk.length;
    if (chunk.length < room) this.#client.write(chunk);
    else this.#client.write(chunk.subarray(0, room), () => this.reset());
  }

  #withoutDrops(chunk: Buffer): Buffer {
    const bytes = Buffer.concat([this.#partial, chunk]);
    const kept: Buffer[] = [];
    let start = 0;
    while (this.#faults.drops > 0) {
      const frame = parseFrame(bytes, start);
      if (!frame) break;
      const frameBytes = bytes.subarray(start, frame.end);
      start = frame.end;
      if (frameBytes.includes(this.#faults.dropContaining)) this.#faults.drops -= 1;
      else kept.push(frameBytes);
    }
    // While there is something left to drop, half a frame waits for its rest.
    this.#partial = this.#faults.drops > 0 ? bytes.subarray(start) : Buffer.alloc(0);
    if (this.#faults.drops === 0) kept.push(bytes.subarray(start));
    return Buffer.concat(kept);
  }
}
