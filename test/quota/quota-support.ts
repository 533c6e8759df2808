import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import { Agent, createServer, request } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { Request, Response } from 'express';
import express from 'express';
import { afterAll } from 'vitest';
import type { Logger } from '../../lib/common/logger.js';
import type { RateLimiterOptions } from '../../lib/middleware/rate-limiter.js';
import { rateLimiter } from '../../lib/middleware/rate-limiter.js';
import type { QuotaDecision } from '../../lib/quota/quota-decision.js';
import { createRedis } from '../../lib/redis/client.js';
import type { CreateRedisOptions } from '../../lib/redis/connection-options.js';
import { eventually } from '../../lib/testing/eventually.js';

/** Express 5 and Express 4: every behaviour that touches requests is shown on both. */
export const EXPRESSES: readonly (readonly [string, typeof express])[] = [
  ['Express 5', express],
  ['Express 4', createRequire(import.meta.url)('express4') as typeof express],
];

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Site {
  readonly port: number;
  get(path?: string, headers?: Record<string, string | string[]>, method?: string): Promise<Answer>;
  /** `count` requests at once; how many got which status. */
  flood(count: number, path?: string, headers?: Record<string, string>): Promise<Map<number, number>>;
  close(): Promise<void>;
}

const sites: Site[] = [];
afterAll(async () => {
  await Promise.all(sites.map((site) => site.close()));
});

/** Serves an app on a free port until the test file ends. */
export async function serve(app: RequestListener, host = '127.0.0.1'): Promise<Site> {
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const get: Site['get'] = (path = '/', headers = {}, method = 'GET') =>
    new Promise((resolve, reject) => {
      const sent = request({ host, port, path, headers, method, agent, localAddress: host }, (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => chunks.push(chunk));
        res.on('end', () =>
          resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks).toString() }),
        );
        res.on('error', reject);
      });
      sent.on('error', reject);
      sent.end();
    });
  const site: Site = {
    port,
    get,
    async flood(count, path, headers) {
      const answers = await Promise.all(Array.from({ length: count }, () => get(path, headers)));
      return tally(answers.map(({ status }) => status));
    },
    close: () =>
      new Promise((resolve) => {
        agent.destroy();
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  sites.push(site);
  return site;
}

export function tally<T>(values: readonly T[]): Map<T, number> {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** A logger that remembers, for counting lines and looking for secrets. */
export function recordingLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const log = (...args: unknown[]): void => void lines.push(args.map(String).join(' '));
  return { lines, debug: log, info: log, warn: log, error: log };
}

/** A limiter on a client of its own, as one instance of an app has it; closed when the test file ends. */
export async function instanceOn(
  redis: string | CreateRedisOptions,
  options: RateLimiterOptions,
  { ready = true }: { ready?: boolean } = {},
) {
  const client = createRedis(redis);
  const logger = recordingLogger();
  // Patient by default: how soon Redis must answer is tested with faults, not by how busy the machine is.
  const limiter = rateLimiter({ redis: client, logger, timeout: '5s', ...options });
  closers.push(() => {
    limiter.close();
    client.disconnect();
  });
  if (ready) await eventually(() => limiter.stats().store === 'redis', { timeoutMs: 10_000 });
  const ask = async (address = '192.0.2.1', more: object = {}) => {
    const req = { headers: {}, ip: address, socket: { remoteAddress: address }, ...more } as unknown as Request;
    return (await limiter.decide(req, {} as Response)) as QuotaDecision;
  };
  return { client, limiter, logger, ask };
}

const closers: (() => void)[] = [];
afterAll(() => {
  for (const close of closers) close();
});
