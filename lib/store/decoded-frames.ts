import { LRUCache } from 'lru-cache';
import type { FramedEntry } from './entry-frame.js';
import type { SeenEntry } from './seen-entry.js';

interface Known {
  readonly frame: Buffer;
  readonly framed: FramedEntry;
  /** How it stood when it was last judged. */
  seen: SeenEntry | undefined;
}

const MAX_BYTES = 4 * 1024 * 1024;
const MAX_FRAME = 16 * 1024;
const OVERHEAD_BYTES = 1024;

/**
 * Frames that were read before, with what was found in them. Redis is asked all the same; but a reply of the same bytes
 * means the same, so it need not be checked, parsed and made ready to be sent once more.
 */
export class DecodedFrames {
  readonly #known = new LRUCache<string, Known>({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ frame }) => frame.length * 2 + OVERHEAD_BYTES,
  });
  /** Requests of one turn share a reply. */
  readonly #ofReply = new WeakMap<Buffer, FramedEntry>();

  /** What was found in these bytes when they were read under this key before. */
  get(key: string, frame: Buffer): FramedEntry | undefined {
    const same = this.#ofReply.get(frame);
    if (same !== undefined) return same;
    const known = this.#known.get(key);
    return known?.frame.equals(frame) ? known.framed : undefined;
  }

  /** Decodes with `decode`, and remembers what is whole. */
  remember<T extends { readonly ok: boolean; readonly framed?: FramedEntry }>(
    key: string,
    frame: Buffer,
    decode: (frame: Buffer) => T,
  ): T {
    const isSmall = frame.length <= MAX_FRAME;
    // A reply is a view of a larger piece of memory, which must not stay for its sake.
    const own = isSmall ? ownCopy(frame) : frame;
    const decoded = decode(own);
    if (decoded.framed === undefined) return decoded;
    this.#ofReply.set(frame, decoded.framed);
    if (isSmall) this.#known.set(key, { frame: own, framed: decoded.framed, seen: undefined });
    return decoded;
  }

  /** How the entry in these bytes stood when it was last judged. `undefined`: not known, or of other bytes. */
  seen(key: string, frame: Buffer): SeenEntry | undefined {
    const known = this.#known.get(key);
    return known?.seen !== undefined && known.frame.equals(frame) ? known.seen : undefined;
  }

  noteSeen(key: string, frame: Buffer, seen: SeenEntry): void {
    const known = this.#known.get(key);
    if (known?.frame.equals(frame)) known.seen = seen;
  }

  clear(): void {
    this.#known.clear();
  }
}

function ownCopy(frame: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(frame.length);
  frame.copy(own);
  return own;
}
