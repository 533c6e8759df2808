import { IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { StoredField } from '../cache/http/stored-fields.js';
import { CACHE_NAME } from './cache-name.js';
import type { HeadLine, HeadText } from './head-text.js';
import type { JoinHolder } from './joined-answer.js';

/** A field as Node keeps it in a response: the name as it is sent, and the value. */
type KeptField = [name: string, value: OutgoingHttpHeaders[string]];
/** Fields by their name in lower case, as Node keeps them. */
export type KeptFields = Record<string, KeptField>;

/** A head as Node keeps it, and as Node writes it. */
export interface HeadForm extends JoinHolder {
  kept: KeptFields;
  /** Name of the field that tells `hit`, `stale` or `miss`; none when `undefined`. */
  readonly statusHeader: string | undefined;
  /** Whether it was sent, the way Node documents. */
  wasSent: boolean;
  /** What Node made of it then; `undefined`: not known yet. */
  text: HeadText | undefined;
  /** What `kept` says of a hit, in seconds; `NaN` when it says something else. */
  age: number;
  ttl: number;
}

/** The fields of a representation in the form in which Node keeps what was set on a response: made once, used by each hit. */
export interface PreparedHead {
  readonly names: readonly string[];
  readonly fields: readonly KeptField[];
  /** Head of a response on which nothing was set before; and of one on which nothing but `X-Powered-By` was. */
  plain: HeadForm | undefined;
  powered: HeadForm | undefined;
}

/** What differs from answer to answer. */
export interface HeadNews {
  readonly age: string;
  readonly cacheStatus: string;
  /** Name of the field that tells `hit`, `stale` or `miss`; none when `undefined`. */
  readonly statusHeader: string | undefined;
  readonly word: string;
}

/** The lines in which this news stands. */
export function linesOf({ age, cacheStatus, statusHeader, word }: HeadNews): readonly HeadLine[] {
  const lines: HeadLine[] = [
    ['age', age],
    ['cache-status', cacheStatus],
  ];
  if (statusHeader !== undefined) lines.push([statusHeader, word]);
  return lines;
}

/** What is said of a hit of this age and with this lifetime left, in seconds. */
export function hitNews(age: number, ttl: number, statusHeader: string | undefined): HeadNews {
  return { age: String(age), cacheStatus: `${CACHE_NAME}; hit; ttl=${ttl}`, statusHeader, word: 'hit' };
}

/** Prepares fields whose names are in lower case, each there once, and whose values have been checked. */
export function prepareFields(fields: readonly StoredField[]): PreparedHead {
  return new Prepared(fields.map(keptField));
}

// The pairs of the store themselves, which nobody writes to; lists of lines are copied, as Node appends to them.
function keptField(field: StoredField): KeptField {
  const [name, value] = field;
  return typeof value === 'string' ? (field as unknown as KeptField) : [name, [...value]];
}

// Classes for what is made per entry: see `held-entries.ts`.
class Prepared implements PreparedHead {
  readonly names: readonly string[];
  plain: HeadForm | undefined = undefined;
  powered: HeadForm | undefined = undefined;

  constructor(readonly fields: readonly KeptField[]) {
    this.names = fields.map(([name]) => name);
  }
}

/** Whether this Node keeps the fields of a response as expected here. Where it does not, fields go through `writeHead`. */
export const keepsFields = (): boolean => keptBy !== undefined;

/** The fields set on a response so far; `null` or `undefined`: none. */
export function keptOn(res: ServerResponse): KeptFields | null | undefined {
  return (res as unknown as Record<symbol, KeptFields | null>)[keptBy as symbol];
}

/** Puts fields on a response in place of all that were set. */
export function keepOn(res: ServerResponse, kept: KeptFields): void {
  (res as unknown as Record<symbol, KeptFields | null>)[keptBy as symbol] = kept;
}

// Node goes through all that is enumerable, inherited or not. An object made with a null prototype would be slow.
const NoPrototype = function NoPrototype() {} as unknown as new () => KeptFields;
NoPrototype.prototype = Object.create(null);

/** An object for fields that inherits nothing. */
export function newFields(fields?: KeptFields): KeptFields {
  return Object.assign(new NoPrototype(), fields);
}

/**
 * The head as a form that answers share, for a response on which nothing, or nothing but `X-Powered-By`, was set before;
 * `undefined` for any other. Nothing can be set on a response any more once its head is written; what an earlier one sees
 * of a form afterwards is at worst the age of the next.
 */
export function formFor(
  head: PreparedHead,
  before: KeptFields | null | undefined,
  statusHeader: string | undefined,
): HeadForm | undefined {
  if (before === null || before === undefined) {
    if (head.plain?.statusHeader !== statusHeader || head.plain === undefined)
      head.plain = newForm(head, newFields(), statusHeader);
    return head.plain;
  }
  if (!isPoweredOnly(before)) return undefined;
  if (head.powered?.statusHeader !== statusHeader || head.powered === undefined)
    head.powered = newForm(head, newFields({ 'x-powered-by': before['x-powered-by'] as KeptField }), statusHeader);
  return head.powered;
}

function newForm(head: PreparedHead, kept: KeptFields, statusHeader: string | undefined): HeadForm {
  return headForm(fillFields(head, kept), statusHeader);
}

/** A form of which nothing is known but its fields. */
export function headForm(kept: KeptFields, statusHeader: string | undefined): HeadForm {
  return new KeptForm(kept, statusHeader);
}

class KeptForm implements HeadForm {
  wasSent = false;
  text: HeadText | undefined = undefined;
  age = Number.NaN;
  ttl = Number.NaN;
  joined: HeadForm['joined'] = undefined;
  lastHead: string | undefined = undefined;

  constructor(
    public kept: KeptFields,
    readonly statusHeader: string | undefined,
  ) {}
}

/** Whether a response has no fields but what {@link formFor} has a form for. */
export function isBare(kept: KeptFields | null | undefined): boolean {
  return kept === null || kept === undefined || isPoweredOnly(kept);
}

function isPoweredOnly(kept: KeptFields): boolean {
  const powered = kept['x-powered-by'];
  if (powered === undefined || powered[1] !== 'Express') return false;
  let count = 0;
  for (const _ in kept) if (++count > 1) return false;
  return true;
}

/** Adds the fields of a head to others. */
export function fillFields({ names, fields }: PreparedHead, kept: KeptFields): KeptFields {
  for (let at = 0; at < names.length; at++) kept[names[at] as string] = fields[at] as KeptField;
  return kept;
}

/** The fields of a head as an object for `writeHead`. */
export function blockOf({ fields }: PreparedHead): OutgoingHttpHeaders {
  const block: OutgoingHttpHeaders = {};
  for (const [name, value] of fields) block[name] = value;
  return block;
}

/** Adds what is said anew each time. */
export function putNews(kept: KeptFields, { age, cacheStatus, statusHeader, word }: HeadNews): void {
  if (kept.age?.[1] !== age) kept.age = ['age', age];
  if (kept['cache-status']?.[1] !== cacheStatus) kept['cache-status'] = ['cache-status', cacheStatus];
  if (statusHeader !== undefined) putField(kept, statusHeader, word);
}

/** Puts a field among others. The pair that was there stays as it is: somebody may still look at it. */
export function putField(kept: KeptFields, name: string, value: string): void {
  const key = keyOf(name);
  if (kept[key]?.[1] !== value) kept[key] = [name, value];
}

/** The value of a field among others. */
export function fieldIn(kept: KeptFields, name: string): OutgoingHttpHeaders[string] {
  return kept[keyOf(name)]?.[1];
}

const { setHeader } = ServerResponse.prototype;

/**
 * The fields set on a response so far, to put more among them with {@link putField}. `undefined`: only `setHeader` may.
 * Node keeps them in a hash table; what they are moved to is an object of a known kind, quicker to add to and to go through.
 */
export function fieldsToAddTo(res: ServerResponse): KeptFields | undefined {
  if (keptBy === undefined || res.setHeader !== setHeader || res.headersSent) return undefined;
  const before = keptOn(res);
  if (before instanceof NoPrototype) return before;
  const kept = new NoPrototype();
  for (const name in before) kept[name] = before[name] as KeptField;
  keepOn(res, kept);
  return kept;
}

const keys = new Map<string, string>();

/** The lower-case form of a field name; there are as many as there are options. */
function keyOf(name: string): string {
  let key = keys.get(name);
  if (key === undefined) {
    key = name.toLowerCase();
    if (keys.size < 1000) keys.set(name, key);
  }
  return key;
}

const keptBy = keptFieldsKey();

/** Under which symbol this Node keeps the fields set on a response; `undefined` where it does not behave as expected. */
function keptFieldsKey(): symbol | undefined {
  const probe = new ServerResponse(new IncomingMessage(new Socket()));
  probe.setHeader('X-Probe', 'a');
  for (const key of Object.getOwnPropertySymbols(probe)) {
    const kept = (probe as unknown as Record<symbol, unknown>)[key] as Partial<KeptFields> | null;
    const field = typeof kept === 'object' ? kept?.['x-probe'] : undefined;
    if (!Array.isArray(field) || field[0] !== 'X-Probe' || field[1] !== 'a') continue;
    (kept as KeptFields)['x-other'] = ['x-other', 'b'];
    return probe.getHeader('x-other') === 'b' ? key : undefined;
  }
  return undefined;
}
