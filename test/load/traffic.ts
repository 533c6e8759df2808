import { PinnedProcess } from '../bench/harness/pinned-process.js';
import { runnableScript } from '../support/compiled-scripts.js';

/** What the generator is asked for, one thing after the other. Its connections stay open in between. */
export type TrafficOrder =
  /** Opens so many connections. */
  | { readonly kind: 'connect'; readonly port: number; readonly connections: number }
  /** A request on each connection at once, so many times; the next round begins when the last one is answered. */
  | { readonly kind: 'volley'; readonly path: string; readonly rounds: number }
  /** Requests at a rate, on one connection after the other. */
  | { readonly kind: 'paced'; readonly path: string; readonly perSecond: number; readonly seconds: number }
  /** So many URLs nobody asked for before, one under way on each connection, and `hotPath` every now and then. */
  | { readonly kind: 'flood'; readonly path: string; readonly urls: number; readonly hotPath: string };

/** What came back. */
export interface TrafficFigures {
  readonly requests: number;
  /** No whole answer, or one with another status than 200. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Sends requests from a process of its own: what it costs to ask is not to be taken for what it costs to answer. */
export interface Generator {
  send(order: TrafficOrder): Promise<TrafficFigures>;
  stop(): Promise<void>;
}

const GENERATOR_CORE = 1;
// Beside its connections a process has its own files, its channel to its parent, and connections to Redis.
const OTHER_FILES = 100;

/** Starts a generator with connections to a port of 127.0.0.1, on a core of its own where that can be had. */
export async function startGenerator(port: number, connections: number): Promise<Generator> {
  const { path, execArgv } = runnableScript(new URL('./generator.ts', import.meta.url));
  const child = new PinnedProcess(path, { core: GENERATOR_CORE, nodeArguments: execArgv });
  const generator: Generator = {
    send: (order) => child.ask<TrafficFigures>(order),
    stop: () => child.stop(),
  };
  await child.receive<'ready'>();
  await generator.send({ kind: 'connect', port, connections });
  return generator;
}

/** Throws where so many connections cannot be had: later on, it would look like a failure of the server. */
export function checkOpenFiles(connections: number, limit = openFilesLimit()): void {
  const needed = connections + OTHER_FILES;
  if (limit >= needed) return;
  throw new Error(
    `${connections} connections need ${needed} file descriptors in the server and in the client, and ${limit} are allowed: run 'ulimit -n ${needed}' first`,
  );
}

function openFilesLimit(): number {
  const report = process.report?.getReport() as unknown as { userLimits?: { open_files?: { soft: number | string } } };
  const soft = Number(report?.userLimits?.open_files?.soft);
  return Number.isNaN(soft) ? Number.POSITIVE_INFINITY : soft; // 'unlimited', or a system without limits
}
