import { RecentMap } from '../common/recent-map.js';
import { entryName } from '../store/stored-entry.js';
import { MAX_VARY_NAMES } from './http/may-store.js';
import type { NotStoredReason } from './http/reasons.js';
import { unionOfNames } from './http/vary.js';
import { baseKey, type RequestKey, variantKey } from './resource-lookup.js';

/** Answers that could not be stored, one after the other, before requests for their key are left alone. */
export const ENOUGH_IN_A_ROW = 5;
/** How long they are left alone before one of them is looked at again. */
export const LEFT_ALONE_MS = 1000;
// As long as nobody queues for such a key: after that it is a cold key like any other.
const FORGOTTEN_MS = 10_000;
const MAX_KEYS = 10_000;
// Longer ones are not worth the memory they take.
const MAX_NAME = 1024;

// What the response itself says, whoever asked for it. An error may be gone with the next request.
const OWN_REASONS: ReadonlySet<string> = new Set<NotStoredReason | 'too-large' | 'observed-identity'>([
  'status',
  'partial',
  'no-store',
  'private',
  'must-understand',
  'set-cookie',
  'vary-wildcard',
  'vary-limit',
  'no-lifetime',
  'uninteresting',
  'too-large',
  'observed-identity',
]);

interface Known {
  /** Request fields that select an answer: this is known of a request that has the same ones. */
  readonly fields: readonly string[];
  inARow: number;
  /** Until when requests are left alone. */
  aloneUntil: number;
  forgottenAt: number;
}

/**
 * The keys whose answers are not for storing, told by the last ones. Requests for them need no capture, no watch and no
 * lease; nothing is stored meanwhile, so nothing can be stale. All instants are the store's.
 */
export class KnownUncacheable {
  readonly #known = new RecentMap<Known>(MAX_KEYS);

  /**
   * Whether to leave this request alone, like every other one of its primary key: then nothing is stored under that in this
   * process. Once a second it is not, so that a key that can be stored now is noticed.
   */
  leavesKeyAlone(request: Pick<RequestKey, 'text'>, now: number): boolean {
    const known = this.#known.get(request.text);
    return known !== undefined && known.fields.length === 0 && isLeftAlone(known, now);
  }

  /** The same for a request of a resource that varies: others of its primary key may be answered from the store. */
  leavesVariantAlone(request: RequestKey, now: number): boolean {
    const { fields } = this.#known.get(request.text) ?? NOTHING;
    const known = fields.length === 0 ? undefined : this.#known.get(nameOf(request, fields));
    return known !== undefined && isLeftAlone(known, now);
  }

  /** Notes an answer that was not stored, where nothing was before. `fields` are those the resource varies by. */
  refused(request: RequestKey, reason: string, status: number, fields: readonly string[], now: number): void {
    if (status >= 400 || !OWN_REASONS.has(reason)) return;
    const all = this.#select(request, fields, now);
    if (all === undefined) return;
    const name = nameOf(request, all);
    const before = this.#known.get(name);
    const inARow = before === undefined || now >= before.forgottenAt ? 1 : before.inARow + 1;
    this.#put(name, { fields: [], inARow, aloneUntil: now + LEFT_ALONE_MS, forgottenAt: now + FORGOTTEN_MS });
  }

  /** Notes an answer that was stored. */
  stored(request: RequestKey, fields: readonly string[], now: number): void {
    const known = this.#known.get(request.text);
    if (known === undefined) return;
    const all = this.#select(request, fields, now);
    if (all !== undefined) this.#known.delete(nameOf(request, all));
  }

  get size(): number {
    return this.#known.size;
  }

  /** The fields that requests of this resource are told apart by: once they are, they stay so. */
  #select(request: RequestKey, fields: readonly string[], now: number): readonly string[] | undefined {
    const before = this.#known.get(request.text);
    const known = before === undefined || now >= before.forgottenAt ? fields : unionOfNames(before.fields, fields);
    if (known.length > MAX_VARY_NAMES) return undefined;
    if (known.length > 0)
      this.#put(request.text, { fields: known, inARow: 0, aloneUntil: 0, forgottenAt: now + FORGOTTEN_MS });
    return known;
  }

  #put(name: string, known: Known): void {
    if (name.length <= MAX_NAME) this.#known.set(name, known);
  }
}

const NOTHING: Pick<Known, 'fields'> = { fields: [] };

function isLeftAlone(known: Known, now: number): boolean {
  if (known.inARow < ENOUGH_IN_A_ROW || now >= known.forgottenAt) return false;
  if (now < known.aloneUntil) return true;
  // This one goes the whole way; those that come while it does are left alone as before.
  known.aloneUntil = now + LEFT_ALONE_MS;
  return false;
}

function nameOf(request: RequestKey, fields: readonly string[]): string {
  return entryName(fields.length === 0 ? baseKey(request) : variantKey(request, fields));
}
