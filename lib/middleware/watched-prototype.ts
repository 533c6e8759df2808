/** What is told of a read: whose property, and which. */
export type PropertyRead = (target: object, name: string) => void;

/** A watch that lasts as long as the request keeps its prototype: one for all requests that had the same. */
export interface PrototypeWatch {
  readonly base: object;
  readonly watched: object;
}

/**
 * Watches properties of a request that are not its own, through a prototype put between the request and the one it has:
 * made once for all requests, where accessors on each of them would cost more than everything else of a fill.
 */
export class WatchedPrototypes {
  readonly #names: readonly string[];
  readonly #onRead: PropertyRead;
  readonly #made = new WeakMap<object, PrototypeWatch>();
  // Prototypes of requests that somebody gives another one while their handler runs: a mounted app does.
  readonly #unsteady = new WeakSet<object>();

  constructor(names: readonly string[], onRead: PropertyRead) {
    this.#names = names;
    this.#onRead = onRead;
  }

  /**
   * Begins to watch. `undefined` where requests of this app have been given another prototype before: nothing but
   * properties of the request itself would stay watched there.
   */
  watch(target: object): PrototypeWatch | undefined {
    const base = Object.getPrototypeOf(target) as object;
    // The prototype of an app may have been put in the place of another, from which it inherits then (`app-messages.ts`).
    if (this.#unsteady.has(base) || this.#unsteady.has(Object.getPrototypeOf(base) as object)) return undefined;
    const watch = this.#made.get(base) ?? this.#make(base);
    Object.setPrototypeOf(target, watch.watched);
    return watch;
  }

  /** Whether the request was given another prototype: what was read since then is not known. */
  isLost(target: object, { base, watched }: PrototypeWatch): boolean {
    if (Object.getPrototypeOf(target) === watched) return false;
    this.#unsteady.add(base);
    return true;
  }

  stop(target: object, { base, watched }: PrototypeWatch): void {
    if (Object.getPrototypeOf(target) === watched) Object.setPrototypeOf(target, base);
  }

  #make(base: object): PrototypeWatch {
    const watched = Object.create(base) as object;
    const onRead = this.#onRead;
    for (const name of this.#names) {
      Object.defineProperty(watched, name, {
        configurable: true,
        enumerable: false,
        get(this: object) {
          onRead(this, name);
          return Reflect.get(base, name, this);
        },
        // Whoever sets it ends the watch of it: then it is no input any more.
        set(this: object, value: unknown) {
          Object.defineProperty(this, name, { configurable: true, enumerable: true, writable: true, value });
        },
      });
    }
    const watch = Object.freeze({ base, watched });
    this.#made.set(base, watch);
    return watch;
  }
}
