import { Agent, request } from 'node:http';
import { filmBody } from './film-app.js';

/** What a request was for: a hot film, one nobody asked for before, a private page, a write, or a film without a cache. */
export type Kind = 'hot' | 'new' | 'private' | 'write' | 'plain';

/** One request as the client saw it. `status` 0: no whole answer came. */
export interface Sample {
  readonly kind: Kind;
  readonly at: number;
  readonly ms: number;
  readonly status: number;
  readonly error?: string;
}

export interface LoadOptions {
  /** Origins of the app, asked in turn. */
  readonly urls: readonly string[];
  /** Where the same films are served without a cache. @default the first of `urls` */
  readonly plainUrl?: string;
  /** Requests to the cached app in a second. @default 200 */
  readonly perSecond?: number;
  /** One request in so many is a write; 0: none. @default 50 */
  readonly writeEvery?: number;
  /** How old an answer may be after a write was confirmed, by when the request began. @default 0 always */
  readonly boundMs?: (at: number) => number;
  /** One request in so many is sent to the app without a cache, too. @default 4 */
  readonly plainEvery?: number;
  /** More ids among the hot ones. */
  readonly extraIds?: readonly string[];
}

const HOT = 20;
const TIMEOUT_MS = 20_000;
// No run lasts longer, so no entry may claim to be older.
const MAX_AGE_SECONDS = 3000;
let runs = 0;

/** A client that sends at its rate whatever comes back, knows every write it made, and checks every byte of every answer. */
export class Load {
  readonly samples: Sample[] = [];
  /** Answers older than a confirmed write allows. */
  readonly stale: string[] = [];
  /** Of each of those: when it was asked for, and when the first write it lacks was confirmed. */
  readonly staleTimes: { readonly at: number; readonly missedAt: number }[] = [];
  /** Answers that are not, byte for byte, what the handler makes for this client. */
  readonly wrong: string[] = [];
  readonly #options: Required<LoadOptions>;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 });
  readonly #writes = new Map<string, { readonly version: number; readonly at: number }[]>();
  readonly #open = new Set<Promise<void>>();
  readonly #ids: readonly string[];
  readonly #host = `films-${++runs}.test`;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #sent = 0;

  constructor({ urls, plainUrl = urls[0] ?? '', perSecond = 200, ...rest }: LoadOptions) {
    const { writeEvery = 50, boundMs = () => 0, plainEvery = 4, extraIds = [] } = rest;
    this.#options = { urls, plainUrl, perSecond, writeEvery, boundMs, plainEvery, extraIds };
    this.#ids = [...Array.from({ length: HOT }, (_, i) => `f${i}`), ...extraIds];
    this.#timer = setInterval(() => this.#catchUp(), 5);
  }

  /** Stops sending, and waits for what is under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
    this.#agent.destroy();
  }

  /** Requests to the cached app that did not get a whole answer with a 2xx. */
  get failed(): readonly Sample[] {
    return this.samples.filter(({ kind, status }) => kind !== 'plain' && (status < 200 || status > 299));
  }

  /** Latencies of requests begun between two instants. */
  latencies(kinds: readonly Kind[], from = 0, to = Number.POSITIVE_INFINITY): number[] {
    return this.samples.filter(({ kind, at }) => kinds.includes(kind) && at >= from && at < to).map(({ ms }) => ms);
  }

  #catchUp(): void {
    const due = ((performance.now() - this.#startedAt) / 1000) * this.#options.perSecond;
    // A client with two seconds of requests open waits: beyond that it would measure its own queue.
    while (this.#sent < due && this.#open.size < 2 * this.#options.perSecond) this.#sendNext(this.#sent++);
  }

  #sendNext(n: number): void {
    const { urls, plainUrl, writeEvery, plainEvery } = this.#options;
    const url = urls[n % urls.length] as string;
    const id = this.#ids[Math.floor(Math.random() * this.#ids.length)] as string;
    if (n % plainEvery === 0) this.#track(this.#film('plain', `${plainUrl}/plain/${id}`, id));
    if (writeEvery > 0 && n % writeEvery === writeEvery - 1) this.#track(this.#write(url, id));
    else if (n % 10 === 3) this.#track(this.#film('new', `${url}/film/n${n}`, `n${n}`));
    else if (n % 10 === 7) this.#track(this.#private(url, `u${n % 30}`));
    else this.#track(this.#film('hot', `${url}/film/${id}`, id));
  }

  #track(work: Promise<void>): void {
    this.#open.add(work);
    void work.finally(() => this.#open.delete(work));
  }

  async #film(kind: Kind, url: string, id: string): Promise<void> {
    const { at, status, text, how } = await this.#ask(kind, 'GET', url);
    if (status !== 200 || kind === 'plain') return;
    const version = Number(/"version":(\d+)/.exec(text.slice(0, 200))?.[1]);
    if (text !== filmBody(id, version)) this.wrong.push(`${url}: ${text.slice(0, 60)} (${text.length} bytes)`);
    const least = this.#leastVersion(id, at);
    if (version >= least) return;
    this.stale.push(`${url} at ${Math.round(at)}: version ${version}, ${least} was confirmed (${how})`);
    const missed = (this.#writes.get(id) ?? []).filter((write) => write.version > version);
    this.staleTimes.push({ at, missedAt: Math.min(...missed.map((write) => write.at)) });
  }

  async #private(url: string, user: string): Promise<void> {
    const { status, text } = await this.#ask('private', 'GET', `${url}/me`, { 'x-user': user });
    if (status === 200 && text !== JSON.stringify({ user })) this.wrong.push(`${user} got ${text.slice(0, 60)}`);
  }

  async #write(url: string, id: string): Promise<void> {
    const { status, text } = await this.#ask('write', 'PUT', `${url}/film/${id}`);
    if (status !== 200) return;
    const writes = this.#writes.get(id) ?? [];
    writes.push({ version: (JSON.parse(text) as { version: number }).version, at: performance.now() });
    this.#writes.set(id, writes);
  }

  #leastVersion(id: string, at: number): number {
    const confirmedBy = at - this.#options.boundMs(at);
    let least = 0;
    for (const write of this.#writes.get(id) ?? []) if (write.at <= confirmedBy) least = Math.max(least, write.version);
    return least;
  }

  #ask(kind: Kind, method: string, url: string, headers: Record<string, string> = {}) {
    const at = performance.now();
    return new Promise<{ at: number; status: number; text: string; how: string }>((resolve) => {
      let how = '';
      const done = (status: number, text: string, error?: string): void => {
        this.samples.push({ kind, at, ms: performance.now() - at, status, ...(error === undefined ? {} : { error }) });
        resolve({ at, status, text, how });
      };
      const fields = { host: this.#host, ...headers };
      const req = request(url, { method, agent: this.#agent, headers: fields, timeout: TIMEOUT_MS }, (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => chunks.push(chunk));
        res.on('end', () => done(res.statusCode ?? 0, Buffer.concat(chunks).toString()));
        how = `${res.headers['cache-status']}, Age ${res.headers.age}`;
        const age = Number(res.headers.age ?? 0);
        if (!(age >= 0 && age < MAX_AGE_SECONDS)) this.wrong.push(`${url}: Age ${res.headers.age}`);
        res.on('error', (error) => done(0, '', error.message));
      });
      req.on('timeout', () => req.destroy(new Error('no answer in time')));
      req.on('error', (error) => done(0, '', error.message));
      req.end();
    });
  }
}

/** What a share of values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number;
}
