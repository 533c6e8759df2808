import { type Failure, failureOf } from './failure.js';
import type { Links } from './links.js';
import type { ServerLink } from './server-link.js';
import { type Settled, settleWithin } from './settle-within.js';

type Value = Buffer | null | undefined;
type Values = readonly Value[];

interface Caller {
  readonly keys: readonly string[];
  readonly done: (values: Values | undefined) => void;
}

/** What one server was asked in this turn; `values` are there when `done` has resolved. */
interface Part {
  readonly values: ReadonlyMap<string, Value>;
  readonly done: Promise<void>;
}

const MAX_KEYS_PER_CALL = 256;
const TIMEOUT: Failure = Object.freeze({ kind: 'timeout', word: 'timeout' });
const FOREIGN_REPLY: Failure = Object.freeze({ kind: 'outage', word: 'reply' });

/** Gathers the reads of one turn of the event loop: each key is asked once, each server once, under one deadline. */
export class BatchReader {
  readonly #links: Links;
  readonly #deadlineMs: number;
  #callers: Caller[] = [];

  constructor(links: Links, deadlineMs: number) {
    this.#links = links;
    this.#deadlineMs = deadlineMs;
  }

  /** `done` is called once, later, with the values or `undefined` where no server could be asked; it must not throw. */
  read(keys: readonly string[], done: (values: Values | undefined) => void): void {
    this.#callers.push({ keys, done });
    // After the poll phase: every request that was read from a socket in this turn is in.
    if (this.#callers.length === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const callers = this.#callers;
    this.#callers = [];
    const wanted = new Set<string>();
    for (const { keys } of callers) for (const key of keys) wanted.add(key);

    const asked = this.#links
      .partsOf([...wanted])
      .map(({ link, keys }) => ({ keys, part: this.#readPart(link, keys) }));
    const [only] = asked;
    if (asked.length === 1 && only !== undefined) {
      // One server, one reply: all callers are told at once.
      const { part } = only;
      void part.done.then(() => {
        for (const caller of callers) tell(caller, (key) => part.values.get(key));
      });
      return;
    }
    const parts = new Map<string, Part>();
    for (const { keys, part } of asked) for (const key of keys) parts.set(key, part);
    for (const caller of callers) void deliver(caller, parts);
  }

  #readPart(link: ServerLink, keys: readonly string[]): Part {
    const values = new Map<string, Value>();
    return { values, done: this.#fill(values, link, keys) };
  }

  /** Never rejects; a key that is missing in `values` could not be read. */
  async #fill(values: Map<string, Value>, link: ServerLink, keys: readonly string[]): Promise<void> {
    const { reign } = link;
    const settled = await settleWithin(this.#readAll(link, keys), link.patience(this.#deadlineMs));
    if (!isAnswered(link, settled, keys)) return;
    // A reply that came over another connection than the one asked, or after a failover, is nobody's.
    if (link.reign !== reign) return;
    for (const [index, key] of keys.entries()) {
      if (this.#links.linkOf(key) === link) values.set(key, settled.value[index]);
    }
  }

  async #readAll(link: ServerLink, keys: readonly string[]): Promise<Values> {
    if (keys.length <= MAX_KEYS_PER_CALL) return this.#links.read(link, keys);
    const calls: Promise<Values>[] = [];
    for (let start = 0; start < keys.length; start += MAX_KEYS_PER_CALL) {
      calls.push(this.#links.read(link, keys.slice(start, start + MAX_KEYS_PER_CALL)));
    }
    return (await Promise.all(calls)).flat();
  }
}

function isAnswered(
  link: ServerLink,
  settled: Settled<Values>,
  keys: readonly string[],
): settled is { readonly kind: 'value'; readonly value: Values } {
  // A server or proxy that answers out of turn answers something else.
  const isOurs = settled.kind === 'value' && Array.isArray(settled.value) && settled.value.length === keys.length;
  if (isOurs) link.succeeded();
  else link.readFailed(failureOfRead(settled), keys[0] ?? '');
  return isOurs;
}

function failureOfRead(settled: Settled<Values>): Failure {
  if (settled.kind === 'value') return FOREIGN_REPLY;
  return settled.kind === 'timeout' ? TIMEOUT : failureOf(settled.error);
}

/** A caller waits for the servers of its own keys only. */
async function deliver(caller: Caller, parts: ReadonlyMap<string, Part>): Promise<void> {
  for (const part of new Set(caller.keys.map((key) => parts.get(key)))) await part?.done;
  tell(caller, (key) => parts.get(key)?.values.get(key));
}

function tell({ keys, done }: Caller, read: (key: string) => Value): void {
  const values: Value[] = [];
  let isAnswered = keys.length === 0;
  for (const key of keys) {
    const value = read(key);
    if (value !== undefined) isAnswered = true;
    values.push(value);
  }
  done(isAnswered ? values : undefined);
}
