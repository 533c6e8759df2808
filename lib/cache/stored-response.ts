import type { Found, StoredEntry } from '../store/stored-entry.js';
import type { ContentCoding } from './http/content-coding.js';
import type { StoredField } from './http/stored-fields.js';

/**
 * What is kept of a response besides its bytes. Short names: one is written with every entry. An instance has been looked at
 * by this process, and nobody else could change it since; what is read from elsewhere only has its form.
 */
export class SoundMeta {
  constructor(
    /** Status. */
    readonly s: number,
    /** Fields to replay, lower-case names. */
    readonly f: readonly StoredField[],
    /** Freshness lifetime and age on receipt, milliseconds (RFC 9111 §4.2). */
    readonly l: number,
    readonly a: number,
    /** Windows of RFC 5861, milliseconds. */
    readonly w: number,
    readonly e: number,
    /** 1 where stale use is forbidden (RFC 9111 §4.2.4). */
    readonly m: 0 | 1,
    /** Coding of the stored bytes; `opaque` when they are not ours to decode. */
    readonly c: ContentCoding | 'opaque',
    /** Length of the bytes without coding. */
    readonly n: number,
    /** 1 where the entity tag is this cache's own: the handler knows nothing of it. */
    readonly g: 0 | 1,
    /** 1 where requests with `Authorization` may be answered as well (RFC 9111 §3.5). */
    readonly p: 0 | 1,
  ) {}
}

/** A description of a response, wherever it comes from. */
export type ResponseMeta = SoundMeta;

/** How a stored response may be used now. */
export type Standing =
  /** As it is. */
  | 'fresh'
  /** Stale, but may be served while it is refreshed (RFC 5861 §3). */
  | 'stale-while-revalidate'
  /** Stale; may stand in if the handler fails (RFC 5861 §4). */
  | 'stale-if-error'
  /** Stale; good for revalidation only. */
  | 'stale';

/** A stored response, ready to be served: made once per entry, shared by all who get it, changed by none. */
export class StoredResponse {
  readonly status: number;
  readonly fields: readonly StoredField[];
  readonly coding: ContentCoding | 'opaque';
  readonly identityLength: number;
  /** Instant at which its age was zero. */
  readonly bornAt: number;
  readonly freshUntil: number;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  readonly mustRevalidate: boolean;
  readonly etag: string | undefined;
  /** The entity tag if it is the handler's own, so that the handler can be asked about it. */
  readonly handlerTag: string | undefined;
  readonly sharesAuthorized: boolean;
  readonly lastModified: string | undefined;
  readonly date: string | undefined;
  readonly storedAt: number;
  /** Forms in which it is sent, by coding; made by whoever sends them. */
  readonly forms = new Map<string, unknown>();
  /** How it was last sent from process memory, for whoever sends it there again. */
  quick: unknown;
  readonly #entry: StoredEntry;

  constructor(entry: StoredEntry, meta: ResponseMeta) {
    this.status = meta.s;
    this.fields = meta.f;
    this.#entry = entry;
    this.coding = meta.c;
    this.identityLength = meta.n;
    this.storedAt = entry.storedAt;
    this.bornAt = entry.storedAt - meta.a;
    this.freshUntil = this.bornAt + meta.l;
    this.staleWhileRevalidateMs = meta.w;
    this.staleIfErrorMs = meta.e;
    this.mustRevalidate = meta.m === 1;
    this.etag = fieldOf(meta.f, 'etag');
    this.handlerTag = meta.g === 1 ? undefined : this.etag;
    this.sharesAuthorized = meta.p === 1;
    this.lastModified = fieldOf(meta.f, 'last-modified');
    this.date = fieldOf(meta.f, 'date');
  }

  get body(): Buffer {
    return this.#entry.body;
  }

  /** The body as text of one byte a character, where it is kept that way. */
  get text(): string | undefined {
    return this.#entry.text;
  }

  /** Length of the stored bytes. */
  get length(): number {
    return this.#entry.text?.length ?? this.#entry.body.length;
  }

  /** Age in whole seconds (RFC 9111 §4.2.3). */
  ageSeconds(now: number): number {
    return Math.max(0, Math.floor((now - this.bornAt) / 1000));
  }

  /** Seconds of freshness left; negative when stale. */
  ttlSeconds(now: number): number {
    return Math.floor((this.freshUntil - now) / 1000);
  }

  /** What it is good for at `now`; `softAt` is when it was softly invalidated, if it was. */
  standing(now: number, softAt: number | undefined): Standing {
    const freshUntil = softAt === undefined ? this.freshUntil : Math.min(this.freshUntil, softAt);
    if (now < freshUntil) return 'fresh';
    if (now < freshUntil + this.staleWhileRevalidateMs) return 'stale-while-revalidate';
    return now < freshUntil + this.staleIfErrorMs ? 'stale-if-error' : 'stale';
  }
}

/** The response in an entry, or `undefined` when the entry is none or does not make sense. */
export function responseOf(found: Found): StoredResponse | undefined {
  const { entry } = found;
  if (entry.view instanceof StoredResponse) return entry.view;
  if (entry.kind !== 'response' || !(entry.meta instanceof SoundMeta || isResponseMeta(entry.meta))) return undefined;
  const response = new StoredResponse(entry, entry.meta);
  entry.view = response;
  return response;
}

function fieldOf(fields: readonly StoredField[], wanted: string): string | undefined {
  for (const [name, value] of fields) if (name === wanted) return typeof value === 'string' ? value : undefined;
  return undefined;
}

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is they that must not be in a field value (RFC 9110 §5.5)
const FORBIDDEN = /[\u0000-\u0008\u000a-\u001f\u007f\u0100-\uffff]/;
const FRAMING = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'upgrade',
  'trailer',
  'set-cookie',
]);
const CODINGS = new Set<unknown>(['identity', 'gzip', 'br', 'zstd', 'opaque']);

/** Whether a description read from a store can be replayed as it is: nothing in it may break or split a response. */
export function isResponseMeta(value: unknown): value is ResponseMeta {
  if (value === null || typeof value !== 'object') return false;
  const { s, f, l, a, w, e, c, n } = value as Partial<Record<keyof ResponseMeta, unknown>>;
  if (!Number.isInteger(s) || (s as number) < 200 || (s as number) > 599) return false;
  if (![l, a, w, e, n].every((figure) => typeof figure === 'number' && Number.isFinite(figure) && figure >= 0))
    return false;
  return CODINGS.has(c) && Array.isArray(f) && f.every(isReplayable);
}

function isReplayable(field: unknown): boolean {
  if (!Array.isArray(field) || field.length !== 2) return false;
  const [name, value] = field as [unknown, unknown];
  if (typeof name !== 'string' || !NAME.test(name) || FRAMING.has(name)) return false;
  const lines = Array.isArray(value) ? value : [value];
  return lines.every((line) => typeof line === 'string' && !FORBIDDEN.test(line));
}
