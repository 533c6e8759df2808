import { once } from 'node:events';
import { Agent, createServer, type IncomingHttpHeaders, type Server, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';

/** An answer as it came over the wire. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An app that listens, and a keep-alive client for it. */
export interface Served {
  ask(method: string, path: string, headers: Readonly<Record<string, string>>): Promise<Answer>;
  close(): void;
}

export function serveApp(app: Express, label: string): Promise<Served> {
  return serveWith(createServer(app), label);
}

export async function serveWith(server: Server, label: string): Promise<Served> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  return {
    ask: (method, path, headers) =>
      new Promise((resolve, reject) => {
        const request = send({ port, agent, method, path, headers }, (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
          );
        });
        request
          .on('error', reject)
          .setTimeout(10_000, () =>
            request.destroy(new Error(`no answer to ${method} ${path} ${JSON.stringify(headers)} in ${label}`)),
          );
        request.end();
      }),
    close: () => {
      agent.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
}
