// Asked over IPC for one thing after the other, see TrafficOrder.
import { LoadConnection, type LoadListener } from '../bench/harness/load-connection.js';
import { requestBytes } from '../bench/harness/messages.js';
import { percentile } from '../faults/support/load.js';
import type { TrafficFigures, TrafficOrder } from './traffic.js';

/** One connection, with one request at a time. */
class Line implements LoadListener {
  readonly connection: LoadConnection;
  isBusy = false;
  isBroken = false;
  #request: Buffer | undefined;
  #onEnd: (line: Line) => void = () => {};

  constructor(port: number) {
    this.connection = new LoadConnection(port);
  }

  ask(request: Buffer, onEnd: (line: Line) => void): void {
    if (this.isBroken) throw new Error('a request on a connection that broke'); // it would never end
    this.#request = request;
    this.#onEnd = onEnd;
    this.isBusy = true;
    this.connection.work(this);
  }

  next(): Buffer | undefined {
    const request = this.#request;
    this.#request = undefined;
    return request;
  }

  answered(status: number, _bytes: number, elapsedMs: number): void {
    times.push(elapsedMs);
    if (status !== 200) failed += 1;
  }

  silent(): void {
    this.isBusy = false;
    this.#onEnd(this);
  }

  failed(): void {
    this.isBroken = true;
    failed += 1;
    this.silent();
  }
}

// More at a time would overflow what a listening socket keeps for its server to accept.
const OPENED_AT_ONCE = 500;
const HOT_EVERY = 500;
const HOST = 'films.test';

let lines: Line[] = [];
let times: number[] = [];
let failed = 0;
let urls = 0;

async function connect(port: number, count: number): Promise<void> {
  while (lines.length < count) {
    const opening = Array.from({ length: Math.min(OPENED_AT_ONCE, count - lines.length) }, () => new Line(port));
    await Promise.all(opening.map(({ connection }) => connection.opened()));
    lines.push(...opening);
  }
}

async function volley(path: string, rounds: number): Promise<void> {
  const request = requestBytes({ path }, HOST);
  for (let round = 0; round < rounds; round++) {
    await Promise.all(lines.map((line) => new Promise((resolve) => line.ask(request, resolve))));
    lines = lines.filter(({ isBroken }) => !isBroken);
  }
}

function paced(path: string, perSecond: number, seconds: number): Promise<void> {
  const request = requestBytes({ path }, HOST);
  const startedAt = performance.now();
  const total = perSecond * seconds;
  let [sent, ended, turn] = [0, 0, 0];
  return new Promise((resolve) => {
    const onEnd = (): void => {
      ended += 1;
      if (ended === total) resolve();
    };
    const tick = (): void => {
      const due = Math.min(total, ((performance.now() - startedAt) / 1000) * perSecond);
      // One whose last request is under way is passed over; when all are, the rate waits.
      for (let passed = 0; sent < due && passed < lines.length; turn++) {
        const line = lines[turn % lines.length] as Line;
        if (line.isBusy || line.isBroken) passed += 1;
        else {
          line.ask(request, onEnd);
          sent += 1;
        }
      }
      if (lines.every(({ isBroken }) => isBroken)) throw new Error('every connection is broken');
      if (sent < total) setTimeout(tick, 1);
    };
    tick();
  });
}

async function flood(path: string, count: number, hotPath: string): Promise<void> {
  const hot = requestBytes({ path: hotPath }, HOST);
  const last = urls + count;
  let turn = 0;
  await Promise.all(
    lines.map(
      (line) =>
        new Promise<void>((resolve) => {
          const onEnd = (): void => {
            if (urls >= last || line.isBroken) return resolve();
            turn += 1;
            const isHotsTurn = turn % HOT_EVERY === 0;
            if (!isHotsTurn) urls += 1;
            line.ask(isHotsTurn ? hot : requestBytes({ path: `${path}?r=${urls}-${Math.random()}` }, HOST), onEnd);
          };
          onEnd();
        }),
    ),
  );
}

function play(order: TrafficOrder): Promise<void> {
  if (order.kind === 'connect') return connect(order.port, order.connections);
  if (order.kind === 'volley') return volley(order.path, order.rounds);
  if (order.kind === 'paced') return paced(order.path, order.perSecond, order.seconds);
  return flood(order.path, order.urls, order.hotPath);
}

process.on('message', async (order: TrafficOrder) => {
  times = [];
  failed = 0;
  await play(order);
  const figures: TrafficFigures = {
    requests: times.length,
    failed,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
  };
  process.send?.(figures);
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
