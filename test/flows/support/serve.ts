import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An app listening on a free port, and how to reach it. */
export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts an app (Express 4 or 5) on a free port. */
export async function serve(app: unknown): Promise<Served> {
  const server: Server = createServer(app as never);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** An answer as it came over the wire: nothing decoded. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  /** What `X-Cache` says. */
  readonly cache: string | undefined;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** Sent as `Host`, so that several instances count as one site. */
  readonly host?: string;
}

/** One request on a connection of its own, nothing added but `Host`. */
export function ask(url: string, { method = 'GET', headers = {}, host = 'films.test' }: Ask = {}): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const req = request(url, { method, headers: { host, ...headers }, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('error', reject);
      res.on('end', () =>
        resolve({
          status: res.statusCode ?? 0,
          headers: res.headers,
          body: Buffer.concat(chunks),
          cache: res.headers['x-cache'] as string | undefined,
        }),
      );
    });
    req.on('error', reject);
    req.end();
  });
}

/** A request whose client leaves when told to, before an answer came. */
export function leavable(url: string, host = 'films.test'): { leave(): Promise<void> } {
  const req = request(url, { headers: { host }, agent: false });
  const gone = new Promise<void>((resolve) => req.on('close', resolve));
  req.on('error', () => {}); // it left
  req.end();
  return {
    leave() {
      req.destroy();
      return gone;
    },
  };
}
