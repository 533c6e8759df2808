import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import compression from 'compression';
import type express from 'express';
import type { ErrorRequestHandler, Express, Request, RequestHandler, Response } from 'express';
import type { Input, RouteSpec } from './route-spec.js';

export type ExpressModule = typeof express;

/** What stands in for the cache: `responseCache` of a route, or nothing. */
export type CacheLayer = (spec: RouteSpec) => RequestHandler | undefined;

/** Who sends a request, as the app's own session middleware sees it. */
export function userOf(req: Request): string | undefined {
  const bearer = /^Bearer (\w+)$/.exec(req.headers.authorization ?? '')?.[1];
  return bearer ?? /(?:^|; )sid=(\w+)/.exec(req.headers.cookie ?? '')?.[1];
}

/** The mark of a person: whatever carries it is for this person's eyes only. */
export function markOf(user: string): string {
  return `<<for:${user}>>`;
}

const MODIFIED = 'Wed, 14 Jan 2015 10:00:00 GMT';

/** An app whose answers are a function of the request and of how often its path was written. Built twice, once with a cache. */
export function buildApp(
  module: ExpressModule,
  routes: readonly RouteSpec[],
  layer: CacheLayer,
  directory: string,
): Express {
  const app = module();
  app.set('etag', 'weak');
  const versions = new Map<string, number>();
  app.use(session);
  for (const spec of routes) {
    const cache = layer(spec);
    const chain: RequestHandler[] = [];
    if (spec.compression === 'outside') chain.push(compression());
    if (cache) chain.push(cache);
    if (spec.compression === 'inside') chain.push(compression());
    chain.push((req, res, next) => {
      const path = (req.baseUrl + req.path).toLowerCase();
      if (req.method === 'GET' || req.method === 'HEAD')
        return answer(spec, versions.get(path) ?? 0, directory, req, res, next);
      if (req.headers['x-fail']) return void res.status(500).send('not written');
      versions.set(path, (versions.get(path) ?? 0) + 1);
      return void res.status(req.method === 'POST' ? 201 : 200).send('written');
    });
    app.use(`/${spec.name}`, module.Router().all('/:id', ...chain));
  }
  const onError: ErrorRequestHandler = (error: Error & { status?: number }, _req, res, next) => {
    if (res.headersSent) return next(error);
    return void res.status(error.status ?? 500).json({ error: error.message });
  };
  app.use(onError);
  return app;
}

// As cookie-parser and passport leave it on the request, whoever reads it later.
const session: RequestHandler = (req, _res, next) => {
  const user = userOf(req);
  Object.assign(req, {
    cookies: { theme: /theme=(\w+)/.exec(req.headers.cookie ?? '')?.[1] },
    user: user && { name: user },
  });
  next();
};

const FIELD_OF: Partial<Record<Input, string>> = {
  feature: 'X-Feature',
  language: 'Accept-Language',
  'forwarded-host': 'X-Forwarded-Host',
  'user-agent': 'User-Agent',
};

function read(input: Input, req: Request & { cookies?: { theme?: string }; user?: { name: string } }): unknown {
  if (input === 'query') return Object.entries(req.query).sort(([a], [b]) => (a < b ? -1 : 1));
  if (input === 'language') return req.acceptsLanguages('en', 'de', 'fr') || 'none';
  if (input === 'host') return req.get('host')?.toLowerCase();
  if (input === 'theme-cookie') return req.cookies?.theme;
  if (input === 'user') return req.user === undefined ? 'nobody' : markOf(req.user.name);
  return req.get(FIELD_OF[input] as string);
}

function answer(
  spec: RouteSpec,
  version: number,
  directory: string,
  req: Request,
  res: Response,
  next: (error?: unknown) => void,
): void {
  const seen = spec.inputs.map((input) => [input, read(input, req)]);
  const text = JSON.stringify({ route: spec.name, id: req.params.id, version, seen });
  const body = text + 'abcdefghij'.repeat(Math.ceil(Math.max(0, spec.bodyBytes - text.length) / 10));
  if (spec.saysVary) for (const input of spec.inputs) if (FIELD_OF[input]) res.vary(FIELD_OF[input] as string);
  if (spec.cacheControl !== undefined) res.set('Cache-Control', spec.cacheControl);
  if (spec.setsCookie) res.cookie('seen', `${spec.name}-${version}`);
  if (spec.lastModified) res.set('Last-Modified', MODIFIED);
  if (spec.ownEtag) res.set('ETag', `${spec.ownEtag === 'weak' ? 'W/' : ''}"${hash(body)}"`);
  res.set('X-A', `${spec.name}-${version}`);
  MANNER[spec.manner](body, { spec, directory, res, next });
}

interface Tools {
  readonly spec: RouteSpec;
  readonly directory: string;
  readonly res: Response;
  next(error?: unknown): void;
}

const MANNER: Readonly<Record<RouteSpec['manner'], (body: string, tools: Tools) => void>> = {
  send: (body, { res }) => void res.type('text').send(body),
  json: (body, { res }) => void res.json({ body }),
  buffer: (body, { res }) => void res.type('bin').send(Buffer.from(body, 'latin1')),
  end: (body, { res }) => void res.setHeader('Content-Type', 'text/plain').end(body),
  write: (body, { res }) => {
    res.type('text').write(body.slice(0, 10));
    res.end(body.slice(10));
  },
  writeHead: (body, { res }) =>
    void res.writeHead(200, 'Fine', { 'Content-Type': 'text/html', 'X-Late': ['1', '2'] }).end(Buffer.from(body)),
  stream: (body, { res }) => {
    res.type('text').write(body.slice(0, 10));
    setImmediate(() => {
      res.write(body.slice(10, 100));
      setImmediate(() => res.end(body.slice(100)));
    });
  },
  pipe: (body, { res }) =>
    void Readable.from([body.slice(0, 50), body.slice(50)].map((part) => Buffer.from(part))).pipe(res.type('text')),
  sendFile: (_body, { res, directory, spec }) =>
    void res.sendFile(join(directory, `${spec.bodyBytes}.txt`), { lastModified: spec.lastModified }),
  redirect: (_body, { res }) => void res.redirect(301, '/elsewhere'),
  empty: (_body, { res }) => void res.status(204).end(),
  'not-found': (body, { res }) => void res.status(404).send(body),
  error: (body, { res }) => void res.status(503).send(body),
  throw: () => {
    throw new Error('thrown');
  },
  'next-error': (_body, { next }) => next(new Error('passed on')),
  late: (body, { res }) => void setTimeout(() => res.type('text').send(body), 2),
};

function hash(text: string): string {
  let value = 0;
  for (let i = 0; i < text.length; i++) value = (Math.imul(value, 31) + text.charCodeAt(i)) | 0;
  return (value >>> 0).toString(36);
}

/** Files of every body size, for `sendFile`; `remove` deletes them. */
export function fixtureDirectory(sizes: readonly number[]): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'warmpath-differential-'));
  for (const size of sizes) writeFileSync(join(path, `${size}.txt`), 'file:'.padEnd(size, '0123456789'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
