import type { EntryStore, Lookup } from '../store/entry-store.js';
import { type EntryKey, type Found, isPromise, type Maybe, whenReady } from '../store/stored-entry.js';
import { fieldLines, type HeaderFields, isToken } from './http/header-fields.js';
import { secondaryKey } from './http/vary.js';
import { preferredLanguage } from './http/vary-values.js';
import { responseOf, type StoredResponse } from './stored-response.js';

/** Which request fields a resource varies by, and the variants stored. Kept under its primary key. */
export interface VariantIndex {
  readonly fields: readonly string[];
  readonly variants: readonly StoredVariant[];
}

/** One stored variant: digest of its secondary key and until when it is kept; for a negotiated language also which one it is, and the key itself. */
export type StoredVariant = readonly [digest: string, until: number, language?: string, key?: string];

/** What identifies a request to the cache. */
export interface RequestKey {
  /** The primary key (RFC 9111 §2): injective, starts with a letter. */
  readonly text: string;
  /** Path and query, for literal prefixes and listings. */
  readonly label: string;
  /** Groups known before anything is read. */
  readonly groups: readonly string[];
  readonly headers: HeaderFields;
}

/** What the cache knows of a resource for one request. */
export interface ResourceLookup {
  /** The key this request fills or reads, secondary key included. */
  readonly key: EntryKey;
  readonly lookup: Lookup;
  readonly found: Found | undefined;
  readonly response: StoredResponse | undefined;
  readonly index: VariantIndex | undefined;
}

/** Which fields the resources of this process vary by, so that a hit needs one lookup. */
export interface LearnedVary {
  readonly size: number;
  get(text: string): readonly string[] | undefined;
  set(text: string, fields: readonly string[]): unknown;
  delete(text: string): unknown;
}

/** The stored response that answers a request, primary key then secondary key (RFC 9111 §4.1). */
export function lookupResource(store: EntryStore, learned: LearnedVary, request: RequestKey): Maybe<ResourceLookup> {
  const fields = learned.size === 0 ? undefined : learned.get(request.text);
  if (fields === undefined) return lookupBase(store, learned, request, undefined);
  const key = variantKey(request, fields);
  return whenReady(store.lookup(key, request.groups), (lookup) => {
    const response = lookup.found && responseOf(lookup.found);
    if (response !== undefined) return { key, lookup, found: lookup.found, response, index: undefined };
    return lookupBase(store, learned, request, { key, lookup });
  });
}

function lookupBase(
  store: EntryStore,
  learned: LearnedVary,
  request: RequestKey,
  tried: { readonly key: EntryKey; readonly lookup: Lookup } | undefined,
): Maybe<ResourceLookup> {
  const key = baseKey(request);
  const lookup = store.lookup(key, request.groups);
  // Nothing is waited for, and no function made, where the entry is in this process.
  if (!isPromise(lookup)) return judgeBase(store, learned, request, tried, key, lookup);
  return lookup.then((ready) => judgeBase(store, learned, request, tried, key, ready));
}

function judgeBase(
  store: EntryStore,
  learned: LearnedVary,
  request: RequestKey,
  tried: { readonly key: EntryKey; readonly lookup: Lookup } | undefined,
  key: EntryKey,
  lookup: Lookup,
): Maybe<ResourceLookup> {
  const index = lookup.found && variantIndexOf(lookup.found);
  if (index === undefined) {
    if (tried !== undefined) learned.delete(request.text);
    const response = lookup.found && responseOf(lookup.found);
    return { key, lookup, found: response && lookup.found, response, index: undefined };
  }
  learned.set(request.text, index.fields);
  const variant = variantKey(request, index.fields);
  if (tried?.key.variant === variant.variant) {
    return lookupLanguage(store, request, index, { ...tried, found: undefined, response: undefined, index });
  }
  return whenReady(store.lookup(variant, request.groups), (second) => {
    const response = second.found && responseOf(second.found);
    const miss: ResourceLookup = { key: variant, lookup: second, found: response && second.found, response, index };
    return response === undefined ? lookupLanguage(store, request, index, miss) : miss;
  });
}

/**
 * Where a resource varies by language alone, the variant in the language a request wants most answers it: any negotiation
 * would come to it, whatever else the request lists. (RFC 9111 §4.1 leaves what matches to the field's own semantics.)
 */
function lookupLanguage(
  store: EntryStore,
  request: RequestKey,
  index: VariantIndex,
  miss: ResourceLookup,
): Maybe<ResourceLookup> {
  if (index.fields.length !== 1 || index.fields[0] !== 'accept-language') return miss;
  const wanted = preferredLanguage(fieldLines(request.headers, 'accept-language'));
  const stored = index.variants.find(([, , language]) => language !== undefined && language === wanted);
  if (stored?.[3] === undefined) return miss;
  const key: EntryKey = { text: request.text, variant: stored[3], label: request.label };
  return whenReady(store.lookup(key, request.groups), (lookup) => {
    const response = lookup.found && responseOf(lookup.found);
    return response === undefined ? miss : { key, lookup, found: lookup.found, response, index };
  });
}

/** Where a resource is kept that does not vary, or else the index of its variants: the primary key (RFC 9111 §2). */
export function baseKey(request: RequestKey): EntryKey {
  return { text: request.text, variant: '', label: request.label };
}

/** Where the variant that this request selects is kept (RFC 9111 §4.1). */
export function variantKey(request: RequestKey, fields: readonly string[]): EntryKey {
  return { text: request.text, variant: secondaryKey(fields, request.headers), label: request.label };
}

/** The index in an entry, or `undefined` when it is something else or does not make sense. */
export function variantIndexOf(found: Found): VariantIndex | undefined {
  const { kind, meta } = found.entry;
  if (kind !== 'variants' || meta === null || typeof meta !== 'object') return undefined;
  const { fields, variants } = meta as Partial<VariantIndex>;
  const sane =
    Array.isArray(fields) && fields.length > 0 && fields.every((name) => typeof name === 'string' && isToken(name));
  return sane && Array.isArray(variants) ? { fields, variants } : undefined;
}
