import { PackedReader, PackedWriter } from './packed-text.js';
import type { Shapes } from './shapes.js';
import type { EntryKind, StoredEntry } from './stored-entry.js';

/**
 * Divides the description of an entry into what many entries share and what is this one's own. Belongs to the layer that
 * knows what a description means; without it each description is kept as it is.
 */
export interface MetaPacking {
  /** Writes what is the entry's own and returns the JSON of the rest. `undefined`: keep the description whole. */
  divide(entry: StoredEntry, own: PackedWriter): string | undefined;
  /** The description again, from the parsed rest and what was written. */
  unite(shared: unknown, own: PackedReader, entry: Pick<StoredEntry, 'storedAt' | 'body'>): unknown;
}

/** What of an entry goes into its text. */
export interface Packable {
  readonly entry: StoredEntry;
  readonly label: string;
  readonly retainUntil: number;
  /** How far the ledger of invalidations had come when the fence of the entry was taken. */
  readonly sequence: number;
}

/** What is told apart without unpacking the rest. */
export interface PackedHead {
  readonly shape: number;
  readonly sequence: number;
  readonly retainUntil: number;
}

/** Bodies up to this size are kept as text. A larger one is better off as bytes beside the heap. */
export const MAX_PACKED_BODY = 8 * 1024;

const NUMBERS_BEFORE_NAME = 4;
const KINDS: readonly EntryKind[] = ['response', 'value', 'variants'];

/** An entry in one text. `undefined` when it cannot be, and is to be kept as it is. */
export function packEntry(
  name: string,
  { entry, label, retainUntil, sequence }: Packable,
  shapes: Shapes,
  meta: MetaPacking | undefined,
): string | undefined {
  if (entry.body.length > MAX_PACKED_BODY || !Number.isFinite(retainUntil)) return undefined;
  const own = new PackedWriter();
  // Both writers share one buffer, so the description is finished first.
  const shared = meta?.divide(entry, own);
  const described = shared === undefined ? undefined : own.finish();
  const shape = shared === undefined || described === undefined ? 0 : shapes.use(shared);
  const storedAt = Math.floor(entry.storedAt);
  const packed = new PackedWriter()
    .number(shape)
    .number(sequence)
    .number(storedAt)
    .number(Math.max(0, Math.floor(retainUntil) - storedAt))
    .text(name)
    .number(KINDS.indexOf(entry.kind));
  writePart(packed, name, label);
  packed.number(entry.groups.length);
  for (const group of entry.groups) {
    packed.text(group.slice(0, 2));
    writePart(packed, name, group.slice(2));
  }
  packed.text(shape === 0 ? JSON.stringify(entry.meta ?? null) : (described as string)).rest(entry.body);
  const text = packed.finish();
  if (text === undefined) shapes.release(shape);
  return text;
}

/** The head of a packed entry. */
export function packedHead(packed: string): PackedHead {
  const reader = new PackedReader(packed);
  const shape = reader.number();
  const sequence = reader.number();
  const storedAt = reader.number();
  return { shape, sequence, retainUntil: storedAt + reader.number() };
}

/** The name of a packed entry. */
export function packedName(packed: string): string {
  const reader = new PackedReader(packed);
  for (let left = NUMBERS_BEFORE_NAME; left > 0; left--) reader.number();
  return reader.text();
}

const NO_GROUPS: readonly string[] = Object.freeze([]);

/** A packed entry, readable; its body is a view of the packed text until somebody wants bytes. */
export class PackedEntry implements StoredEntry {
  readonly kind: EntryKind;
  readonly meta: unknown;
  readonly groups: readonly string[];
  readonly storedAt: number;
  readonly retainUntil: number;
  readonly label: string;
  /** The body as text of one byte a character. */
  readonly text: string;
  view: unknown = undefined;
  #body: Buffer | undefined;

  /** `name` is its name once more: what is cut from it does not hold on to all of the packed text. */
  constructor(name: string, packed: string, shapes: Shapes, meta: MetaPacking | undefined) {
    const reader = new PackedReader(packed);
    const shape = reader.number();
    reader.number();
    this.storedAt = reader.number();
    this.retainUntil = this.storedAt + reader.number();
    reader.text();
    this.kind = KINDS[reader.number()] as EntryKind;
    this.label = readPart(reader, name);
    // No literal: see `held-entries.ts`.
    const groups = NO_GROUPS.slice();
    for (let left = reader.number(); left > 0; left--) groups.push(reader.text() + readPart(reader, name));
    this.groups = groups;
    const described = reader.text();
    this.text = reader.rest();
    this.meta =
      shape === 0 ? JSON.parse(described) : meta?.unite(shapes.valueOf(shape), new PackedReader(described), this);
  }

  get body(): Buffer {
    this.#body ??= Buffer.from(this.text, 'latin1');
    return this.#body;
  }
}

// Most labels and path groups stand in the name of their entry already: then where they do is enough.
const MIN_REFERENCE = 4;

function writePart(packed: PackedWriter, name: string, part: string): void {
  const at = part.length < MIN_REFERENCE ? -1 : name.lastIndexOf(part);
  if (at === -1) packed.number(0).text(part);
  else packed.number(part.length).number(at);
}

function readPart(reader: PackedReader, name: string): string {
  const length = reader.number();
  if (length === 0) return reader.text();
  const at = reader.number();
  return name.slice(at, at + length);
}
