import { Buffer } from 'node:buffer';

/** One request as the load generator sends it. `{n}` in the path becomes a number never used before. */
export interface PlannedRequest {
  readonly path: string;
  /** What `Host` says. @default where the server is */
  readonly host?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One measurement the load generator is asked for. */
export interface LoadOrder {
  readonly port: number;
  readonly connections: number;
  readonly durationMs: number;
  /** Requests per second to offer. @default as many as are answered */
  readonly ratePerSecond?: number;
  readonly requests: readonly PlannedRequest[];
}

/** What the load generator saw. */
export interface LoadResult {
  readonly completed: number;
  readonly elapsedMs: number;
  readonly bytes: number;
  readonly failed: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU seconds of the generator itself per second: near 1 means the generator was the limit. */
  readonly generatorLoad: number;
}

/** What a server process is asked over IPC, and what it answers. */
export type ServerQuestion =
  | { readonly ask: 'usage' }
  | { readonly ask: 'stop' }
  | { readonly ask: string; readonly argument?: unknown };
export interface ServerUsage {
  /** User and system CPU time of the process, all threads, in microseconds. */
  readonly cpuMicros: number;
  readonly rssBytes: number;
}

export function requestBytes(request: PlannedRequest, host: string): Buffer {
  const lines = [`${request.method ?? 'GET'} ${request.path} HTTP/1.1`, `Host: ${request.host ?? host}`];
  for (const [name, value] of Object.entries(request.headers ?? {})) lines.push(`${name}: ${value}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
