import type { IncomingHttpHeaders } from 'node:http';

/** Who is told of reads. */
export interface FieldReader {
  /** A field was read, or looked for. */
  field(name: string): void;
  /** All fields were read. */
  all(): void;
}

type Fields = Record<string, unknown>;

/** What a handler is to see of `real`: a copy, so that what it changes in it reaches nobody else. */
export function shownFields(
  real: IncomingHttpHeaders,
  hidden: ReadonlySet<string>,
  added: Readonly<Record<string, string>> | undefined,
): Fields {
  const shown: Fields = hidesAny(real, hidden) ? without(real, hidden) : { ...real };
  return added === undefined ? shown : Object.assign(shown, added);
}

function hidesAny(fields: Fields, hidden: ReadonlySet<string>): boolean {
  for (const name of hidden) if (fields[name] !== undefined) return true;
  return false;
}

function without(fields: Fields, hidden: ReadonlySet<string>): Fields {
  const rest: Fields = {};
  for (const name of Object.keys(fields)) if (!hidden.has(name)) rest[name] = fields[name];
  return rest;
}

/** `req.headers`, each read of which is told. */
export function watchedFields(fields: Fields, reader: FieldReader): Fields {
  return new Proxy(fields, new FieldTraps(reader));
}

/** `req.rawHeaders`: whoever looks at any of it may have looked at all. */
export function watchedRawFields(fields: string[], reader: FieldReader): string[] {
  return new Proxy(fields, new RawFieldTraps(reader));
}

// Handlers of a class: one object for a request, where traps written out would be a function each.
class FieldTraps implements ProxyHandler<Fields> {
  readonly #reader: FieldReader;

  constructor(reader: FieldReader) {
    this.#reader = reader;
  }

  get(fields: Fields, name: string | symbol): unknown {
    if (typeof name === 'string') this.#reader.field(name);
    return fields[name as string];
  }

  has(fields: Fields, name: string | symbol): boolean {
    if (typeof name === 'string') this.#reader.field(name);
    return name in fields;
  }

  getOwnPropertyDescriptor(fields: Fields, name: string | symbol): PropertyDescriptor | undefined {
    if (typeof name === 'string') this.#reader.field(name);
    return Reflect.getOwnPropertyDescriptor(fields, name);
  }

  ownKeys(fields: Fields): (string | symbol)[] {
    this.#reader.all();
    return Reflect.ownKeys(fields);
  }
}

class RawFieldTraps implements ProxyHandler<string[]> {
  readonly #reader: FieldReader;

  constructor(reader: FieldReader) {
    this.#reader = reader;
  }

  get(fields: string[], name: string | symbol): unknown {
    this.#reader.all();
    return Reflect.get(fields, name);
  }

  ownKeys(fields: string[]): (string | symbol)[] {
    this.#reader.all();
    return Reflect.ownKeys(fields);
  }

  getOwnPropertyDescriptor(fields: string[], name: string | symbol): PropertyDescriptor | undefined {
    this.#reader.all();
    return Reflect.getOwnPropertyDescriptor(fields, name);
  }
}
