import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { keepRequestShape } from './request-shape.js';
import { unwatchAddress, watchAddress } from './watched-address.js';
import { shownFields, watchedFields, watchedRawFields } from './watched-fields.js';
import { watchedLocals } from './watched-locals.js';
import { watchProperty } from './watched-property.js';
import { type PrototypeWatch, WatchedPrototypes } from './watched-prototype.js';

/** What a handler read of its request that the URL does not tell. */
export interface RequestReadings {
  /** Plain header fields, lower-case. */
  readonly fields: ReadonlySet<string>;
  /** Inputs that tell who is asking: `cookie`, `req.user`, `ip`, `res.locals.…`. */
  readonly identity: ReadonlySet<string>;
  /** All fields at once were read: nothing can be said to be left out. */
  readonly everything: boolean;
  /** The watch was broken off: nothing can be said of what was read since. */
  readonly isLost: boolean;
}

/** A request that is being watched while its handler runs. */
export interface ObservedRequest {
  readonly readings: RequestReadings;
  /** While paused nothing is recorded. */
  pause(isPaused: boolean): void;
  /** Ends the watch and puts every property back as it was, or as the handler left it. */
  stop(): void;
}

/** What a handler is shown of its request, and whether its readings are recorded. */
export interface ObserveOptions {
  /** Lower-case fields the handler is not to see. */
  readonly hidden: ReadonlySet<string>;
  /** Fields the handler sees in addition: the validators of the stored response that is being revalidated. */
  readonly added?: Readonly<Record<string, string>> | undefined;
  /** `false` hides and adds fields, and records nothing. */
  readonly watch: boolean;
  /** Fields that are not recorded, because they tell nothing that matters. */
  readonly noInput?: ReadonlySet<string>;
  /** The request has come to its app already, and keeps the prototype it has unless a mounted app takes it over. */
  readonly keepsPrototype?: boolean;
}

/** Where Express keeps `res.locals`. */
export interface LocalsHolder {
  locals?: Record<string, unknown>;
}

const IDENTITY_FIELDS = new Set(['cookie', 'authorization', 'proxy-authorization']);
// What the usual session and authentication middlewares leave on the request. Absence is an input as well: "nobody is logged in".
const IDENTITY_PROPERTIES = [
  'cookies',
  'signedCookies',
  'session',
  'sessionID',
  'user',
  'auth',
  'oidc',
  'account',
  'currentUser',
  'principal',
  'token',
];
// What each property tells when it is read.
const TOLD: ReadonlyMap<string, (observation: Observation) => void> = new Map([
  ...IDENTITY_PROPERTIES.map((name) => [name, (observation: Observation) => observation.who(`req.${name}`)] as const),
  ...['ip', 'ips'].map((name) => [name, (observation: Observation) => observation.who('ip')] as const),
  ['headersDistinct', (observation: Observation) => observation.all()] as const,
]);
const WATCHED = [...TOLD.keys()];
const NONE: ReadonlySet<string> = new Set();

// What is watched just now. Whatever is left in here keeps its request alive for longer than that lives otherwise.
const observations = new WeakMap<IncomingMessage, Observation>();

const prototypes = new WatchedPrototypes(WATCHED, (req, name) => {
  let observation = observations.get(req as IncomingMessage);
  // A watch inside another one has accessors of the request's own, which come before this.
  while (observation !== undefined && !observation.hasPrototype) observation = observation.outer;
  if (observation !== undefined) tell(observation, name);
});

function tell(observation: Observation, name: string): void {
  TOLD.get(name)?.(observation);
}

// The same functions for all requests, and left behind: with some of its own, or with any taken away again, each request would
// be of a kind of its own, and Node's code the slower for all, the more kinds it gets to see.
const accessors: ReadonlyMap<string, PropertyDescriptor> = new Map(WATCHED.map((name) => [name, accessorOf(name)]));

function accessorOf(name: string): PropertyDescriptor {
  return {
    configurable: true,
    enumerable: false,
    get(this: IncomingMessage) {
      let observation = observations.get(this);
      for (; observation !== undefined; observation = observation.outer)
        if (observation.hasAccessors) tell(observation, name);
      return Reflect.get(Object.getPrototypeOf(this) as object, name, this);
    },
    // Whoever sets it ends the watch of it: then it is no input any more.
    set(this: IncomingMessage, value: unknown) {
      Object.defineProperty(this, name, { configurable: true, enumerable: true, writable: true, value });
    },
  };
}

/**
 * Watches what is read of a request until `stop`. Plain fields and identity inputs are kept apart, because the first can
 * join the key of what is stored and the second forbid storing it.
 */
export function observeRequest(req: IncomingMessage, locals: LocalsHolder, options: ObserveOptions): ObservedRequest {
  return new Observation(req, locals, options);
}

/** Reads a request for a purpose that does not shape the answer: nothing is recorded meanwhile. `work` reads synchronously. */
export function unobserved<T>(req: IncomingMessage, work: () => T): T {
  const observation = observations.get(req);
  if (observation === undefined || observation.isPaused) return work();
  observation.isPaused = true;
  try {
    return work();
  } finally {
    observation.isPaused = false;
  }
}

