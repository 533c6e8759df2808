import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';
import { createApp } from '../../../example-app/app.js';
import { readConfig } from '../../../example-app/config.js';
import { CatalogueDatabase } from '../../../example-app/data/database.js';
import { importFilms } from '../../../example-app/data/import.js';
import { type Cache, createCache, type createRedis } from '../../../example-app/warmpath.js';
import { databaseFile } from './example-process.js';

type RedisClient = ReturnType<typeof createRedis>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** `X-Cache` */
  readonly cache: string | null;
  /** how often the database was read for this answer */
  readonly reads: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  readonly json: any;
}

export interface Sending {
  readonly token?: string;
  readonly json?: unknown;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

export interface FilmApp {
  readonly app: ReturnType<typeof createApp>;
  readonly base: string;
  readonly db: CatalogueDatabase;
  readonly cache: Cache | undefined;
  get(path: string, sending?: Sending): Promise<Answer>;
  send(method: string, path: string, sending?: Sending): Promise<Answer>;
  close(): Promise<void>;
}

export const STAFF = 'demo-staff';
export const ALICE = 'demo-alice';
export const BOB = 'demo-bob';

export interface FilmAppParts {
  /** `false`: the app as it was before it had a cache */
  readonly cached?: boolean;
  readonly redis?: RedisClient;
  readonly env?: Record<string, string>;
  /** apps of one test share a database as the processes of one deployment do */
  readonly db?: CatalogueDatabase;
}

// Redis comes and goes in these tests on purpose.
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/** The example backend in this process, on a free port, with a database of its own in memory. */
export async function startFilmApp({ cached = true, redis, env = {}, db }: FilmAppParts = {}): Promise<FilmApp> {
  const config = readConfig({ UPSTREAM_DELAY: '0', ...env });
  const catalogue = db ?? importedCatalogue();
  const cache = cached ? createCache({ redis, logger: SILENT }) : undefined;
  const app = createApp({ db: catalogue, config, cache, redis });
  const server = app.listen(0);
  await new Promise((resolve) => server.once('listening', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const send = (method: string, path: string, sending: Sending = {}) =>
    request(catalogue, base + path, method, sending);
  return {
    app,
    base,
    db: catalogue,
    cache,
    send,
    get: (path, sending) => send('GET', path, sending),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await cache?.close();
      if (!db) catalogue.close();
    },
  };
}

/** A catalogue of all films in memory. Imported once for a test file, then copied: a tenth of the time. */
export function importedCatalogue(): CatalogueDatabase {
  template ??= importedFile();
  const db = new CatalogueDatabase(':memory:');
  db.run('ATTACH ? AS template', [template]);
  db.run('INSERT INTO movies SELECT * FROM template.movies');
  db.run('DETACH template');
  return db;
}

let template: string | undefined;
let removeTemplate = () => {};
afterAll(() => removeTemplate());

function importedFile(): string {
  const { file, remove } = databaseFile();
  removeTemplate = remove;
  const db = new CatalogueDatabase(file);
  importFilms(db);
  db.close();
  return file;
}

async function request(db: CatalogueDatabase, url: string, method: string, sending: Sending): Promise<Answer> {
  const headers = new Headers(sending.headers);
  if (sending.token) headers.set('Authorization', `Bearer ${sending.token}`);
  if (sending.json !== undefined) headers.set('Content-Type', 'application/json');
  const body = sending.body ?? (sending.json === undefined ? null : JSON.stringify(sending.json));
  const before = db.counts.reads;
  const response = await fetch(url, { method, headers, body, redirect: 'manual' });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    cache: response.headers.get('X-Cache'),
    reads: db.counts.reads - before,
    get json() {
      return JSON.parse(text);
    },
  };
}
