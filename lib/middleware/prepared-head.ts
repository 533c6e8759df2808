import { IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Socket } from 'node:net';

/** A field as Node keeps it in a response: the name as it is sent, and the value. */
type KeptField = [name: string, value: OutgoingHttpHeaders[string]];
/** Fields by their name in lower case, as Node keeps them. */
export type KeptFields = Record<string, KeptField>;

/** The fields of a representation in the form in which Node keeps what was set on a response: made once, used by each hit. */
export interface PreparedHead {
  readonly names: readonly string[];
  readonly fields: readonly KeptField[];
  /** Head of a response on which nothing was set before; and of one on which nothing but `X-Powered-By` was. */
  plain: KeptFields | undefined;
  powered: KeptFields | undefined;
}

/** What differs from answer to answer. */
export interface HeadNews {
  readonly age: string;
  readonly cacheStatus: string;
  /** Name of the field that tells `hit`, `stale` or `miss`; none when `undefined`. */
  readonly statusHeader: string | undefined;
  readonly word: string;
}

/** Prepares fields whose names are in lower case and whose values have been checked. */
export function prepareHead(block: OutgoingHttpHeaders): PreparedHead {
  const names = Object.keys(block);
  return { names, fields: names.map((name) => [name, block[name]]), plain: undefined, powered: undefined };
}

const writeHead = ServerResponse.prototype.writeHead;
const keptBy = keptFieldsKey();

/**
 * Sends a head of prepared fields over whatever was set before. `writeHead` with an object sets each of its fields anew and
 * checks name and value again, which is most of what a hit costs; these were checked when they were stored. `false`, and
 * nothing done, where somebody replaced `writeHead`, or where this Node keeps fields in another way: then the fields have
 * to go through `writeHead`.
 */
export function writePreparedHead(res: ServerResponse, status: number, head: PreparedHead, news: HeadNews): boolean {
  if (!isWritable(res)) return false;
  const holder = res as unknown as Record<symbol, KeptFields | null>;
  const before = holder[keptBy as symbol];
  const kept = keptFor(head, before);
  kept.age = ['age', news.age];
  kept['cache-status'] = ['cache-status', news.cacheStatus];
  if (news.statusHeader !== undefined) kept[keyOf(news.statusHeader)] = [news.statusHeader, news.word];
  if (kept !== before) holder[keptBy as symbol] = kept;
  res.writeHead(status);
  return true;
}

// Node goes through all that is enumerable, inherited or not. An object made with a null prototype would be slow.
const NoPrototype = function NoPrototype() {} as unknown as new () => KeptFields;
NoPrototype.prototype = Object.create(null);

/** An object for fields that inherits nothing. */
export function newFields(fields?: KeptFields): KeptFields {
  return Object.assign(new NoPrototype(), fields);
}

/** Sends a head of these fields, on the same terms, and only where none was set before. */
export function writeKeptHead(res: ServerResponse, status: number, kept: KeptFields): boolean {
  const holder = res as unknown as Record<symbol, KeptFields | null>;
  if (!isWritable(res) || holder[keptBy as symbol] !== null) return false;
  holder[keptBy as symbol] = kept;
  res.writeHead(status);
  return true;
}

function isWritable(res: ServerResponse): boolean {
  return keptBy !== undefined && res.writeHead === writeHead;
}

// Nothing can be set on a response any more once its head is written, so answers may share the object that it was written
// from; what they see of it afterwards is at worst the age of the next.
function keptFor(head: PreparedHead, before: KeptFields | null | undefined): KeptFields {
  if (before === null || before === undefined) {
    head.plain ??= fill(head, newFields());
    return head.plain;
  }
  if (isPoweredOnly(before)) {
    head.powered ??= fill(head, newFields({ 'x-powered-by': before['x-powered-by'] as KeptField }));
    return head.powered;
  }
  return fill(head, before);
}

function isPoweredOnly(kept: KeptFields): boolean {
  const powered = kept['x-powered-by'];
  if (powered === undefined || powered[1] !== 'Express') return false;
  let count = 0;
  for (const _ in kept) if (++count > 1) return false;
  return true;
}

function fill({ names, fields }: PreparedHead, kept: KeptFields): KeptFields {
  for (let at = 0; at < names.length; at++) kept[names[at] as string] = fields[at] as KeptField;
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
