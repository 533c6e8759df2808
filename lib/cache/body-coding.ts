import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, gunzipSync, gzip } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import type { ContentCoding } from './http/content-coding.js';
import type { StoredResponse } from './stored-response.js';

const gzipBytes = promisify(gzip);
const gunzipBytes = promisify(gunzip);
const brotliBytes = promisify(brotliDecompress);

const load = createRequire(import.meta.url);
let filter: ((req: unknown, res: unknown) => boolean) | undefined;

/** Whether a media type is worth compressing, by the judgement of `compression`: what an app with it would send coded. */
export function isCompressible(contentType: string | undefined): boolean {
  filter ??= (load('compression') as { filter(req: unknown, res: unknown): boolean }).filter;
  return filter({}, { getHeader: () => contentType });
}

/** The gzip form of a body, or `undefined` when it is not smaller. Runs off the event loop. */
export async function compressed(body: Buffer): Promise<Buffer | undefined> {
  const coded = await gzipBytes(body, { level: 6 });
  // A body that hardly shrinks is cheaper to keep as it is: no client has to decode it.
  return coded.length < body.length * 0.9 ? coded : undefined;
}

/** The bytes behind a coding, at most `maxBytes` of them; `undefined` when they cannot be had. Never throws. */
export async function decoded(body: Buffer, coding: ContentCoding, maxBytes: number): Promise<Buffer | undefined> {
  const limit = { maxOutputLength: Math.max(1, maxBytes) };
  try {
    if (coding === 'gzip') return await gunzipBytes(body, limit);
    if (coding === 'br') return await brotliBytes(body, limit);
    return coding === 'identity' ? body : undefined;
  } catch {
    // Damaged, or larger than it says: as good as not there.
    return undefined;
  }
}

// Up to this size decoding at once costs less than handing it to another thread.
const SYNC_LIMIT_BYTES = 16 * 1024;

// A response that is known here stays, with its fields and its body as text, also when another has taken its place.
const RESPONSE_BYTES = 4096;

/** Decoded bodies of what clients without a coding ask for most, so that it is not decoded again for each of them. */
export class DecodedBodies {
  readonly #bodies: LRUCache<StoredResponse, Buffer>;

  constructor(maxBytes: number) {
    this.#bodies = new LRUCache({
      maxSize: Math.max(1, maxBytes),
      sizeCalculation: (body, response) => body.length * 2 + response.body.length + RESPONSE_BYTES,
    });
  }

  /** The body without coding: at once when it is known or small, else when it is decoded. `undefined`: it cannot be had. */
  of(response: StoredResponse): Buffer | undefined | Promise<Buffer | undefined> {
    if (response.coding === 'identity') return response.body;
    const known = this.#bodies.get(response);
    if (known !== undefined) return known;
    if (response.coding === 'gzip' && response.identityLength <= SYNC_LIMIT_BYTES)
      return this.#keep(response, gunzipNow(response));
    if (response.coding === 'opaque') return undefined;
    return decoded(response.body, response.coding, response.identityLength).then((body) => this.#keep(response, body));
  }

  #keep(response: StoredResponse, body: Buffer | undefined): Buffer | undefined {
    if (body?.length !== response.identityLength) return undefined;
    this.#bodies.set(response, body);
    return body;
  }
}

function gunzipNow(response: StoredResponse): Buffer | undefined {
  try {
    return ownCopy(gunzipSync(response.body, { maxOutputLength: Math.max(1, response.identityLength) }));
  } catch {
    return undefined;
  }
}

// zlib answers with a view of a piece of 16 kB, all of which would stay for its sake.
function ownCopy(body: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(body.length);
  body.copy(own);
  return own;
}
