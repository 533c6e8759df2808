import { createHash } from 'node:crypto';
import type { Fence, Lease, StoreOutcome } from '../store/entry-store.js';
import { type EntryKey, isPromise, type StoredEntry } from '../store/stored-entry.js';
import type { CacheCore } from './cache-core.js';
import { MAX_VARY_NAMES } from './http/may-store.js';
import { unionOfNames } from './http/vary.js';
import { baseKey, type RequestKey, type StoredVariant, type VariantIndex, variantKey } from './resource-lookup.js';

/** Where a response is to be stored, and by what right. */
export interface Placement {
  readonly request: RequestKey;
  /** Request fields that select this response: from its `Vary` and from what its handler read. */
  readonly fields: readonly string[];
  /** The language it is in, where that was negotiated. */
  readonly language?: string | undefined;
  /** What is known of the resource's variants. */
  readonly index: VariantIndex | undefined;
  readonly fence: Fence;
  readonly lease: Lease | undefined;
}

/** What became of a response that was to be stored; `vary-limit`: its URL has as many variants as it may. */
export type PlacedOutcome = StoreOutcome | 'vary-limit';

// RFC 9111 §4.1 sets no bound; a client choosing the values must not fill the store through one URL.
const MAX_VARIANTS = 64;
const MAX_KEPT_KEY = 256;

/** Stores a response under its primary and, where it varies, its secondary key. Never rejects. */
export async function storeResponse(
  core: CacheCore,
  entry: StoredEntry,
  placement: Placement,
): Promise<{ outcome: PlacedOutcome; key: EntryKey }> {
  const { request, index, fence, lease } = placement;
  const fields = index === undefined ? placement.fields : unionOfNames(index.fields, placement.fields);
  if (fields.length === 0) {
    const key = baseKey(request);
    return { outcome: await core.store.store(key, entry, fence, lease), key };
  }
  const key = variantKey(request, fields);
  if (fields.length > MAX_VARY_NAMES) return { outcome: 'vary-limit', key };
  const grown = withVariant(index, fields, key, entry.retainUntil, core.store.now(), placement.language);
  if (grown === undefined) return { outcome: 'vary-limit', key };
  if (grown !== index) {
    const indexed = await core.store.store(baseKey(request), indexEntry(grown, entry), fence, lease, true);
    if (indexed !== 'stored') return { outcome: indexed, key };
  }
  core.learnedVary.set(request.text, fields);
  return { outcome: await core.store.store(key, entry, fence, lease), key };
}

/** Replaces an entry that was stored just now by a smaller form of itself. */
export function replaceStored(core: CacheCore, key: EntryKey, entry: StoredEntry, fence: Fence): void {
  const stored = core.store.store(key, entry, fence, undefined);
  if (isPromise(stored)) void stored;
}

/** The index with one more variant: the same object when it is in it already, `undefined` when it is full. */
function withVariant(
  index: VariantIndex | undefined,
  fields: readonly string[],
  key: EntryKey,
  until: number,
  now: number,
  language: string | undefined,
): VariantIndex | undefined {
  const digest = createHash('sha1').update(key.variant).digest('base64url').slice(0, 12);
  const sameFields = index !== undefined && index.fields.length === fields.length;
  const living = sameFields ? index.variants.filter(([, keptUntil]) => keptUntil > now) : [];
  const known = living.find(([name]) => name === digest);
  if (known !== undefined && known[1] >= until && sameFields) return index;
  const others = living.filter(([name]) => name !== digest);
  if (others.length >= MAX_VARIANTS) return undefined;
  const variant: StoredVariant =
    language === undefined || key.variant.length > MAX_KEPT_KEY
      ? [digest, until]
      : [digest, until, language, key.variant];
  return { fields, variants: [...others, variant] };
}

function indexEntry(index: VariantIndex, entry: StoredEntry): StoredEntry {
  const retainUntil = index.variants.reduce((latest, [, until]) => Math.max(latest, until), entry.retainUntil);
  return { kind: 'variants', meta: index, body: Buffer.alloc(0), groups: [], storedAt: entry.storedAt, retainUntil };
}
