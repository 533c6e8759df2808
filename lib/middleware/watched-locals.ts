type Locals = Record<string, unknown>;

/** `res.locals` as it was before the cache: `onRead` is told of reads. What the handler itself puts there is its own business. */
export function watchedLocals(locals: Locals, onRead: (name: string) => void): Locals {
  return new Proxy(locals, new LocalsTraps(Object.keys(locals), onRead));
}

class LocalsTraps implements ProxyHandler<Locals> {
  readonly #before: readonly string[];
  readonly #onRead: (name: string) => void;
  #written: Set<string | symbol> | undefined;

  constructor(before: readonly string[], onRead: (name: string) => void) {
    this.#before = before;
    this.#onRead = onRead;
  }

  #note(name: string | symbol): void {
    if (typeof name === 'string' && !this.#written?.has(name)) this.#onRead(name);
  }

  get(locals: Locals, name: string | symbol): unknown {
    this.#note(name);
    return Reflect.get(locals, name);
  }

  has(locals: Locals, name: string | symbol): boolean {
    this.#note(name);
    return Reflect.has(locals, name);
  }

  ownKeys(locals: Locals): (string | symbol)[] {
    for (const name of this.#before) this.#note(name);
    return Reflect.ownKeys(locals);
  }

  set(locals: Locals, name: string | symbol, value: unknown): boolean {
    this.#written ??= new Set();
    this.#written.add(name);
    return Reflect.set(locals, name, value);
  }
}
