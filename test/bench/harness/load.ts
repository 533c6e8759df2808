// The load generator: a process of its own, pinned to its own core, asked over IPC for one measurement after the other.
import { LoadConnection, type LoadListener } from './load-connection.js';
import { type LoadOrder, type LoadResult, type PlannedRequest, requestBytes } from './messages.js';

let lastNumber = 0;

function numbered(request: PlannedRequest): PlannedRequest {
  return { ...request, path: request.path.replace('{n}', String(++lastNumber)) };
}

class Measurement implements LoadListener {
  readonly #requests: readonly (Buffer | (() => Buffer))[];
  readonly #latencies: number[] = [];
  readonly #statuses: Record<string, number> = {};
  #turn = 0;
  #completed = 0;
  #bytes = 0;
  #failed = 0;
  #running = true;
  #busy = 0;
  // How many requests may be sent now; without a rate, any number.
  #allowed = Number.POSITIVE_INFINITY;
  readonly #waiting: LoadConnection[] = [];
  readonly #ratePerSecond: number | undefined;
  #whenSilent: () => void = () => undefined;

  constructor(order: LoadOrder) {
    const host = `127.0.0.1:${order.port}`;
    this.#ratePerSecond = order.ratePerSecond;
    this.#requests = order.requests.map((request) =>
      request.path.includes('{n}') ? () => requestBytes(numbered(request), host) : requestBytes(request, host),
    );
  }

  next(connection: LoadConnection): Buffer | 'later' | undefined {
    if (!this.#running) return undefined;
    if (this.#allowed < 1) {
      this.#waiting.push(connection);
      return 'later';
    }
    this.#allowed--;
    this.#turn = (this.#turn + 1) % this.#requests.length;
    const request = this.#requests[this.#turn];
    return typeof request === 'function' ? request() : request;
  }

  answered(status: number, bytes: number, elapsedMs: number): void {
    this.#completed++;
    this.#bytes += bytes;
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    if ((this.#completed & 7) === 0) this.#latencies.push(elapsedMs);
  }

  silent(): void {
    this.#busy--;
    if (this.#busy === 0) this.#whenSilent();
  }

  failed(): void {
    this.#failed++;
    this.silent();
  }

  /** Works all connections for so long, then waits for what is under way: every request sent is answered and counted. */
  async run(connections: readonly LoadConnection[], durationMs: number): Promise<LoadResult> {
    const startedAt = performance.now();
    const cpu = process.cpuUsage();
    const ended = new Promise<void>((resolve) => {
      this.#whenSilent = resolve;
    });
    this.#busy = connections.length;
    const pace = this.#startPace();
    for (const connection of connections) connection.work(this);
    this.#stayAwake();
    setTimeout(() => {
      this.#running = false;
      this.#resumeWaiting();
    }, durationMs);
    await ended;
    clearInterval(pace);
    const elapsedMs = performance.now() - startedAt;
    const used = process.cpuUsage(cpu);
    return this.#result(elapsedMs, (used.user + used.system) / 1000 / elapsedMs);
  }

  // To wake a process costs the one that writes to it as much as the rest of a small answer. A client elsewhere would not be
  // woken by it, so this one does not sleep.
  #stayAwake(): void {
    if (this.#running) setImmediate(() => this.#stayAwake());
  }

  #startPace(): NodeJS.Timeout | undefined {
    const rate = this.#ratePerSecond;
    if (rate === undefined) return undefined;
    this.#allowed = 0;
    let last = performance.now();
    return setInterval(() => {
      const now = performance.now();
      // What could not be sent in time is dropped, not saved up: an open loop has no memory beyond a moment.
      this.#allowed = Math.min(this.#allowed + ((now - last) * rate) / 1000, rate / 10);
      last = now;
      this.#resumeWaiting();
    }, 4);
  }

  #resumeWaiting(): void {
    for (const connection of this.#waiting.splice(0)) connection.resume();
  }

  #result(elapsedMs: number, generatorLoad: number): LoadResult {
    const sorted = Float64Array.from(this.#latencies).sort();
    const quantile = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
    return {
      completed: this.#completed,
      elapsedMs,
      bytes: this.#bytes,
      failed: this.#failed,
      statuses: this.#statuses,
      p50Ms: quantile(0.5),
      p99Ms: quantile(0.99),
      generatorLoad,
    };
  }
}

// Connections stay open between measurements, so that short rounds do not measure handshakes.
const open = new Map<number, LoadConnection[]>();

function connectionsTo(port: number, count: number): LoadConnection[] {
  const alive = (open.get(port) ?? []).filter((connection) => !connection.closed);
  while (alive.length < count) alive.push(new LoadConnection(port));
  open.set(port, alive);
  return alive.slice(0, count);
}

process.on('message', (order: LoadOrder) => {
  const connections = connectionsTo(order.port, order.connections);
  void new Measurement(order).run(connections, order.durationMs).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit(0));