class Observation implements ObservedRequest, RequestReadings {
  readonly #req: IncomingMessage;
  readonly #holder: LocalsHolder;
  readonly #noInput: ReadonlySet<string> | undefined;
  /** The watch around this one: a cache within another. */
  readonly outer: Observation | undefined;
  everything = false;
  isPaused = false;
  hasAccessors = false;
  #fields: Set<string> | undefined;
  #identity: Set<string> | undefined;
  #stopped = false;
  #watch: PrototypeWatch | undefined;
  #undo: (() => void)[] | undefined;
  readonly #real: Pick<IncomingMessage, 'headers' | 'rawHeaders'> & LocalsHolder;
  #headers: IncomingHttpHeaders;
  #rawHeaders: string[] | undefined;
  #locals: Record<string, unknown> | undefined;

  constructor(req: IncomingMessage, holder: LocalsHolder, options: ObserveOptions) {
    this.#req = req;
    this.#holder = holder;
    this.#noInput = options.noInput;
    this.outer = observations.get(req);
    this.#real = { headers: req.headers, rawHeaders: req.rawHeaders, ...(holder.locals && { locals: holder.locals }) };
    observations.set(req, this);
    const shown = shownFields(this.#real.headers, options.hidden, options.added);
    this.#headers = (options.watch ? watchedFields(shown, this) : shown) as IncomingHttpHeaders;
    // Set, not defined: a request with a property of its own kind is slow to everybody who uses it.
    req.headers = this.#headers;
    if (options.watch) this.#begin(options.keepsPrototype === true);
  }

  #begin(keepsPrototype: boolean): void {
    const req = this.#req;
    this.#watchProperties(keepsPrototype);
    this.#rawHeaders = watchedRawFields(this.#real.rawHeaders, this);
    req.rawHeaders = this.#rawHeaders;
    if (req.socket) watchAddress(req.socket, this);
    if (this.#real.locals === undefined) return;
    this.#locals = watchedLocals(this.#real.locals, (name) => this.who(`res.locals.${name.slice(0, 60)}`));
    this.#holder.locals = this.#locals;
  }

  /** Properties that are the request's own by accessors of their own, the others through its prototype. */
  #watchProperties(keepsPrototype: boolean): void {
    const req = this.#req;
    keepRequestShape(req);
    // A watch of the same request that is under way keeps the prototype for itself.
    this.#watch = this.#isInPrototype() || !keepsPrototype ? undefined : prototypes.watch(req);
    this.hasAccessors = this.#watch === undefined;
    for (const name of WATCHED) {
      const isOwn = Object.hasOwn(req, name);
      if (!isOwn && this.hasAccessors) Object.defineProperty(req, name, accessors.get(name) as PropertyDescriptor);
      if (!isOwn) continue;
      this.#undo ??= [];
      this.#undo.push(watchProperty(req, name, () => tell(this, name)));
    }
  }

  #isInPrototype(): boolean {
    for (let outer = this.outer; outer !== undefined; outer = outer.outer) if (outer.hasPrototype) return true;
    return false;
  }

  get hasPrototype(): boolean {
    return this.#watch !== undefined;
  }

  get readings(): RequestReadings {
    return this;
  }

  get fields(): ReadonlySet<string> {
    return this.#fields ?? NONE;
  }

  get identity(): ReadonlySet<string> {
    return this.#identity ?? NONE;
  }

  get isLost(): boolean {
    return !this.#stopped && this.#watch !== undefined && prototypes.isLost(this.#req, this.#watch);
  }

  pause(isPaused: boolean): void {
    this.isPaused = isPaused;
  }

  field(name: string): void {
    if (this.#stopped || this.isPaused) return;
    if (IDENTITY_FIELDS.has(name)) this.who(name);
    else if (this.#noInput?.has(name) !== true && !Object.hasOwn(Object.prototype, name)) {
      this.#fields ??= new Set();
      this.#fields.add(name);
    }
  }

  /** An input that tells who is asking. */
  who(input: string): void {
    if (this.#stopped || this.isPaused) return;
    this.#identity ??= new Set();
    this.#identity.add(input);
  }

  all(): void {
    if (!this.#stopped && !this.isPaused) this.everything = true;
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    const req = this.#req;
    this.#leave();
    if (req.headers === this.#headers) req.headers = this.#real.headers;
    if (this.#rawHeaders === undefined) return;
    if (this.#undo !== undefined) for (const undo of this.#undo) undo();
    if (this.#watch !== undefined) prototypes.stop(req, this.#watch);
    if (req.rawHeaders === this.#rawHeaders) req.rawHeaders = this.#real.rawHeaders;
    if (req.socket) unwatchAddress(req.socket, this);
    if (this.#locals !== undefined && this.#holder.locals === this.#locals)
      this.#holder.locals = this.#real.locals as Record<string, unknown>;
  }

  #leave(): void {
    let outer = this.outer;
    while (outer?.isStopped) outer = outer.outer;
    if (observations.get(this.#req) !== this) return;
    if (outer === undefined) observations.delete(this.#req);
    else observations.set(this.#req, outer);
  }

  get isStopped(): boolean {
    return this.#stopped;
  }
}
